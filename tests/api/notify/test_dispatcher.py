"""Deliveries on a mock clock: what is sent when, in which order, and what is left behind."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from api.notify.channel import Channel
from api.notify.message import NOTICES_MAX, Message
from api.notify.outcome import Later, Outcome
from api.notify.outgoing import Answered, Failed
from engine.ports import Unavailable
from tests.api.notify.scene import OK, Scene, a_channel

DOWN = Failed("connection", "refused")
A_DAY_S = 25 * 3_600


async def past(time_s: float) -> None:
    """Let time pass."""
    await trio.sleep(time_s)


async def test_a_transition_is_told_at_once_and_leaves_the_outbox(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(0.1)
        assert scene.told() == [("ep_1", 1)]
        assert scene.outbox == 0
        page = await scene.records.ended(1, None, 10)
        assert [(one.id, one.state) for one in page.deliveries] == [
            ("msg_ep_1_1_ch_1", "delivered")
        ]
    assert scene.got[0].id == "msg_ep_1_1_ch_1"


async def test_every_channel_hears_it(autojump_clock: MockClock) -> None:
    scene = Scene()
    scene.channels["ch_2"] = a_channel("ch_2")
    async with scene.running():
        scene.commit("ep_1", 1, channels="ch_1 ch_2")
        await trio.sleep(0.1)
    assert {got.id for got in scene.got} == {"msg_ep_1_1_ch_1", "msg_ep_1_1_ch_2"}


async def test_the_next_of_an_episode_waits_for_the_one_before(autojump_clock: MockClock) -> None:
    scene = Scene(takes_s=0.5)
    async with scene.running():
        scene.commit("ep_1", 1)
        scene.commit("ep_1", 2, "resolved")
        scene.commit("ep_2", 1)
        await trio.sleep(2)
    assert sorted((got.at_s, got.told) for got in scene.got) == [
        (0.5, (("ep_1", 1),)), (0.5, (("ep_2", 1),)), (1.0, (("ep_1", 2),)),
    ]  # fmt: skip


async def test_a_receiver_that_is_down_for_a_day_becomes_a_dead_letter(
    autojump_clock: MockClock,
) -> None:
    scene = Scene(answer=lambda channel, message: Answered(500), look_every_s=600)
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(3)
        assert scene.outbox == 0
        assert [one.tries for one in await scene.records.pending(1)] == [2]
        await past(A_DAY_S)
        dead = await scene.records.dead(1)
        assert [(one.id, one.state) for one in dead] == [("msg_ep_1_1_ch_1", "dead")]
        assert "status 500" in dead[0].reason
        assert await scene.records.pending(1) == []
    waits = [later.at_s - earlier.at_s for earlier, later in pairwise(scene.got)]
    assert 27 <= len(scene.got) <= 32
    assert waits[0] < 1.3
    assert max(waits) < 1.21 * 3600 + 1
    assert len(scene.alarms) == 1


async def test_a_dead_letter_can_be_sent_again(autojump_clock: MockClock) -> None:
    scene = Scene(answer=lambda channel, message: Answered(500), look_every_s=600)
    async with scene.running() as dispatcher:
        scene.commit("ep_1", 1)
        await past(A_DAY_S)
        scene.answer = lambda channel, message: OK
        letter = (await scene.records.dead(1))[0].anew(scene.clock.now_ms())
        scene.got.clear()
        await dispatcher.revive(letter)
        dispatcher.hurry(1, letter.id)
        await trio.sleep(1)
        assert scene.got[0].id == "msg_ep_1_1_ch_1"
        assert await scene.records.dead(1) == []
        assert await scene.records.pending(1) == []


async def test_what_waits_is_tried_at_once_when_somebody_asks(autojump_clock: MockClock) -> None:
    scene = Scene(answer=lambda channel, message: DOWN)
    async with scene.running() as dispatcher:
        scene.commit("ep_1", 1)
        await trio.sleep(100)
        scene.answer = lambda channel, message: OK
        scene.got.clear()
        assert dispatcher.hurry(1, "msg_ep_1_1_ch_1")
        await trio.sleep(0.1)
        assert len(scene.got) == 1
        assert not dispatcher.hurry(1, "msg_ep_1_1_ch_1")


async def test_gone_ends_the_channel(autojump_clock: MockClock) -> None:
    scene = Scene(answer=lambda channel, message: Answered(410))
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(1)
        scene.commit("ep_2", 1)
        await trio.sleep(1)
        assert len(scene.got) == 1
        states = [(one.id, one.state) for one in (await scene.records.ended(1, None, 9)).deliveries]
        assert states == [("msg_ep_2_1_ch_1", "held"), ("msg_ep_1_1_ch_1", "dead")]


async def test_a_receiver_that_asks_for_patience_gets_it(autojump_clock: MockClock) -> None:
    answers = [Answered(429, "60"), OK, OK]
    scene = Scene(answer=lambda channel, message: answers.pop(0))
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(1)
        scene.commit("ep_2", 1)
        await trio.sleep(120)
    assert len(scene.got) == 3
    assert all(60 <= got.at_s <= 62 for got in scene.got[1:])


async def test_what_could_not_be_told_is_told_with_its_end(autojump_clock: MockClock) -> None:
    answers: list[Outcome] = [DOWN, OK]
    scene = Scene(answer=lambda channel, message: answers.pop(0))
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(0.1)
        scene.commit("ep_1", 2, "resolved")
        await trio.sleep(10)
    assert scene.got[1].told == (("ep_1", 1), ("ep_1", 2))
    assert scene.got[1].id == "msg_ep_1_2_ch_1"


async def test_one_dead_receiver_delays_nobody_else(autojump_clock: MockClock) -> None:
    scene = Scene(answer=lambda channel, message: DOWN if channel.id == "ch_1" else OK)
    scene.channels["ch_2"] = a_channel("ch_2")
    async with scene.running():
        for number in range(50):
            scene.commit(f"ep_{number}", 1, channels="ch_1 ch_2")
        await trio.sleep(1)
        assert len(scene.told("ch_2")) == 50
        await trio.sleep(60)
        # The breaker lets one probe through after each pause.
        assert len(scene.told("ch_1")) < 20


async def test_a_group_hears_the_first_at_once_and_the_others_together(
    autojump_clock: MockClock,
) -> None:
    scene = Scene(group="shop")
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(1)
        scene.commit("ep_2", 1)
        await trio.sleep(1)
        scene.commit("ep_3", 1)
        await trio.sleep(40)
        scene.commit("ep_4", 1)
        await trio.sleep(1)
        scene.commit("ep_1", 2, "resolved")
        await trio.sleep(60)
    assert [got.told for got in scene.got] == [
        (("ep_1", 1),), (("ep_2", 1), ("ep_3", 1)), (("ep_4", 1), ("ep_1", 2)),
    ]  # fmt: skip
    assert [round(got.at_s) for got in scene.got] == [0, 30, 43]


async def test_of_many_the_newest_are_spelled_out_and_the_rest_counted(
    autojump_clock: MockClock,
) -> None:
    scene = Scene(answer=lambda channel, message: DOWN)
    scene.channels["ch_1"] = a_channel(type="email", target="a@example.org")
    async with scene.running():
        for number in range(NOTICES_MAX + 10):
            scene.commit(f"ep_{number}", 1)
        await trio.sleep(60)
        scene.answer = lambda channel, message: OK
        await trio.sleep(3_600)
        assert await scene.records.pending(1) == []
        page = await scene.records.ended(1, None, 100)
    last = scene.got[-1]
    assert last.told == tuple((f"ep_{number}", 1) for number in range(10, NOTICES_MAX + 10))
    assert last.more == 10
    assert [one.state for one in page.deliveries] == ["delivered"] * (NOTICES_MAX + 10)


async def test_a_carrier_that_has_sent_enough_sends_the_rest_as_one(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    scene.channels["ch_1"] = a_channel(type="email", target="a@example.org")

    def limited(channel: Channel, message: Message) -> Outcome:
        if len(scene.got) > 3 and scene.clock.now_ms() < until_ms:
            return Later(until_ms)
        return OK

    scene.answer = limited
    until_ms = scene.clock.now_ms() + 3_600_000
    async with scene.running():
        for number in range(10):
            scene.commit(f"ep_{number}", 1)
        await trio.sleep(4_000)
        assert await scene.records.pending(1) == []
    assert len(scene.got) == 5
    assert len(scene.got[-1].told) == 7


async def test_a_silent_store_delays_the_notes_and_not_the_messages(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    async with scene.running():
        scene.commit("ep_1", 1)
        scene.documents.failure = Unavailable("silent")
        await trio.sleep(5)
        assert scene.told() == [("ep_1", 1)]
        assert scene.outbox == 1
        scene.documents.failure = None
        await trio.sleep(5)
        assert scene.outbox == 0
        assert len((await scene.records.ended(1, None, 9)).deliveries) == 1


async def test_a_store_that_does_not_say_what_a_channel_is_turns_nothing_round(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    async with scene.running():
        scene.channel_failure = Unavailable("silent")
        scene.commit("ep_1", 1)
        await trio.sleep(0.5)
        assert scene.outbox == 1
        scene.channel_failure = None
        scene.commit("ep_1", 2, "resolved")
        await trio.sleep(5)
        assert scene.outbox == 0
    assert scene.told() == [("ep_1", 1), ("ep_1", 2)]


async def test_a_letter_that_the_store_does_not_know_how_to_send_can_be_sent_later(
    autojump_clock: MockClock,
) -> None:
    scene = Scene(answer=lambda channel, message: Answered(410))
    async with scene.running() as dispatcher:
        scene.commit("ep_1", 1)
        await trio.sleep(1)
        scene.channels["ch_1"], scene.answer = a_channel(), lambda channel, message: OK
        dead = await scene.records.dead(1)
        letter = dead[0].anew(scene.clock.now_ms())
        scene.channel_failure = Unavailable("silent")
        with pytest.raises(Unavailable):
            await dispatcher.revive(letter)
        scene.channel_failure = None
        assert await scene.records.dead(1) == dead
        await dispatcher.revive(letter)
        await trio.sleep(1)
    assert [got.told for got in scene.got] == [(("ep_1", 1),)] * 2


async def test_a_channel_that_was_removed_holds_its_messages(autojump_clock: MockClock) -> None:
    scene = Scene()
    async with scene.running():
        scene.commit("ep_1", 1, channels="ch_9")
        await trio.sleep(1)
        ended = (await scene.records.ended(1, None, 9)).deliveries
        assert [(one.state, one.reason) for one in ended] == [("held", "the channel was removed")]
        assert scene.outbox == 0


@pytest.mark.parametrize("at_s", [0.0, 0.005, 0.02, 0.5, 1.5])
async def test_killed_at_any_time_it_is_told_under_the_same_id(
    autojump_clock: MockClock, at_s: float
) -> None:
    scene = Scene()
    async with scene.running():
        scene.commit("ep_1", 1)
        await trio.sleep(at_s)
    async with scene.running():
        await trio.sleep(10)
        assert scene.outbox == 0
    assert {got.id for got in scene.got} == {"msg_ep_1_1_ch_1"}
