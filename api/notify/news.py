"""What live streams hear besides points: alerts that change and annotations that come.

Law: lossless or not at all. Whoever does not keep up is told to come back rather than told half.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Literal

import trio
from msgspec import Struct

WAITING_MAX: Final = 1_000
"""News that wait for one stream."""


class News(Struct, frozen=True):
    """One thing that happened in an account, as it is written into a stream."""

    name: Literal["alert", "annotation"]
    data: object


Listener = trio.MemorySendChannel[News]


class NewsDesk:
    """Who listens in which account."""

    def __init__(self) -> None:
        self._listeners: dict[int, set[Listener]] = {}

    def __repr__(self) -> str:
        return f"<NewsDesk {sum(map(len, self._listeners.values()))} listen>"

    def wanted(self, account: int) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners.get(account))

    def tell(self, account: int, news: News) -> None:
        """Tell everybody who listens; never waits."""
        for listener in tuple(self._listeners.get(account, ())):
            try:
                listener.send_nowait(news)
            except (trio.WouldBlock, trio.BrokenResourceError):
                listener.close()
                self._listeners[account].discard(listener)

    @contextmanager
    def listening(self, account: int) -> Generator[trio.MemoryReceiveChannel[News]]:
        """News of an account from now on; they end for who falls behind."""
        send, receive = trio.open_memory_channel[News](WAITING_MAX)
        self._listeners.setdefault(account, set()).add(send)
        try:
            with send, receive:
                yield receive
        finally:
            self._listeners[account].discard(send)
            if not self._listeners[account]:
                del self._listeners[account]
