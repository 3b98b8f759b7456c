"""What is wrong with what is imported. Pure."""

from msgspec import Struct


class DumpFault(Exception):
    """Nothing of it can be imported; the text says why, and what would help."""


class FileFault(Exception):
    """One file cannot be read; it adds nothing. The text says why."""


class Fault(Struct, frozen=True):
    """What could not be imported: a file, a stat or an alert by its name, and why."""

    what: str
    message: str


class PulledFault(Exception):
    """The other server did not give what was asked for.

    `final` when another attempt cannot go better; `code` is that of a problem.
    """

    def __init__(self, text: str, code: str = "import_source", *, final: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.final = final
