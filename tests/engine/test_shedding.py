"""What gives way when memory or disk run out, in which order, and when it comes back."""

import pytest

from engine.clock import TrioClock
from engine.intake import Intake
from engine.partition import Partition
from engine.ports import Memory, Unavailable
from engine.shedding import DISK_FREE_AGAIN, DISK_FREE_LEAST, SETTLE_S, Shedding
from engine.tiers import S10, SHORTENED
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, BEGUN_S, Point, rolled

LIMIT = 1000
MIB = 2**20


class Household:
    """Partitions that are ready, as big as they are told, and a store as full as it is told."""

    def __init__(self, *active: int) -> None:
        self.store = FaultyStore(len(active), LIMIT)
        clock = TrioClock(BEGUN_MS)
        self.intake = Intake(self.store, clock)
        self.partitions = [
            Partition(number, self.store, clock, lambda command: None, 0)
            for number in range(len(active))
        ]
        for partition, stats in zip(self.partitions, active, strict=True):
            points: list[Point] = [(stat, BEGUN_MS, 1.0) for stat in range(stats)]
            partition.table.add(rolled(points), BEGUN_MS)
            partition.ready.set()
        self.shedding = Shedding(self.store, self.intake, self.partitions)

    async def acquire(self) -> None:
        """Own the partitions, with histories that may be swept."""
        for partition in self.partitions:
            own = await self.store.acquire(partition.number)
            partition.history.epoch = partition.history.fold.epoch = own.epoch

    async def look(self, used: int, now_s: int = BEGUN_S) -> list[int]:
        """Look at a store that is so full; returns how many steps each partition has gone."""
        self.store.used = used
        await self.shedding.look(now_s)
        return [partition.history.shortened for partition in self.partitions]


async def household(*active: int) -> Household:
    made = Household(*active)
    await made.acquire()
    return made


async def test_nothing_gives_way_while_there_is_room() -> None:
    house = await household(1, 2)
    assert await house.look(700) == [0, 0]
    assert house.intake.read_only is None
    assert house.shedding.memory == Memory(700, LIMIT)
    assert "read only: None" in repr(house.shedding)


async def test_the_biggest_gives_way_first_and_each_in_turn() -> None:
    house = await household(1, 3, 2)
    found = [await house.look(710, BEGUN_S + SETTLE_S * n) for n in range(10)]
    assert found == [
        [0, 1, 0],
        [0, 1, 1],
        [1, 1, 1],
        [1, 2, 1],
        [1, 2, 2],
        [2, 2, 2],
        [2, 3, 2],
        [2, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
    ]
    assert len(SHORTENED) == 3


async def test_what_was_done_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    house = await household(1, 1)
    pause_s = SETTLE_S // 2
    assert await house.look(900, BEGUN_S) == [1, 0]
    assert await house.look(900, BEGUN_S + pause_s - 1) == [1, 0]
    assert await house.look(900, BEGUN_S + pause_s) == [1, 1]
    assert "memory is short" in caplog.text
    assert "keeps less detail" in caplog.text


async def test_what_is_shortened_is_dropped_at_once() -> None:
    house = await household(1)
    history = house.partitions[0].history
    await house.look(710)
    assert "drop_chunks" not in house.store.calls, "there is no stat yet"
    assert history.fold.dropped[S10.number] == history.fold.closed.get(S10.number, 0)


async def test_detail_comes_back_when_there_is_plenty_of_room() -> None:
    house = await household(1, 1)
    await house.look(900)
    later_s = BEGUN_S + SETTLE_S
    assert await house.look(600, later_s) == [1, 0]
    assert await house.look(549, later_s) == [0, 0]


async def test_a_partition_that_is_not_ready_has_nothing_to_give() -> None:
    house = Household(5, 1)
    house.partitions[0].ready = type(house.partitions[0].ready)()
    await house.acquire()
    assert await house.look(900) == [0, 1]


async def test_points_are_refused_last_and_taken_again_with_some_room() -> None:
    house = await household(1)
    await house.look(850)
    assert house.intake.read_only is None
    await house.look(851)
    assert "85% full" in str(house.intake.read_only)
    await house.look(801)
    assert house.intake.read_only is not None
    await house.look(800)
    assert house.intake.read_only is None


@pytest.mark.parametrize(
    ("free", "before", "after"),
    [
        (DISK_FREE_LEAST, False, False),
        (DISK_FREE_LEAST - 1, False, True),
        (DISK_FREE_AGAIN - 1, True, True),
        (DISK_FREE_AGAIN, True, False),
        (None, True, False),
    ],
)
async def test_a_full_disk_refuses_points(free: int | None, before: bool, after: bool) -> None:
    house = await household(1)
    house.intake.read_only = "before" if before else None
    house.store.disk_free = free
    await house.look(100)
    assert (house.intake.read_only is not None) == after
    if free is not None and after:
        assert f"{free // MIB} MiB of disk" in str(house.intake.read_only)


async def test_a_store_without_a_limit_is_never_full() -> None:
    house = await household(1)
    house.store.limit = 0
    assert await house.look(10**12) == [0]
    assert house.intake.read_only is None


async def test_a_store_that_does_not_answer_changes_nothing() -> None:
    house = await household(1)
    await house.look(900)
    house.store.fail("memory", Unavailable("no answer"))
    with pytest.raises(Unavailable):
        await house.look(100)
    assert house.intake.read_only is not None
    assert house.partitions[0].history.shortened == 1
