"""From when on seconds are complete: after a restart at once, for all but those ahead of it."""

import pytest
import trio
from trio.testing import MockClock

from engine import seconds as module
from engine.position import Position
from engine.seconds import Seconds
from engine.tiers import S1
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, BEGUN_S, Point, rolled
from tests.engine.nodes import submit, until_killed

BEGUN = Position(BEGUN_S * 1000, 0)


def point(value: float, second: float, stat: int) -> Point:
    """A point so many seconds from the beginning."""
    return stat, BEGUN_MS + int(second * 1000), value


def at(second: int, *stats: int) -> list[Point]:
    return [(stat, (BEGUN_S + second) * 1000 + 900, 1.5) for stat in stats]


def test_a_stat_that_was_ahead_lacks_something_for_longer_than_the_others() -> None:
    seconds = Seconds(2**20, BEGUN, BEGUN_S)
    seconds.miss(rolled(at(-5, 1, 2) + at(30, 2) + at(50, 2) + at(0, 3)), BEGUN_S)
    found = [seconds.complete_from(stat) - BEGUN_S for stat in (1, 2, 3, 4)]
    assert found == [0, 51, 1, 0]
    seconds.miss(rolled(at(40, 2)), BEGUN_S + 10)
    assert seconds.complete_from(2) == BEGUN_S + 51
    seconds.miss(rolled([]), BEGUN_S + 60)
    assert seconds.complete_from(2) == BEGUN_S + 60


def test_when_very_many_are_ahead_it_is_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_STATS_MAX", 3)
    seconds = Seconds(2**20, BEGUN, BEGUN_S)
    seconds.miss(rolled(at(7, 1, 2, 3)), BEGUN_S)
    assert seconds.complete_from(9) == BEGUN_S
    seconds.miss(rolled(at(9, 4)), BEGUN_S)
    assert [seconds.complete_from(stat) for stat in (1, 4, 9)] == [BEGUN_S + 10] * 3


async def test_a_restart_blinds_nobody(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        # In the middle of a bucket of ten seconds, and one sender's clock is fast.
        await submit(node, point(1.0, 0, 1), point(1.0, 0, 2), point(1.0, 40, 3))
        await node.checkpoint()
    async with until_killed(store) as node:
        await node.wait_ready()
        now_s = node.clock.now_ms() // 1000
        for stat, complete_s in ((1, now_s + 1), (2, now_s + 1), (3, BEGUN_S + 41)):
            reading = await node.read(0, stat, S1, now_s, now_s + 60)
            assert reading.complete_from is not None
            assert reading.complete_from <= complete_s
        ahead = await node.read(0, 3, S1, now_s, now_s + 60)
        assert ahead.complete_from == BEGUN_S + 41


async def test_a_chart_moves_right_after_a_restart(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, 0, 1), point(1.0, 40, 3))
        await node.checkpoint()
        await trio.sleep(2)
    async with until_killed(store) as node:
        await node.wait_ready()
        with node.watch(S1) as watch:
            watch.add(0, 1)
            await submit(node, point(7.0, 2, 1))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [7.0]
