"""An intake without a node: its lanes are owned by hand, and what they deliver is kept."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import trio

from engine.clock import TrioClock
from engine.intake import Intake, Lane, NotAccepted
from engine.points import Batch, Claim, Points, Receipt
from engine.ports import Entry
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS


class Desk:
    """An intake with its lanes, and what was delivered from each."""

    def __init__(self, store: FaultyStore) -> None:
        self.store = store
        self.intake = Intake(store, TrioClock(BEGUN_MS))
        self.delivered = [list[Entry]() for _ in range(store.partitions)]
        self.lag = 0
        self.lost: list[int] = []
        for number, entries in enumerate(self.delivered):
            lost = partial(self.lost.append, number)
            self.intake.add(Lane(number, entries.append, self._lag, lost))

    def _lag(self) -> int:
        return self.lag

    async def own(self, number: int = 0) -> None:
        own = await self.store.acquire(number)
        self.intake.lanes[number].owned(own.epoch)

    def stored(self, number: int = 0) -> list[float]:
        """The values in the log."""
        log = self.store.state[number].log
        return [value for entry in log for value in entry.points.value.tolist()]


@asynccontextmanager
async def opened(store: FaultyStore, owned: bool = True) -> AsyncGenerator[Desk, None]:
    desk = Desk(store)
    if owned:
        for number in range(store.partitions):
            await desk.own(number)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.intake.run)
        yield desk
        desk.intake.close()


def batch(*values: float, claims: tuple[Claim, ...] = ()) -> Batch:
    return Batch(Points.of([1] * len(values), [BEGUN_MS] * len(values), values), claims)


def big(size: int) -> Batch:
    """A batch that weighs about `size` bytes."""
    return batch(*[1.0] * (size // 24))


class Asked:
    """A request of its own task; tells how it ended."""

    def __init__(self) -> None:
        self.receipt: Receipt | None = None
        self.error: NotAccepted | None = None
        self.after_s = 0.0

    async def ask(self, desk: Desk, one: Batch, number: int = 0) -> None:
        began = trio.current_time()
        try:
            self.receipt = await desk.intake.submit(number, one)
        except NotAccepted as error:
            self.error = error
        self.after_s = trio.current_time() - began


def asking(nursery: trio.Nursery, desk: Desk, *batches: Batch, number: int = 0) -> list[Asked]:
    asked = [Asked() for _ in batches]
    for one, each in zip(batches, asked, strict=True):
        nursery.start_soon(each.ask, desk, one, number)
    return asked
