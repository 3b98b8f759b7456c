"""The node, whole: what comes out equals a model, whatever came in, and whenever it was killed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.intake import ReadOnly, StoreDown
from engine.node import Node, NodeStatistics, ignore, open_node
from engine.points import Command
from engine.ports import Memory, Unavailable
from engine.tiers import D1, HOUR_S, STORED, TIERS
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, BEGUN_S, VALUES, Point, expected_of
from tests.engine.nodes import now_ms, read_all, simulated, submit, until_killed

STAT = 1


def point(value: float, at_s: float = 0, stat: int = STAT) -> Point:
    return stat, BEGUN_MS + round(1000 * at_s), value


ENDS = ["killed", "stopped"]

Step = tuple[list[tuple[int, int, float]], bytes | None] | float | str

STEP = st.one_of(
    st.tuples(
        st.lists(
            st.tuples(
                st.integers(1, 2),
                # Ahead of the clock, of now, late, very late; in any order.
                st.one_of(st.integers(-20, 60), st.integers(-4 * HOUR_S, 0), st.just(-(10**6))),
                VALUES,
            ),
            min_size=1,
            max_size=6,
        ),
        # Sent again under a key that was used before, or under none.
        st.sampled_from([None, b"a" * 16, b"b" * 16]),
    ),
    st.sampled_from([0.01, 3.0, 11.0, 400.0]),
    st.sampled_from([*ENDS, "folded"]),
)


@dataclass
class World:
    """A node over a store, and the plain list of the points that it took."""

    store: FaultyStore = field(default_factory=FaultyStore)
    points: list[Point] = field(default_factory=list)
    digests: set[bytes] = field(default_factory=set)

    async def go(self, node: Node, step: Step) -> None:
        match step:
            case float():
                await trio.sleep(step)
            case str():
                await node.checkpoint()
                await node.fold(now_ms() // 1000)
            case relative, digest:
                at_ms = now_ms()
                points = [(stat, at_ms + 1000 * ago, value) for stat, ago, value in relative]
                await self.send(node, points, digest)

    async def send(self, node: Node, points: list[Point], digest: bytes | None) -> None:
        await submit(node, *points, digest=digest)
        if digest is None or digest not in self.digests:
            self.points += points
        if digest is not None:
            self.digests.add(digest)

    async def check(self, node: Node) -> None:
        for stat in (1, 2):
            for tier in STORED:
                found = await read_all(node, stat, tier, tier.oldest(now_ms() // 1000))
                wanted = expected_of(self.points, stat, tier.width_s)
                oldest_s = tier.oldest(now_ms() // 1000)
                assert {start: row.exact for start, row in found.items()} == {
                    start: row.exact for start, row in wanted.items() if start >= oldest_s
                }, tier.name


@settings(max_examples=30)
@given(steps=st.lists(STEP, min_size=2, max_size=14))
def test_late_double_and_out_of_order_points_count_like_in_a_list(steps: list[Step]) -> None:
    simulated(partial(live_through, steps))


async def live_through(steps: list[Step]) -> None:
    world, left = World(), steps
    while left:
        life = list(takewhile(lambda step: step not in ENDS, left))
        end, left = left[len(life) : len(life) + 1], left[len(life) + 1 :]
        async with one_life(world.store, killed=end != ["stopped"]) as node:
            for step in life:
                await world.go(node, step)
            await world.check(node)
    async with until_killed(world.store) as node:
        await node.wait_ready()
        await world.check(node)
    assert sum(state.appended for state in world.store.state) == len(world.points)


@asynccontextmanager
async def one_life(store: FaultyStore, killed: bool) -> AsyncGenerator[Node, None]:
    """A node that is killed in the end, or stopped."""
    if killed:
        async with until_killed(store) as node:
            await node.wait_ready()
            yield node
    else:
        async with open_node(store, TrioClock(BEGUN_MS)) as node:
            await node.wait_ready()
            yield node
        assert all(state.position == state.tail for state in store.state)


async def test_statistics_of_a_node(autojump_clock: MockClock) -> None:
    store = FaultyStore(2, limit=1000)
    async with until_killed(store) as node:
        await submit(node, point(1.0), point(2.0, 0, 2))
        await trio.sleep(0.1)
        first, second = node.statistics().partitions
        assert (first.number, first.ready, first.applied_points, first.active) == (0, True, 2, 2)
        assert (first.points_ahead, first.frames, first.checkpoints) == (0, 0, 0)
        assert first.uncommitted_bytes > first.seconds_bytes == 0
        assert (second.applied_points, second.active, second.awake) == (0, 0, 0)
        await node.checkpoint()
        statistics = node.statistics()
        assert isinstance(statistics, NodeStatistics)
        first, second = statistics.partitions
        assert (first.frames, first.checkpoints, first.uncommitted_bytes) == (1, 1, 0)
        assert first.position == node.cursor(0)
        assert first.checkpoint_ms == now_ms()
        assert first.seconds_bytes > 0
        assert (statistics.commits, statistics.bytes_waiting, statistics.refused) == (1, 0, {})
        assert (statistics.memory, statistics.read_only) == (Memory(0, 1000), None)
        assert repr(node).startswith("<Node 2 of 2 partitions ready")
        store.used = 900
        await trio.sleep(6)
        with pytest.raises(ReadOnly):
            await submit(node, point(1.0))
        assert node.statistics().refused == {"read_only": 1}
        assert "90% full" in str(node.statistics().read_only)
        assert [one.kept_shorter for one in node.statistics().partitions] == [1, 0]


async def test_memory_that_cannot_be_seen_is_looked_at_again(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.fail("memory", Unavailable("no answer"), None, Unavailable("no answer"))
    async with until_killed(store) as node:
        await trio.sleep(1)
        assert node.statistics().memory is None
        await trio.sleep(5)
        assert node.statistics().memory == Memory(0, store.limit)
        await trio.sleep(60)
        assert store.calls.count("memory") > 10


async def test_memory_may_be_short_before_anything_is_ready(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.used, store.slow_s["acquire"] = store.limit * 3 // 4, 3
    async with until_killed(store) as node:
        await trio.sleep(2)
        await submit(node, point(1.0))
        await trio.sleep(6)
        assert node.statistics().partitions[0].kept_shorter == 1


async def test_a_stopped_node_takes_nothing(autojump_clock: MockClock) -> None:
    async with open_node(FaultyStore(), TrioClock(BEGUN_MS)) as node:
        await submit(node, point(1.0))
    with pytest.raises(StoreDown, match="stopping"):
        await submit(node, point(2.0))


async def test_nothing_has_happened_in_an_empty_node(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        for tier in TIERS:
            assert len((await node.read(0, STAT, tier, BEGUN_S - 60, BEGUN_S)).rollups) == 0
        assert await node.latest(0, [STAT]) == {}
        await node.checkpoint()
        await node.fold(BEGUN_S)
        assert (await node.read_histograms(0, STAT, D1, 0, BEGUN_S)).rollups.total() == 0
    ignore(Command("stat.put", STAT))
