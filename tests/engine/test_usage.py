"""The meter: each point is somebody's, and is metered once."""

from trio.testing import MockClock

from engine.points import Batch, Command
from engine.position import Position
from engine.rollup import Ints, Rollups
from engine.tiers import DAY_S
from engine.turn import NO_POINTS
from engine.usage import day_of, nobody, usage_of
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, Point, rolled
from tests.engine.nodes import submit, until_killed

TODAY = BEGUN_MS // 1000 // DAY_S


def tens(stats: Ints) -> Ints:
    """Stats 10 to 19 belong to owner 1, and so on; the first ten to nobody."""
    return stats // 10


def at(second: int, *stats: int) -> list[Point]:
    return [(stat, BEGUN_MS + 1000 * second, 1.5) for stat in stats]


def test_points_are_counted_by_owner() -> None:
    rollups = rolled(at(0, 10, 10, 3, 25) + at(1, 10, 11, 29) + at(2, 20))
    assert usage_of(rollups, tens) == {1: 4, 2: 3}
    assert usage_of(rollups, nobody) == {}
    assert usage_of(Rollups.empty(), tens) == {}


def test_a_day_is_one_of_utc() -> None:
    assert day_of(Position(1000 * DAY_S - 1, 5)) == 0
    assert day_of(Position(1000 * DAY_S, 0)) == 1


async def test_whatever_is_killed_a_point_is_metered_once(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store, owners=tens) as node:
        await submit(node, *at(0, 10, 10, 20))
        await node.checkpoint()
        await submit(node, *at(1, 10), digest=b"k" * 16)
        await submit(node, *at(1, 10), digest=b"k" * 16)
    assert await store.usage(0, 1, [TODAY]) == [2]
    async with until_killed(store, owners=tens) as node:
        await node.wait_ready()
        await node.checkpoint()
        await node.checkpoint()
    assert await store.usage(0, 1, [TODAY]) == [3]
    assert await store.usage(0, 2, [TODAY]) == [1]


async def test_commands_are_not_metered(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store, owners=tens) as node:
        await node.submit(0, Batch(NO_POINTS, commands=(Command("stat.put", 10, b"x"),)))
        await node.checkpoint()
    assert await store.usage(0, 1, [TODAY]) == [0]
