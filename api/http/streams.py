"""Which live streams are open, so that they can be counted, limited and ended.

Law: whoever opens a stream must leave it; a stream that is told to end says goodbye and
ends itself.
"""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Final

import trio

from api.accounts.keys import Identity
from api.http.problems import unavailable

STREAMS_LIMIT: Final = 1_000
"""Live streams of one account."""

MESSAGES_A_SECOND: Final = 3_500
"""Messages of changes to all live clients together; they take half a core.

A thousand clients of one stat would else be told twenty times a second each, and nobody's points
would be taken meanwhile.
"""


@dataclass(eq=False, slots=True)
class OpenStream:
    """One live stream; `reason` is why it was asked to end, if it was."""

    caller: Identity
    _end: Callable[[], None]
    reason: str | None = None

    def end(self, reason: str) -> None:
        """Ask it to say goodbye; never waits."""
        self.reason = self.reason or reason
        self._end()


class Streams:
    """The open live streams of this server."""

    def __init__(self) -> None:
        self._open: set[OpenStream] = set()
        self._accounts: Counter[int] = Counter()
        self._next_turn_s = -inf

    def __repr__(self) -> str:
        return f"<Streams {len(self)} open>"

    def __len__(self) -> int:
        return len(self._open)

    def check(self, account: int) -> None:
        """Raise Problem when the account may open no more."""
        if self._accounts[account] >= STREAMS_LIMIT:
            raise unavailable("too_many_streams", 10, f"At most {STREAMS_LIMIT} at a time.")

    async def turn(self) -> None:
        """Wait until one more message may be sent; whoever comes first goes first."""
        now_s = trio.current_time()
        turn_s = max(now_s, self._next_turn_s)
        self._next_turn_s = turn_s + 1 / MESSAGES_A_SECOND
        await trio.sleep_until(turn_s)

    @contextmanager
    def entered(self, caller: Identity, end: Callable[[], None]) -> Generator[OpenStream]:
        """A stream while it is open; `end` makes it end, without waiting."""
        stream = OpenStream(caller, end)
        self._open.add(stream)
        self._accounts[caller.account] += 1
        if self._accounts[caller.account] > STREAMS_LIMIT:
            # They were let in at the same moment, before any of them was counted.
            stream.end("too many live streams are open")
        try:
            yield stream
        finally:
            self._open.discard(stream)
            self._accounts[caller.account] -= 1

    def end_all(self, reason: str) -> None:
        """Ask every stream to end."""
        for stream in tuple(self._open):
            stream.end(reason)
