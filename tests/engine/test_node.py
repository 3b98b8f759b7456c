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
from engine.partition import WAKES_A_SLICE
from engine.points import Batch, Command
from engine.ports import Memory, Unavailable
from engine.tiers import D1, HOUR_S, M1, S1, S10, STORED, TIERS
from engine.turn import NO_POINTS
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, BEGUN_S, VALUES, Point, expected_of
from tests.engine.nodes import now_ms, read_all, simulated, submit, until_killed

STAT = 1


def point(value: float, at_s: float = 0, stat: int = STAT) -> Point:
    return stat, BEGUN_MS + round(1000 * at_s), value


# The model


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


# Watching


async def test_watches_say_what_a_question_answers(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore(2)) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            watch.add(1, 2)
            for round_number in range(30):
                value = round_number / 10
                late_s = -100 if round_number % 5 == 4 else 0
                await submit(node, point(value, round_number + late_s))
                await submit(node, point(value, round_number, 2), partition=1)
                await trio.sleep(1)
                changes = {change.stat: change for change in await anext(watch)}
                assert changes.keys() == {STAT, 2}
                assert changes[STAT].revised == bool(late_s)
                for change in changes.values():
                    (start,) = change.rollups.start.tolist()
                    reading = await node.read(change.partition, change.stat, S10, start, start + 10)
                    assert reading.rollups.sum.tolist() == change.rollups.sum.tolist()
                    assert change.position == node.cursor(change.partition)


async def test_a_watch_may_begin_before_the_node_is_ready(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s["acquire"] = 5
    async with until_killed(store) as node:
        with node.watch(S1) as watch:
            watch.add(0, STAT)
            await trio.sleep(1)
            assert not node.ready
            await node.wait_ready()
            await submit(node, point(1.0))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [1.0]


async def test_what_is_too_old_for_a_tier_is_not_told_as_something_else(
    autojump_clock: MockClock,
) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(1.0, -7 * HOUR_S), point(2.0, -7 * HOUR_S + 30), point(4.0))
            (change,) = await anext(watch)
            assert change.rollups.start.tolist() == [BEGUN_S]


async def test_a_stat_sleeps_when_nobody_listens(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(M1) as one, node.watch(S10) as other:
            one.add(0, STAT)
            other.add(0, STAT)
            assert awake(node) == 1
            one.remove(STAT)
            await trio.sleep(3)
            assert awake(node) == 1
        await trio.sleep(3)
        assert awake(node) == 0
        with node.watch(M1) as again:
            again.add(0, STAT)
            await submit(node, point(1.0))
            (change,) = await anext(again)
            assert change.rollups.sum.tolist() == [1.0]


def awake(node: Node) -> int:
    return node.statistics().partitions[0].awake


async def test_an_actor_that_failed_is_replaced(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, -HOUR_S))
        await node.checkpoint()
        await node.fold(BEGUN_S)
        store.fail("chunks", Unavailable("no answer"))
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(2.0, -HOUR_S))
            assert [changes async for changes in watch] == []
            assert "its actor failed" in caplog.text
            with node.watch(S10) as another:
                another.add(0, STAT)
                await submit(node, point(4.0, -HOUR_S))
                (change,) = await anext(another)
                assert change.rollups.sum.tolist() == [7.0]
        assert awake(node) <= 1


async def test_listeners_may_leave_while_they_are_told(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        stats = range(8 * WAKES_A_SLICE)
        with node.watch(S10) as watch, node.watch(S10) as other:
            for stat in stats:
                watch.add(0, stat)
            other.add(0, stats[-1])
            async with trio.open_nursery() as nursery:
                nursery.start_soon(submit, node, *(point(1.0, 0, stat) for stat in stats))
                told = await anext(watch)
                watch.close()
                node._partitions[0].tick(now_ms())
            assert 0 < len(told) < len(stats)
            assert [change.stat for change in await anext(other)] == [stats[-1]]
            assert awake(node) == 1


async def test_a_stat_that_is_due_has_nothing_new_to_tell(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            for stat in (STAT, 2):
                node._partitions[0].table.set_due(stat, BEGUN_MS + 500)
            await trio.sleep(2)
            await submit(node, point(1.0))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [1.0]


async def test_watches_end_when_their_partition_fails(autojump_clock: MockClock) -> None:
    failures = [RuntimeError("once")]

    def on_command(command: Command) -> None:
        if failures:
            raise failures.pop()

    async with until_killed(FaultyStore(), on_command) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(1.0))
            assert len(await anext(watch)) == 1
            await submit_command(node)
            assert [changes async for changes in watch] == []
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(2.0))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [3.0]


async def submit_command(node: Node) -> None:
    await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b"record"),)))


async def test_watches_end_when_the_node_stops(autojump_clock: MockClock) -> None:
    ended = []

    async def listen(node: Node) -> None:
        for _ in range(2):  # A client that comes back is sent away again.
            with node.watch(S10) as watch:
                watch.add(0, STAT)
                ended.append([changes async for changes in watch])

    async with (
        trio.open_nursery() as nursery,
        open_node(FaultyStore(), TrioClock(BEGUN_MS)) as node,
    ):
        await node.wait_ready()
        nursery.start_soon(listen, node)
        await trio.sleep(1)
        assert node.statistics().watches == 1
    assert ended == [[], []]


# The rest


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
