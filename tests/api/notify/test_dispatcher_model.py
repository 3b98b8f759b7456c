"""Chance decides what receivers say and when the process is killed; a model judges the outcome.

Whatever happens: every committed transition is told at least once to each channel, the first time
in its order, nothing else is told, and an id means one transition and one channel. A run commits no
more than one message can spell out; what becomes of more stands in `test_dispatcher.py`.
"""

import random

import pytest
import trio
from trio.testing import MockClock

from api.notify.channel import Channel
from api.notify.message import NOTICES_MAX, Message
from api.notify.outcome import Outcome
from api.notify.outgoing import Answered, Failed
from engine.ports import Unavailable
from tests.api.notify.scene import OK, Scene, a_channel
from tests.simulation.scheduling import deterministic

QUICK_SEEDS = 40
ALL_SEEDS = 2_000
KILLS = 6
EPISODES = 12
LOOK_S = 5.0
CALM_S = 7_200.0
"""When all is well again, everything is told within this time."""

CHANNELS = ("ch_1", "ch_2", "ch_3")


@pytest.mark.parametrize("seed", range(QUICK_SEEDS))
async def test_nothing_is_lost_or_turned_round(autojump_clock: MockClock, seed: int) -> None:
    with deterministic(seed):
        await play(seed)


@pytest.mark.slow
@pytest.mark.parametrize("low", range(QUICK_SEEDS, ALL_SEEDS, 40))
async def test_nothing_is_lost_or_turned_round_in_many_runs(
    autojump_clock: MockClock, low: int
) -> None:
    for seed in range(low, low + 40):
        with deterministic(seed):
            await play(seed)


async def play(seed: int) -> None:
    """One run; the assertion names what went wrong."""
    chance = random.Random(seed)
    scene = Scene(group="g" if chance.random() < 0.3 else "", takes_s=chance.choice((0.001, 0.3)))
    for name in CHANNELS:
        kind = "email" if name == "ch_3" and chance.random() < 0.5 else "webhook"
        scene.channels[name] = a_channel(name, type=kind)
    calm = False

    def answer(channel: Channel, message: Message) -> Outcome:
        if calm or chance.random() < 0.6:
            return OK
        bad: list[Outcome] = [
            Answered(500), Answered(429, "2"), Answered(302), Failed("timeout", "15 s"),
        ]  # fmt: skip
        return chance.choice(bad)

    scene.answer = answer
    committed: dict[str, int] = {}
    for _ in range(KILLS):
        async with scene.running():
            for _ in range(chance.randrange(8)):
                await disturb(chance, scene, committed)
            scene.documents.failure = scene.channel_failure = None
    calm = True
    async with scene.running() as dispatcher:
        with trio.fail_after(CALM_S):
            while dispatcher.statistics().waiting or scene.outbox:  # noqa: ASYNC110
                await trio.sleep(LOOK_S)
        await trio.sleep(LOOK_S)
        assert await scene.records.pending(1) == []
    judge(scene, committed)


async def disturb(chance: random.Random, scene: Scene, committed: dict[str, int]) -> None:
    """A transition, a store that goes silent or speaks again, in part or as a whole, or time."""
    what = chance.random()
    if what < 0.7 and sum(committed.values()) < NOTICES_MAX:
        number = chance.randrange(EPISODES)
        episode = f"ep_{number}"
        seq = committed[episode] = committed.get(episode, 0) + 1
        event = "resolved" if seq % 2 == 0 else "firing"
        scene.commit(episode, seq, event, " ".join(CHANNELS), partition=number % 2)
    elif what < 0.75:
        forgets = scene.channel_failure is None
        scene.channel_failure = Unavailable("silent") if forgets else None
    elif what < 0.8:
        silent = scene.documents.failure is None
        scene.documents.failure = Unavailable("silent") if silent else None
    await trio.sleep(chance.choice((0, 0.0005, 0.05, 1, 40)))


def judge(scene: Scene, committed: dict[str, int]) -> None:
    """Compare what was told with what was committed."""
    meant: dict[str, tuple[str, tuple[tuple[str, int], ...]]] = {}
    for got in scene.got:
        episode, seq = got.told[-1]
        assert got.id == f"msg_{episode}_{seq}_{got.channel}"
        meant.setdefault(got.id, (got.channel, got.told[-1:]))
    for channel in CHANNELS:
        first = list(dict.fromkeys(scene.told(channel)))
        for episode, last in committed.items():
            assert [seq for name, seq in first if name == episode] == list(range(1, last + 1))
        assert {name for name, _ in first} == committed.keys()
