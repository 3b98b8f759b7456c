"""What every store must do with the meter of points, told once."""

from dataclasses import replace

from engine.histogram import Histograms
from engine.points import Batch
from engine.ports import Appended, Checkpoint, Group, Ownership, Partials, Store
from engine.rollup import Rollups
from engine.usage import day_of
from tests.storage.store_contract import T0_MS, points

NOTHING = Partials(Rollups.empty(), Histograms.empty())


class UsageContract:
    """One test a promise; `store` is a fixture of the class that inherits."""

    async def metered(self, store: Store, own: Ownership, usage: dict[int, int]) -> Checkpoint:
        """Commit a checkpoint that carries this; returns it."""
        number = await store.checkpoint_number(0, own.epoch) + 1
        (reply,) = await store.append([Group(0, own.epoch, number, (Batch(points(1)),), T0_MS)])
        assert isinstance(reply, Appended)
        checkpoint = Checkpoint(0, own.epoch, number, reply.position, NOTHING, usage=usage)
        await store.commit(checkpoint)
        return checkpoint

    async def test_usage_adds_up_by_owner_and_day(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.metered(store, own, {1: 5, 2**40: 7})
        last = await self.metered(store, own, {1: 2**40})
        day = day_of(last.position)
        assert await store.usage(0, 1, [day - 1, day]) == [0, 5 + 2**40]
        assert await store.usage(0, 2**40, [day]) == [7]
        assert await store.usage(0, 3, [day]) == [0]
        assert await store.usage(1, 1, [day]) == [0]
        assert await store.usage(0, 1, []) == []

    async def test_a_repeated_checkpoint_is_metered_once(self, store: Store) -> None:
        own = await store.acquire(0)
        checkpoint = await self.metered(store, own, {1: 5})
        await store.commit(replace(checkpoint))
        assert await store.usage(0, 1, [day_of(checkpoint.position)]) == [5]
