"""Rules in a running node: they fire when the point comes, heal when it leaves, and survive."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from engine import alert_commands as commands
from engine.rules import Kind
from engine.transition import Status, Tells
from tests.engine.alert_desk import STAT, Desk, at_s, rule, steps


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_it_fires_with_the_point_and_heals_when_the_point_leaves(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(), [STAT])
        await trio.sleep(1)
        await desk.send(1.0)
        await trio.sleep(5)
        await desk.send(10.0)
        fired_s = trio.current_time()
        await trio.sleep(0.1)
        assert steps(desk.heard) == ["NEW>OK", "OK>FIRING"]
        fired = desk.heard[-1]
        assert fired.value == 11
        assert fired.tells is Tells.FIRING
        assert at_s(fired) == pytest.approx(fired_s, abs=0.05)
        await trio.sleep(80)
        assert steps(desk.heard)[2:] == ["FIRING>OK"]
        healed = desk.heard[-1]
        # The first point leaves with the second 1, sixty seconds later.
        assert 55 <= at_s(healed) - at_s(fired) <= 60
        assert healed.episode == fired.episode
        assert [one.tells for one in await desk.messages()] == [Tells.FIRING, Tells.RESOLVED]


async def test_too_few_is_noticed_without_a_point(desk: Desk, autojump_clock: MockClock) -> None:
    few = rule(op="<", threshold=5, no_data="zero", for_s=10)
    async with desk.life() as alerts:
        await desk.send(7.0)
        await alerts.put(0, few, [STAT])
        await trio.sleep(100)
        assert steps(desk.heard) == ["NEW>OK", "OK>PENDING", "PENDING>FIRING"]
        pending, firing = desk.heard[1:]
        assert at_s(firing) - at_s(pending) == 10
        assert firing.value == 0


async def test_a_deadman_fires_after_period_and_grace_and_hears_again(
    desk: Desk, autojump_clock: MockClock
) -> None:
    dead = rule(kind=Kind.DEADMAN, period_s=60, grace_s=10)
    async with desk.life() as alerts:
        await alerts.put(0, dead, [STAT])
        await trio.sleep(200)
        assert desk.heard == []
        await desk.send(1.0)
        await trio.sleep(100)
        assert steps(desk.heard) == ["NEW>OK", "OK>FIRING"]
        assert at_s(desk.heard[1]) == pytest.approx(at_s(desk.heard[0]) + 70, abs=0.01)
        await desk.send(1.0)
        await trio.sleep(0.1)
        assert steps(desk.heard)[2:] == ["FIRING>OK"]


async def test_our_own_downtime_is_nobodys_silence(desk: Desk, autojump_clock: MockClock) -> None:
    dead = rule(id="al_d", kind=Kind.DEADMAN, period_s=60, grace_s=10)
    few = rule(id="al_f", op="<", threshold=1, no_data="zero")
    async with desk.life() as alerts:
        await alerts.put(0, dead, [STAT])
        await alerts.put(0, few, [STAT])
        for _ in range(10):
            await desk.send(1.0)
            await trio.sleep(10)
    await trio.sleep(600)
    async with desk.life():
        up_s = trio.current_time()
        await trio.sleep(50)
        assert "OK>FIRING" not in steps(desk.heard)
        await trio.sleep(50)
        fired = [one for one in desk.heard if one.target is Status.FIRING]
        assert {one.rule for one in fired} == {"al_d", "al_f"}
        for one in fired:
            assert 55 <= at_s(one) - up_s <= 75


async def test_a_sender_that_goes_on_after_our_downtime_is_not_reported(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(kind=Kind.DEADMAN, period_s=60, grace_s=10), [STAT])
        await desk.send(1.0)
        await trio.sleep(30)
    await trio.sleep(600)
    async with desk.life():
        for _ in range(5):
            await trio.sleep(50)
            await desk.send(1.0)
        assert "OK>FIRING" not in steps(desk.heard)


@pytest.mark.parametrize("window_s", [5, 60, 600])
async def test_a_kill_changes_nothing_about_what_fires_and_when(
    window_s: int, autojump_clock: MockClock
) -> None:
    async def run(killed: bool) -> list[tuple[object, ...]]:
        desk = Desk()
        async with desk.life() as alerts:
            await alerts.put(0, rule(window_s=window_s, for_s=2, keep_firing_s=3), [STAT])
            await trio.sleep(2)
            await desk.send(4.0, 4.0)
            await trio.sleep(1)
            await desk.send(4.0)
            await trio.sleep(1.5)
            if not killed:
                await trio.sleep(1.5 + 2 * window_s)
        if killed:
            async with desk.life():
                await trio.sleep(1.5 + 2 * window_s)
        return [
            (one.seq, one.source, one.target, at_s(one), one.value)
            for one in await desk.committed()
        ]

    began = trio.current_time()
    first = await run(killed=False)
    # Windows move by whole steps of the day.
    await trio.sleep(60 - (trio.current_time() - began) % 60)
    passed = trio.current_time() - began
    second = await run(killed=True)
    assert [one[:3] for one in first] == [one[:3] for one in second]
    assert len(first) >= 4
    for one, other in zip(first, second, strict=True):
        assert one[4] == other[4]
        assert float(str(other[3])) - float(str(one[3])) == pytest.approx(passed, abs=1.01)


async def test_what_was_not_committed_is_judged_again_alike(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(), [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
    async with desk.life():
        await trio.sleep(1)
        told = await desk.committed()
        assert steps(told) == ["NEW>OK", "OK>FIRING"]
        assert len(await desk.messages()) == 1
        assert len({one.seq for one in told}) == len(told)


async def test_a_ratio_of_two_stats_is_judged(desk: Desk, autojump_clock: MockClock) -> None:
    share = rule(over=STAT + 1, scale=100.0, threshold=50)
    async with desk.life() as alerts:
        await alerts.put(0, share, [STAT])
        await trio.sleep(1)
        await desk.send(4.0, stat=STAT + 1)
        await desk.send(1.0)
        await desk.send(2.0)
        await trio.sleep(0.1)
        assert [one.value for one in desk.heard] == [0.0, 75.0]


async def test_a_delta_compares_with_the_window_before_and_keeps_its_base(
    desk: Desk, autojump_clock: MockClock
) -> None:
    doubled = rule(kind=Kind.DELTA, threshold=100, direction="up", window_s=60, compare_s=60)
    async with desk.life() as alerts:
        await alerts.put(0, doubled, [STAT])
        await trio.sleep(1)
        for _ in range(12):
            await desk.send(1.0)
            await trio.sleep(10)
        for _ in range(30):
            await desk.send(3.0)
            await trio.sleep(10)
        fired = [one for one in desk.heard if one.target is Status.FIRING]
        assert len(fired) == 1
        assert fired[0].base in (5, 6)
        assert desk.heard[-1].target is Status.FIRING


async def test_explain_says_what_it_looks_at(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(for_s=30), [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(5)
        told = alerts.explain(0, "al_1", STAT)
        assert told is not None
        assert (told.compared, told.wanted) == (11, 2)
        assert told.state.status is Status.PENDING
        assert told.timers["for"] == told.state.since_ms + 30_000
        assert alerts.explain(0, "al_9", STAT) is None
        (newest, *_) = await alerts.history(0, rule="al_1")
        assert newest[1].target is Status.PENDING


async def test_a_percentile_fires_and_a_late_stat_is_watched(
    desk: Desk, autojump_clock: MockClock
) -> None:
    slow = rule(aggregate="p95", threshold=100, window_s=300, no_data="keep")
    async with desk.life() as alerts:
        await alerts.put(0, slow, [])
        await alerts.watch(0, "al_1", STAT)
        await trio.sleep(1)
        await desk.send(*[50.0] * 100)
        await desk.send(*[200.0] * 10)
        await trio.sleep(400)
        assert [one.target for one in desk.heard] == [Status.OK, Status.FIRING]
        assert desk.heard[-1].value == pytest.approx(200, rel=0.02)
        await alerts.unwatch(0, "al_1", STAT)
        await trio.sleep(1)
        assert desk.heard[-1].target is Status.PAUSED


async def test_a_failure_that_is_told_fires_at_once(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(kind=Kind.DEADMAN, period_s=60, grace_s=10), [STAT])
        await desk.send(1.0)
        await trio.sleep(5)
        await alerts.change(0, commands.fail("al_1", STAT))
        await trio.sleep(0.1)
        assert desk.heard[-1].target is Status.FIRING
        await desk.send(1.0)
        await trio.sleep(0.1)
        assert desk.heard[-1].tells is Tells.RESOLVED


async def test_a_rule_that_fails_stops_nobody(
    desk: Desk, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk.life() as alerts:
        broken = rule(id="al_0", op="inside", upper=20.0)
        await alerts.put(0, broken, [STAT])
        await alerts.put(0, rule(), [STAT])
        await trio.sleep(61)
        assert desk.node is not None
        actor = desk.node.alerting(0).actors["al_0", STAT]
        actor.rule = replace(broken, upper=None)
        await desk.send(11.0)
        await trio.sleep(0.1)
        assert desk.heard[-1].rule == "al_1"
        assert actor.failed
    assert "al_0 at 7" in caplog.text


async def test_a_disabled_rule_is_paused_and_goes_on(desk: Desk, autojump_clock: MockClock) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(window_s=600), [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await alerts.put(0, rule(window_s=600, enabled=False), [STAT])
        await trio.sleep(1)
        assert steps(desk.heard)[2:] == ["FIRING>PAUSED"]
        assert desk.heard[-1].tells is Tells.RESOLVED
        await alerts.put(0, rule(window_s=900), [STAT])
        await trio.sleep(1)
        assert steps(desk.heard)[3:] == ["PAUSED>NEW", "NEW>OK", "OK>FIRING"]
