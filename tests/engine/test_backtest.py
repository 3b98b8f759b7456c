"""A backtest says what would have fired: over points just what did, over rollups about when."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from engine.backtest import backtest, of_points, of_rollups, suggested, sweep
from engine.histogram import Histograms
from engine.points import Points
from engine.rollup import roll_up
from engine.rules import Kind
from engine.transition import Tells, Transition
from tests.engine.alert_desk import RULE, STAT, Desk, rule, steps
from tests.engine.model import BEGUN_MS
from tests.engine.nodes import now_ms

FROM_MS = BEGUN_MS
TO_MS = BEGUN_MS + 600_000
BURST = Points.of([STAT] * 12, [BEGUN_MS + 60_000 + 1000 * n for n in range(12)], [1.0] * 12)


def told(one: Transition) -> tuple[object, ...]:
    return one.source, one.target, one.at_ms, one.value, one.points, one.tells, one.reason


@pytest.mark.parametrize("killed", [False, True])
async def test_over_recorded_points_it_equals_what_fired_live(
    killed: bool, autojump_clock: MockClock
) -> None:
    made = rule(for_s=3, keep_firing_s=5, warn=5.0)
    desk = Desk()
    async with desk.life() as alerts:
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        await _burst(desk, 8)
        if not killed:
            await _burst(desk, 8)
            await trio.sleep(120)
    if killed:
        async with desk.life():
            await _burst(desk, 8)
            await trio.sleep(120)
    tested = backtest(made, STAT, desk.arrived, FROM_MS, now_ms())
    live = [told(one) for one in await desk.committed()]
    # The rule was put a moment later than the test begins.
    assert [told(one) for one in tested.transitions][1:] == live[1:]
    assert len(live) >= 6


async def _burst(desk: Desk, times: int) -> None:
    for _ in range(times):
        await desk.send(1.0)
        await trio.sleep(1.0)


def test_a_burst_fires_and_heals_by_itself() -> None:
    tested = backtest(RULE, STAT, of_points(BURST), FROM_MS, TO_MS)
    assert steps(list(tested.transitions)) == ["NEW>OK", "OK>FIRING", "FIRING>OK"]
    fired, healed = tested.transitions[1:]
    assert fired.at_ms == BEGUN_MS + 70_000
    assert healed.at_ms == BEGUN_MS + 121_000
    assert (tested.episodes, tested.messages, tested.resolution_s) == (1, 2, 0)
    assert tested.firing_ms == 51_000


def test_over_rollups_times_are_late_by_a_bucket_at_most() -> None:
    rollups = roll_up(BURST.stat, BURST.at_ms, BURST.value, 10)
    made = replace(RULE, window_s=300)
    exact = backtest(made, STAT, of_points(BURST), FROM_MS, TO_MS).transitions[1]
    arrivals = of_rollups(rollups, Histograms.empty(), 10)
    tested = backtest(made, STAT, arrivals, FROM_MS, TO_MS, resolution_s=10)
    fired = tested.transitions[1]
    assert 0 <= fired.at_ms - exact.at_ms <= 10_000
    assert tested.resolution_s == 10


def test_a_bucket_stays_in_a_window_of_its_own_width() -> None:
    steady = Points.of([STAT] * 60, [BEGUN_MS + 10_000 * n for n in range(60)], [1.0] * 60)
    rollups = roll_up(steady.stat, steady.at_ms, steady.value, 60)
    made = replace(RULE, window_s=60, threshold=5.0)
    arrivals = of_rollups(rollups, Histograms.empty(), 60)
    tested = backtest(made, STAT, arrivals, FROM_MS, TO_MS, resolution_s=60)
    assert steps(list(tested.transitions)) == ["NEW>OK", "OK>FIRING"]
    assert tested.firing_ms >= 480_000


def test_a_silent_sender_is_found_and_a_history_counts() -> None:
    made = replace(RULE, kind=Kind.DEADMAN, period_s=60, grace_s=10, arm="now")
    tested = backtest(made, STAT, of_points(BURST), FROM_MS, TO_MS)
    assert [one.at_ms - BEGUN_MS for one in tested.transitions if one.tells is Tells.FIRING] == [
        141_000
    ]
    late = backtest(RULE, STAT, of_points(BURST), BEGUN_MS + 75_000, TO_MS)
    assert steps(list(late.transitions)) == ["NEW>OK", "OK>FIRING", "FIRING>OK"]


def test_a_sweep_suggests_the_most_watchful_quiet_threshold() -> None:
    tested = sweep(RULE, [0.0, 5.0, 11.0, 50.0], STAT, of_points(BURST), FROM_MS, TO_MS)
    assert [one.episodes for _, one in tested] == [1, 1, 1, 0]
    assert [suggested(tested, most) for most in (1, 0)] == [0, 50]
    assert suggested(tested[:3], 0) is None
