"""How actors are told: every message, and one wake-up for all that have arrived.

Law: putting never waits. A `Mailbox` is unbounded by type and bounded by construction; whoever
puts into one states why.
"""

from typing import Generic, Self, TypeVar

import trio
from trio.lowlevel import Abort, RaiseCancelT, Task, current_task, reschedule, wait_task_rescheduled

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Lossless: one wake-up hands over everything that has arrived; one reader at a time."""

    __slots__ = ("_closed", "_items", "_reader")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._reader: Task | None = None
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Mailbox {state}, {len(self._items)} waiting>"

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def put(self, item: T) -> None:
        """Leave a message; never waits."""
        assert not self._closed, "BUG: a closed mailbox has no readers"
        self._items.append(item)
        self._wake()

    def close(self) -> None:
        """Let the reader finish what has arrived and end its loop."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reschedule(reader)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[T]:
        """All messages that have arrived, oldest first; ends when closed and empty."""
        if not self._items and not self._closed:
            assert self._reader is None, "BUG: two readers of one mailbox"
            self._reader = current_task()
            await wait_task_rescheduled(self._abort)
        else:
            # A reader that always finds mail must still let others run.
            await trio.lowlevel.checkpoint()
        if not self._items:
            raise StopAsyncIteration
        items, self._items = self._items, []
        return items

    def _abort(self, _: RaiseCancelT) -> Abort:
        self._reader = None
        return Abort.SUCCEEDED
