"""What ends a command: one line for people, and the exit code for scripts."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2


class CommandError(Exception):
    """The command cannot go on; the text says what to do about it."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


class UsageError(CommandError):
    """The command line cannot be meant so."""

    def __init__(self, text: str) -> None:
        super().__init__(text, USAGE)


def only(error: BaseException, *kinds: type[BaseException]) -> BaseException | None:
    """The first error of these kinds, if that is all there is in `error`, a group or not.

    Nurseries bundle what goes wrong in them, also when it is one thing.
    """
    if not isinstance(error, BaseExceptionGroup):
        return error if isinstance(error, kinds) else None
    found = [only(inner, *kinds) for inner in error.exceptions]
    return None if None in found else found[0]
