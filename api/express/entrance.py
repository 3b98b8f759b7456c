"""How much may be in work at once, who waits for that, and who is turned away.

Law: requests begin in the order in which they came. Whether one more may wait is decided before any
work, by how long the first in the queue has waited already: so nobody has to know how fast the
server is, and whoever is refused hears it at once. What has no body begins at once.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import trio

WORK_BYTES_MAX: Final = 2**20
"""Bodies in work together; a larger one is in work alone."""

WAIT_S_MAX: Final = 0.1
"""While the first in the queue has waited for longer than this, nobody else may."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """Who waits with a body of this size."""

    task: trio.lowlevel.Task
    size: int
    since_s: float


class Entrance:
    """Lets requests begin."""

    def __init__(self) -> None:
        self.bytes = 0
        self._queue: deque[_Waiter] = deque()

    def __repr__(self) -> str:
        return f"<Entrance {self.bytes} bytes in work, {len(self._queue)} wait>"

    @property
    def closed(self) -> bool:
        """Whether nobody else may wait."""
        return bool(self._queue) and trio.current_time() - self._queue[0].since_s > WAIT_S_MAX

    async def enter(self, size: int) -> bool:
        """Begin with a body, perhaps after a while; False when too many wait already.

        Who has entered must `leave`.
        """
        if not size or (not self._queue and self._room(size)):
            self.bytes += size
            return True
        if self.closed:
            return False
        await self._wait(_Waiter(trio.lowlevel.current_task(), size, trio.current_time()))
        return True

    def leave(self, size: int) -> None:
        """End with a body; those who waited for it begin."""
        self.bytes -= size
        while self._queue and self._room(self._queue[0].size):
            waiter = self._queue.popleft()
            self.bytes += waiter.size
            trio.lowlevel.reschedule(waiter.task)

    async def _wait(self, waiter: _Waiter) -> None:
        self._queue.append(waiter)

        def give_up(_: object) -> trio.lowlevel.Abort:
            self._queue.remove(waiter)
            # Perhaps it was the first, and others have room.
            self.leave(0)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

    def _room(self, size: int) -> bool:
        return not self.bytes or self.bytes + size <= WORK_BYTES_MAX
