"""Points that come late, for rules that ask to look back: told once, disproved, and never twice."""

from functools import partial

import pytest
import trio
from trio.testing import MockClock

from engine import alert_commands as commands
from engine.backtest import Arrival, backtest
from engine.past import state_at
from engine.rules import Kind, faults_of
from engine.transition import Status, Tells, Transition
from tests.engine.alert_desk import STAT, Desk, at_s, rule
from tests.engine.model import BEGUN_MS
from tests.engine.nodes import now_ms

looking_back = partial(rule, window_s=300, late="reevaluate")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told_late(told: list[Transition]) -> list[tuple[float, float]]:
    """From when to when it fired without anybody's knowing, in seconds since the start."""
    late = [one for one in told if one.tells is Tells.LATE]
    return [((one.began_ms - BEGUN_MS) / 1000, at_s(one)) for one in late]


async def test_an_episode_of_the_past_is_told_once(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, looking_back(), [STAT])
        await trio.sleep(1)
        await desk.send(1.0)
        await trio.sleep(7_200)
        await desk.send(6.0, 6.0, ago_s=3_600)
        await trio.sleep(1)
        ((began_s, ended_s),) = told_late(desk.heard)
        assert began_s == pytest.approx(3_601, abs=60)
        assert ended_s - began_s == pytest.approx(300, abs=60)
        (message,) = await desk.messages()
        assert (message.value, message.points) == (12, 2)
        assert message.source is message.target is Status.OK
        await desk.send(6.0, ago_s=3_590)
        await trio.sleep(1)
        assert len(await desk.messages()) == 1
        await desk.send(11.0, ago_s=1_800)
        await trio.sleep(1)
        assert len(await desk.messages()) == 2


async def test_whoever_does_not_ask_is_not_told(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(window_s=300), [STAT])
        await trio.sleep(7_200)
        await desk.send(11.0, ago_s=3_600)
        await trio.sleep(1)
        assert [one.tells for one in desk.heard] == [None]


async def test_what_fires_now_is_told_as_ever(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, looking_back(), [STAT])
        await trio.sleep(3_600)
        await desk.send(11.0, ago_s=200)
        await trio.sleep(400)
        await desk.send(1.0, ago_s=400)
        await trio.sleep(1)
    assert [one.tells for one in desk.heard[1:]] == [Tells.FIRING, Tells.RESOLVED]


async def test_what_must_last_is_looked_at_as_long(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, looking_back(for_s=600), [STAT])
        await trio.sleep(7_200)
        await desk.send(11.0, ago_s=3_600)
        await trio.sleep(1)
        assert told_late(desk.heard) == []
        for ago_s in range(3_000, 3_601, 60):
            await desk.send(11.0, ago_s=ago_s)
        await trio.sleep(1)
        assert len(told_late(desk.heard)) == 1


async def test_an_alarm_that_late_points_disprove_is_noted(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, looking_back(op="<", threshold=3), [STAT])
        await trio.sleep(1)
        for _ in range(10):
            await desk.send(1.0)
            await trio.sleep(60)
        await trio.sleep(900)
        for _ in range(10):
            await desk.send(1.0)
            await trio.sleep(60)
        assert [one.tells for one in desk.heard if one.tells] == [Tells.FIRING, Tells.RESOLVED]
        for ago_s in range(600, 1_600, 60):
            await desk.send(1.0, ago_s=ago_s)
        await trio.sleep(1)
        noted = [one for one in desk.heard if "should not have fired" in one.reason]
        assert [one.tells for one in noted] == [None]
        assert [one.began_ms for one in noted] == [
            one.at_ms for one in desk.heard if one.tells is Tells.FIRING
        ]


async def test_the_next_life_remembers_what_it_told(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, looking_back(), [STAT])
        await trio.sleep(7_200)
        await desk.send(11.0, ago_s=3_600)
        await trio.sleep(20)
    async with desk.life():
        await trio.sleep(20)
        await desk.send(11.0, ago_s=3_600)
        await desk.send(11.0, ago_s=1_800)
        await trio.sleep(20)
    assert len(told_late(await desk.committed())) == 2


async def test_a_snooze_holds_it_back_and_the_record_stays(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, looking_back(), [STAT])
        await trio.sleep(7_200)
        await alerts.change(0, commands.snooze("al_1", STAT, now_ms() + 60_000, "ann"))
        await desk.send(11.0, ago_s=3_600)
        await trio.sleep(1)
        assert desk.heard[-1].held == "snoozed"
        assert await desk.messages() == []


async def test_nobody_is_told_of_a_time_before_the_rule(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await trio.sleep(3_600)
        await alerts.put(0, looking_back(), [STAT])
        await trio.sleep(1_000)
        await desk.send(11.0, ago_s=2_000)
        await trio.sleep(1)
        assert told_late(desk.heard) == []


async def test_a_delta_and_a_ratio_look_back_too(desk: Desk, autojump_clock: MockClock) -> None:
    change = looking_back(id="al_d", kind=Kind.DELTA, threshold=100, min_base=3, no_data="keep")
    ratio = looking_back(id="al_r", over=STAT + 1, threshold=2, no_data="keep")
    async with desk.life() as alerts:
        for made in (change, ratio):
            await alerts.put(0, made, [STAT])
        for _ in range(120):
            await desk.send(1.0)
            await desk.send(1.0, stat=STAT + 1)
            await trio.sleep(60)
        await desk.send(40.0, ago_s=3_600)
        await trio.sleep(1)
        late = {one.rule for one in desk.heard if one.tells is Tells.LATE}
        assert late == {"al_d", "al_r"}


async def test_the_past_of_an_alert_is_not_that_of_its_late_points(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        made = looking_back()
        await alerts.put(0, made, [STAT])
        await trio.sleep(7_200)
        await desk.send(11.0)
        await trio.sleep(1)
        await desk.send(11.0, ago_s=3_600)
        await trio.sleep(1)
        assert desk.heard[-1].tells is Tells.LATE
        state = state_at(made, desk.heard[::-1])
        assert (state.status, state.episode) == (Status.FIRING, desk.heard[-2].episode)


async def test_over_recorded_points_a_backtest_equals_it(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        made = looking_back()
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        began_ms = now_ms()
        await trio.sleep(7_200)
        await desk.send(11.0, ago_s=3_600)
        await trio.sleep(1)
        arrived: list[Arrival] = desk.arrived
        tested = backtest(made, STAT, arrived, began_ms, now_ms())
    live, again = desk.heard[-1], tested.transitions[-1]
    assert (again.tells, again.began_ms, again.at_ms) == (Tells.LATE, live.began_ms, live.at_ms)


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregate": "p95"},
        {"kind": Kind.DEADMAN, "period_s": 60, "grace_s": 10},
        {"late": "sometimes"},
    ],
)
def test_what_cannot_look_back_says_so(changes: dict[str, object]) -> None:
    assert [fault.field for fault in faults_of(looking_back(**changes))] == ["late"]
