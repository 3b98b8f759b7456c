"""Questions: what was acknowledged is in the answer, or the answer says that it is not."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from engine.histogram import SCALE
from engine.node import EngineSettings
from engine.points import Batch, Command
from engine.ports import Unavailable
from engine.position import START, Position
from engine.queries import CATCH_UP_S_MAX, NEWEST_KEPT_MAX
from engine.tiers import D1, DAY_S, H1, HISTOGRAMS, HOUR_S, M1, M15, S1, S10, TIERS, Tier
from engine.turn import NO_POINTS
from engine.window import Newest
from tests.engine.faults import FaultyStore
from tests.engine.model import (
    BEGUN_MS,
    BEGUN_S,
    Point,
    counted,
    expected_counts,
    expected_of,
    told_of,
)
from tests.engine.nodes import FAR_S, now_ms, read_all, submit, until_killed

STAT = 1


def point(value: float, at_s: float = 0, stat: int = STAT) -> Point:
    return stat, BEGUN_MS + round(1000 * at_s), value


# Read your writes


async def test_an_answer_includes_what_was_acknowledged_before(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        points = []
        for value in range(50):
            points.append(point(float(value), value))
            position = await submit(node, points[-1])
            reading = await node.read(0, STAT, M1, BEGUN_S, FAR_S)
            assert told_of(reading.rollups) == expected_of(points, STAT, 60)
            assert reading.position >= position
            assert reading.complete_until >= BEGUN_S


async def test_an_answer_says_when_the_partition_is_behind(autojump_clock: MockClock) -> None:
    failures = [RuntimeError("once")]

    def on_command(command: Command) -> None:
        if failures:
            raise failures.pop()

    async with until_killed(FaultyStore(), on_command) as node:
        known = await submit(node, point(1.0))
        await node.checkpoint()
        await trio.sleep(5)
        await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b""),)))
        await submit(node, point(2.0))
        began = trio.current_time()
        reading = await node.read(0, STAT, M1, BEGUN_S, FAR_S)
        assert trio.current_time() - began == pytest.approx(CATCH_UP_S_MAX)
        assert told_of(reading.rollups) == expected_of([point(1.0)], STAT, 60)
        assert (reading.complete_until, reading.position) == (known.ms // 1000, known)
        await trio.sleep(2)
        reading = await node.read(0, STAT, M1, BEGUN_S, FAR_S)
        assert told_of(reading.rollups) == expected_of([point(1.0), point(2.0)], STAT, 60)
        assert reading.complete_until == now_ms() // 1000


async def test_before_the_start_is_over_nothing_is_said_to_be_complete(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0))
    store.slow_s["read_log"] = 10
    async with until_killed(store) as node:
        assert not node.ready
        reading = await node.read(0, STAT, M1, BEGUN_S, FAR_S)
        assert (len(reading.rollups), reading.complete_until) == (0, 0)
        assert node.touched(0, STAT, START, M1) is None
        await node.wait_ready()
        assert node.touched(0, STAT, START, M1) == [BEGUN_S]


async def test_a_reading_is_of_one_position_whatever_is_folded_meanwhile(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    points = [point(1.0, -HOUR_S), point(2.0, -HOUR_S)]
    async with until_killed(store) as node:
        await submit(node, points[0])
        await node.checkpoint()
        await node.fold(BEGUN_S)
        store.slow_s["chunks"] = 1
        async with trio.open_nursery() as nursery:

            async def change() -> None:
                await trio.sleep(0.5)
                await submit(node, points[1])
                await node.checkpoint()
                store.heal()
                await node.fold(BEGUN_S + 60)

            nursery.start_soon(change)
            before = node.cursor(0)
            reading = await node.read(0, STAT, S10, BEGUN_S - HOUR_S, BEGUN_S)
        applied = points if reading.position > before else points[:1]
        assert told_of(reading.rollups) == expected_of(applied, STAT, 10)


async def test_what_another_owner_folds_cannot_be_read(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, -HOUR_S))
        await node.checkpoint()
        await node.fold(BEGUN_S)
        chunks = store.state[0].chunks[STAT]
        for key, chunk in chunks.items():
            chunks[key] = replace(chunk, position=Position(2 * BEGUN_MS, 0))
        with pytest.raises(Unavailable, match="another owner"):
            await node.read(0, STAT, S10, BEGUN_S - HOUR_S, BEGUN_S)


# Tiers


@pytest.mark.parametrize(
    ("tier", "ago_s", "answered"),
    [
        (S1, 800, S1),
        (S1, 901, S10),
        (S10, 5 * HOUR_S, S10),
        (S10, 7 * HOUR_S, M1),
        (S1, 7 * HOUR_S, M1),
        (M1, 8 * DAY_S, M15),
        (M15, 70 * DAY_S, H1),
        (M1, 500 * DAY_S, D1),
        (D1, BEGUN_S, D1),
        (D1, BEGUN_S + 100, D1),
    ],
)
async def test_the_finest_tier_that_is_kept_answers(
    autojump_clock: MockClock, tier: Tier, ago_s: int, answered: Tier
) -> None:
    async with until_killed(FaultyStore()) as node:
        await submit(node, point(1.0))
        reading = await node.read(0, STAT, tier, BEGUN_S - ago_s, FAR_S)
        assert reading.tier is answered
        assert told_of(reading.rollups) == expected_of([point(1.0)], STAT, answered.width_s)


async def test_buckets_are_whole_wherever_the_range_is_cut(autojump_clock: MockClock) -> None:
    points = [point(float(second), second) for second in range(-200, 60)]
    async with until_killed(FaultyStore()) as node:
        await submit(node, *points)
        for checkpointed in (False, True):
            if checkpointed:
                await node.checkpoint()
            for tier in (S10, M1):
                reading = await node.read(0, STAT, tier, BEGUN_S - 95, BEGUN_S + 5)
                wanted = expected_of(points, STAT, tier.width_s)
                assert told_of(reading.rollups) == {
                    start: row for start, row in wanted.items() if -95 <= start - BEGUN_S < 5
                }


async def test_shortened_tiers_answer_with_a_wider_one(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.used = store.limit * 3 // 4
    async with until_killed(store) as node:
        points = [point(1.0, -5 * HOUR_S)]
        await submit(node, *points)
        await trio.sleep(10)
        reading = await node.read(0, STAT, S10, BEGUN_S - 5 * HOUR_S, FAR_S)
        assert reading.tier is M1
        assert told_of(reading.rollups) == expected_of(points, STAT, 60)


async def test_histograms_of_each_width(autojump_clock: MockClock) -> None:
    points = [point(1.5**n, -60 * n) for n in range(30)]
    async with until_killed(FaultyStore()) as node:
        await submit(node, *points)
        for tier in HISTOGRAMS:
            reading = await node.read_histograms(0, STAT, tier, BEGUN_S - DAY_S, FAR_S)
            assert reading.tier is (tier if tier is not HISTOGRAMS[0] else HISTOGRAMS[1])
            assert counted(reading.rollups) == expected_counts(
                points, reading.tier.width_s, reading.rollups.scale
            )
            assert reading.rollups.scale == SCALE
        recent = await node.read_histograms(0, STAT, M1, BEGUN_S - HOUR_S, FAR_S)
        assert recent.tier is HISTOGRAMS[0]
        assert recent.rollups.total() == 30


# Seconds


async def test_seconds_are_read_from_memory(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    points = [point(1.0, 0.5), point(2.0, 0.7), point(4.0, -3)]
    async with until_killed(store) as node:
        await submit(node, *points)
        for committed in (False, True):
            if committed:
                await node.checkpoint()
            reading = await node.read(0, STAT, S1, BEGUN_S - 100, FAR_S)
            assert told_of(reading.rollups) == expected_of(points, STAT, 1)
            assert reading.tier is S1
        assert "chunks" not in store.calls


async def test_seconds_say_where_they_begin(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        await node.checkpoint()
    async with until_killed(store) as node:
        await node.wait_ready()
        reading = await node.read(0, STAT, S1, BEGUN_S - 100, FAR_S)
        assert reading.complete_from is not None
        assert BEGUN_S < reading.complete_from <= BEGUN_S + 10
        assert len(reading.rollups) == 0


async def test_seconds_have_a_budget(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore(), settings=EngineSettings(seconds_bytes=200)) as node:
        for second in range(4):
            await submit(node, point(1.0, second))
            await node.checkpoint()
        reading = await node.read(0, STAT, S1, BEGUN_S - 100, FAR_S)
        assert reading.rollups.start.tolist() == [BEGUN_S + 2, BEGUN_S + 3]
        assert (reading.complete_from or 0) > BEGUN_S


# Newest points


async def test_the_newest_point_of_each_stat(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await submit(node, point(1.0, 5, 1), point(2.0, 4, 1), point(3.0, 1, 2), point(4.0, 1, 2))
        await trio.sleep(6)
        assert await node.latest(0, [1, 2, 3]) == {
            1: Newest(BEGUN_MS + 5_000, 1.0),
            2: Newest(BEGUN_MS + 1_000, 4.0),
        }
        assert await node.latest(0, []) == {}


async def test_the_newest_point_of_a_stat_that_sleeps(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, -2 * DAY_S, 1), point(2.0, -DAY_S, 1), point(3.0, 0, 2))
        await node.checkpoint()
        await node.fold(BEGUN_S + HOUR_S)
    async with until_killed(store) as node:
        await node.wait_ready()
        wanted = {1: Newest(BEGUN_MS - DAY_S * 1000, 2.0), 2: Newest(BEGUN_MS, 3.0)}
        assert await node.latest(0, [1, 2, 3]) == wanted
        store.calls.clear()
        assert await node.latest(0, [1, 2]) == wanted
        assert store.calls == [], "known by now"


async def test_late_points_are_not_the_newest_after_a_start(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, 0))
        await node.checkpoint()
    async with until_killed(store) as node:
        await submit(node, point(2.0, -DAY_S))
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS, 1.0)}
        await submit(node, point(4.0, 0))
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS, 4.0)}
        await submit(node, point(8.0, -0.5))
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS, 4.0)}


async def test_a_partition_that_began_again_forgets_what_it_looked_up(
    autojump_clock: MockClock,
) -> None:
    failures: list[Exception] = []

    def on_command(command: Command) -> None:
        if failures:
            raise failures.pop()

    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, -DAY_S))
        await node.checkpoint()
    async with until_killed(store, on_command) as node:
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS - DAY_S * 1000, 1.0)}
        await submit(node, point(2.0))
        await node.checkpoint()
        failures.append(RuntimeError("once"))
        await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b""),)))
        await trio.sleep(5)
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS, 2.0)}


async def test_memory_for_newest_points_is_bounded(autojump_clock: MockClock) -> None:
    store, newest = FaultyStore(), Newest(BEGUN_MS, 1.0)
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        await node.checkpoint()
    async with until_killed(store) as node:
        assert await node.latest(0, [STAT]) == {STAT: newest}
        known = node._queries[0]._newest
        known |= dict.fromkeys(range(10, NEWEST_KEPT_MAX + 9), newest)
        assert await node.latest(0, [STAT, 10]) == {STAT: newest, 10: newest}
        known[10**6] = newest
        assert await node.latest(0, [STAT, 7]) == {STAT: newest}
        assert node._queries[0]._newest == {STAT: newest}


# What moved


async def test_what_may_have_changed_since_a_position(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        first = await submit(node, point(1.0, 1), point(1.0, -70))
        await node.latest(0, [STAT])  # Waits until the points are applied.
        for tier, starts in ((S1, [-70, 1]), (S10, [-70, 0]), (M1, [-120, 0]), (H1, [-3600, 0])):
            assert node.touched(0, STAT, START, tier) == [BEGUN_S + start for start in starts]
        await node.checkpoint()
        second = await submit(node, point(1.0, 2), point(1.0, 1, 2))
        await node.latest(0, [STAT])
        assert node.cursor(0) == second > first
        assert node.touched(0, STAT, first, S1) == [BEGUN_S + 2]
        assert node.touched(0, STAT, first, M1) == [BEGUN_S]
        await node.checkpoint()
        for tier in TIERS:
            assert node.touched(0, STAT, second, tier) == []
        assert node.cursor(0) == second


async def test_what_changed_before_the_memory_begins_is_not_known(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        position = await submit(node, point(1.0))
        await node.checkpoint()
        await node.fold(BEGUN_S + HOUR_S)
        assert node.touched(0, STAT, START, S10) is None
        assert node.touched(0, STAT, START, S1) == [BEGUN_S]
        assert node.touched(0, STAT, position, S10) == []
    async with until_killed(store) as node:
        await node.wait_ready()
        assert node.touched(0, STAT, START, S1) is None
        assert node.touched(0, STAT, position, S1) == []
        assert node.touched(0, STAT, Position(position.ms - 1, 0), S10) is None


async def test_all_tiers_answer_alike(autojump_clock: MockClock) -> None:
    points = [point(0.1 * n, -n * 37) for n in range(20)]
    async with until_killed(FaultyStore()) as node:
        await submit(node, *points)
        for tier in TIERS[:3]:
            found = await read_all(node, STAT, tier, BEGUN_S - 740)
            assert found == expected_of(points, STAT, tier.width_s)
