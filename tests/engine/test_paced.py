"""Deadmen that want so many points in each period: too few, too many, and our own downtime."""

from dataclasses import replace
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from engine.backtest import backtest, of_points
from engine.rules import Kind, faults_of
from engine.transition import Status, Tells
from tests.engine.alert_desk import STAT, Desk, at_s, rule
from tests.engine.model import BEGUN_MS, columns

PACED = rule(
    kind=Kind.DEADMAN, aggregate="count", period_s=300, window_s=300, grace_s=20, min_points=3
)
paced = partial(replace, PACED)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def beat(desk: Desk, times: int, every_s: float) -> None:
    """A sign of life now and then."""
    for _ in range(times):
        await desk.send(1.0)
        await trio.sleep(every_s)


async def test_too_few_points_fire_after_the_grace_and_heal(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, PACED, [STAT])
        await trio.sleep(1)
        await beat(desk, 8, 90)
        assert [one.target for one in desk.heard] == [Status.OK]
        # At 750 s the sixth of them leaves, and only two are left.
        await trio.sleep(200)
        (fired,) = desk.heard[1:]
        assert (fired.target, fired.reason, fired.points) == (Status.FIRING, "too few points", 2)
        assert at_s(fired) == pytest.approx(770, abs=1)
        assert fired.value == 2
        await beat(desk, 3, 10)
        assert desk.heard[-1].tells is Tells.RESOLVED


async def test_the_first_period_is_waited_for(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, PACED, [STAT])
        await trio.sleep(2_000)
        await beat(desk, 1, 250)
        await beat(desk, 1, 1)
        assert [one.target for one in desk.heard] == [Status.OK]
        await trio.sleep(120)
        assert desk.heard[-1].target is Status.FIRING
        assert at_s(desk.heard[-1]) == pytest.approx(2_000 + 300 + 20, abs=2)


async def test_silence_fires_as_without_a_number(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, paced(min_points=1, max_points=5), [STAT])
        await trio.sleep(1)
        await beat(desk, 1, 400)
        assert desk.heard[-1].reason == "silent for too long"
        assert at_s(desk.heard[-1]) == pytest.approx(321, abs=2)


async def test_too_many_points_fire_at_once_and_heal_when_they_leave(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, paced(max_points=4), [STAT])
        await trio.sleep(1)
        await beat(desk, 4, 50)
        assert [one.target for one in desk.heard] == [Status.OK]
        await beat(desk, 1, 0.1)
        assert desk.heard[-1].reason == "too many points"
        await beat(desk, 1, 110)
        assert len(desk.heard) == 2
        await trio.sleep(60)
        assert [one.tells for one in desk.heard[1:]] == [Tells.FIRING, Tells.RESOLVED]


async def test_our_downtime_makes_nobody_rare(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, PACED, [STAT])
        await trio.sleep(1)
        await beat(desk, 5, 90)
    await trio.sleep(600)
    async with desk.life():
        await trio.sleep(1)
        await beat(desk, 5, 90)
        assert [one.target for one in desk.heard] == [Status.OK]
        await trio.sleep(200)
        assert desk.heard[-1].reason == "too few points"


async def test_a_kill_changes_nothing_about_it(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, PACED, [STAT])
        await trio.sleep(1)
        await beat(desk, 4, 90)
        await trio.sleep(60)
    async with desk.life():
        await trio.sleep(200)
    fired = (await desk.committed())[-1]
    assert (fired.target, fired.reason) == (Status.FIRING, "too few points")


def test_a_backtest_finds_what_was_rare() -> None:
    beats = [0, 90, 180, 270, 360, 450, 700, 950, 1_010, 1_020, 1_030]
    points = columns([(STAT, BEGUN_MS + 1000 * at, 1.0) for at in beats])
    tested = backtest(PACED, STAT, of_points(points), BEGUN_MS - 1, BEGUN_MS + 1_100_000)
    assert [one.tells for one in tested.transitions if one.tells] == [
        Tells.FIRING, Tells.RESOLVED,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_points": 2}, "max_points"),
        ({"period_s": 0, "cron": "0 3 * * *"}, "min_points"),
        ({"kind": Kind.THRESHOLD, "max_points": 9}, "max_points"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, object], field: str) -> None:
    assert [fault.field for fault in faults_of(paced(**changes))] == [field]
