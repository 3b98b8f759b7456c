"""Who is told of what: acknowledged, snoozed, silenced, held by another, flapping, dropped."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from engine import alert_commands as commands
from engine.active_times import ActiveTime
from engine.rules import Escalation
from engine.silences import Silence
from engine.transition import Status, Tells
from tests.engine.alert_desk import STAT, Desk, at_s, rule
from tests.engine.nodes import now_ms


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_who_acknowledges_hears_no_reminder_but_the_end(
    desk: Desk, autojump_clock: MockClock
) -> None:
    made = rule(repeat_s=300, escalation=(Escalation(120, ("ch_boss",)),), window_s=900)
    async with desk.life() as alerts:
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(130)
        assert [one.tells for one in desk.heard[1:]] == [Tells.FIRING, Tells.ESCALATION]
        assert desk.heard[-1].channels == ("ch_boss",)
        await trio.sleep(300)
        assert desk.heard[-1].tells is Tells.REPEAT
        episode = desk.heard[-1].episode
        await alerts.change(0, commands.acknowledge("al_1", STAT, episode, "ann"))
        await trio.sleep(2_000)
        assert [one.tells for one in desk.heard[4:]] == [None, Tells.RESOLVED]
        assert {one.message_id for one in await desk.messages()} == {
            one.message_id for one in desk.heard if one.tells
        }


async def test_a_snooze_holds_back_and_tells_at_its_end_what_is_still_so(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(window_s=900), [STAT])
        await trio.sleep(1)
        await alerts.change(0, commands.snooze("al_1", STAT, now_ms() + 60_000, "ann"))
        await desk.send(11.0)
        await trio.sleep(50)
        assert desk.heard[-1].target is Status.FIRING
        assert desk.heard[-1].held == "snoozed"
        await trio.sleep(20)
        assert desk.heard[-1].tells is Tells.FIRING
        assert at_s(desk.heard[-1]) >= 61
        assert len(await desk.messages()) == 1


async def test_an_alert_that_depends_on_another_waits_for_its_end(
    desk: Desk, autojump_clock: MockClock
) -> None:
    child = rule(id="al_child", depends_on="al_1", window_s=300)
    async with desk.life() as alerts:
        await alerts.put(0, rule(window_s=60), [STAT])
        await alerts.put(0, child, [STAT + 1])
        await trio.sleep(1)
        await desk.send(11.0)
        await desk.send(11.0, stat=STAT + 1)
        await trio.sleep(30)
        assert [one.rule for one in await desk.messages()] == ["al_1"]
        await trio.sleep(60)
        assert [one.rule for one in await desk.messages()] == ["al_1", "al_1", "al_child"]


async def test_an_alert_that_flaps_says_so_once(desk: Desk, autojump_clock: MockClock) -> None:
    flaps = rule(window_s=1, flap_changes=4)
    async with desk.life() as alerts:
        await alerts.put(0, flaps, [STAT])
        await trio.sleep(1)
        for _ in range(10):
            await desk.send(11.0)
            await trio.sleep(10)
        told = [one.tells for one in desk.heard if one.tells]
        assert told == [Tells.FIRING, Tells.RESOLVED, Tells.FIRING, Tells.FLAPPING]
        await trio.sleep(300)
        told = [one.tells for one in desk.heard if one.tells]
        assert told[4:] == [Tells.RESOLVED]


async def test_an_alert_that_goes_on_flapping_says_so_again_as_often_as_it_repeats(
    desk: Desk, autojump_clock: MockClock
) -> None:
    flaps = rule(window_s=1, flap_changes=4, repeat_s=600)
    async with desk.life() as alerts:
        await alerts.put(0, flaps, [STAT])
        await trio.sleep(1)
        for _ in range(150):
            await desk.send(11.0)
            await trio.sleep(10)
        told = [one for one in desk.heard if one.tells]
        assert [one.tells for one in told[3:]] == [Tells.FLAPPING] * 3
        waits = [later.at_ms - earlier.at_ms for earlier, later in pairwise(told[3:])]
        assert all(600_000 <= wait < 611_000 for wait in waits)


async def test_whoever_was_told_by_escalation_hears_the_end(
    desk: Desk, autojump_clock: MockClock
) -> None:
    steps = (Escalation(60, ("ch_boss",)), Escalation(900, ("ch_chief",)))
    async with desk.life() as alerts:
        await alerts.put(0, rule(channels=("ch_1",), escalation=steps, window_s=300), [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(400)
        told = [(one.tells, one.channels) for one in desk.heard if one.tells]
        assert told == [
            (Tells.FIRING, ()), (Tells.ESCALATION, ("ch_boss",)),
            (Tells.RESOLVED, ("ch_1", "ch_boss")),
        ]  # fmt: skip


async def test_a_dropped_rule_is_forgotten_and_says_goodbye(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(), [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await alerts.drop(0, "al_1")
        await trio.sleep(20)
        assert [one.tells for one in await desk.messages()] == [Tells.FIRING, Tells.RESOLVED]
        # The last messages name it.
        assert {key.partition(" ")[0] for key in await desk.store.alerts(0)} == {"gone"}


async def test_a_dropped_rule_is_remembered_by_the_next_life(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(window_s=900), [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(1)
        await alerts.drop(0, "al_1")
        await trio.sleep(15)
    async with desk.life() as alerts:
        assert alerts.rules(0) == {}
        assert alerts.node.alerting(0).gone["al_1"].rule == rule(window_s=900)
        assert [one.tells for one in await desk.messages()] == [Tells.FIRING, Tells.RESOLVED]


async def test_of_dropped_rules_the_last_are_remembered(
    desk: Desk, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.alert_applying.GONE_MAX", 2)
    async with desk.life() as alerts:
        for number in range(4):
            await alerts.put(0, rule(id=f"al_{number}"), [STAT])
            await alerts.drop(0, f"al_{number}")
        await trio.sleep(15)
    async with desk.life() as alerts:
        assert list(alerts.node.alerting(0).gone) == ["al_2", "al_3"]


async def test_a_silence_holds_back_and_an_early_end_tells(
    desk: Desk, autojump_clock: MockClock
) -> None:
    async with desk.life() as alerts:
        await alerts.put(0, rule(window_s=900, labels=(("team", "shop"),)), [STAT])
        now = now_ms()
        held = Silence("si_1", 1, now, now + 600_000, labels=(("team", "shop"),))
        await alerts.change(0, commands.silence(held))
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(100)
        assert desk.heard[-1].held == "silence:si_1"
        assert await desk.messages() == []
        explained = alerts.explain(0, "al_1", STAT)
        assert explained is not None
        assert explained.held == "silence:si_1"
        await alerts.change(0, commands.unsilence("si_1"))
        await trio.sleep(1)
        assert [one.tells for one in await desk.messages()] == [Tells.FIRING]
        assert alerts.silences(0) == {}


async def test_outside_of_its_active_times_it_waits_for_the_next(
    desk: Desk, autojump_clock: MockClock
) -> None:
    # The run begins on a Friday at eight.
    made = rule(window_s=7_200, active_times=(ActiveTime((4,), 9 * 60, 17 * 60),))
    async with desk.life() as alerts:
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(100)
        assert desk.heard[-1].held == "active_times"
        assert await desk.messages() == []
        explained = alerts.explain(0, "al_1", STAT)
        assert explained is not None
        assert explained.held == "active_times"
        await trio.sleep(3_600)
        assert (desk.heard[-1].tells, at_s(desk.heard[-1])) == (Tells.FIRING, 3_600)


async def test_reminders_come_later_and_later(desk: Desk, autojump_clock: MockClock) -> None:
    made = rule(window_s=14_400, repeat_s=300, repeat_max_s=1_000, backoff=2.0)
    async with desk.life() as alerts:
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(4_000)
    told = [at_s(one) for one in desk.heard if one.tells in (Tells.FIRING, Tells.REPEAT)]
    gaps = [round(after - before) for before, after in pairwise(told)]
    assert gaps == [300, 600, 1_000, 1_000, 1_000]


async def test_a_step_of_escalation_that_was_held_back_is_told_with_the_rest(
    desk: Desk, autojump_clock: MockClock
) -> None:
    made = rule(window_s=7_200, channels=("ch_me",), escalation=(Escalation(120, ("ch_boss",)),))
    async with desk.life() as alerts:
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        await desk.send(11.0)
        await trio.sleep(1)
        quiet = Silence("si_1", 1, now_ms(), now_ms() + 600_000)
        await alerts.change(0, commands.silence(quiet))
        await trio.sleep(700)
        assert [one.held for one in desk.heard[2:]] == ["silence:si_1", None]
        assert desk.heard[-1].reason == "held back no longer"
        assert desk.heard[-1].channels == ("ch_me", "ch_boss")


@pytest.mark.parametrize("asked", [False, True])
async def test_that_it_is_only_a_warning_now_is_told_to_whoever_asks(
    desk: Desk, autojump_clock: MockClock, *, asked: bool
) -> None:
    made = rule(window_s=60, warn=5, tell_better=asked)
    async with desk.life() as alerts:
        await alerts.put(0, made, [STAT])
        await trio.sleep(1)
        await desk.send(6.0)
        await trio.sleep(20)
        await desk.send(6.0)
        await trio.sleep(45)
        assert [one.level for one in desk.heard[1:]] == ["warning", "critical", "warning"]
        told = [one.tells for one in desk.heard[1:]]
        assert told == [Tells.FIRING, Tells.LEVEL, Tells.LEVEL if asked else None]
