"""What begins and does not end: a checkpoint its caller gives up, a turn that fails half-way."""

from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.node import open_node
from engine.points import Batch, Command, Points
from engine.ports import Fenced
from engine.tiers import D1
from storage.memory import MemoryStore
from tests.engine.faults import FaultyStore

BEGUN_MS = 1_800_000_000_000
END_S = BEGUN_MS // 1000 + 86_400


class Application:
    """Hears of commands, and fails at each of them for a while."""

    def __init__(self) -> None:
        self.failing = True

    def hear(self, command: Command) -> None:
        if self.failing:
            raise RuntimeError("the application failed")


def batch(value: float) -> Batch:
    return Batch(Points.of([1], [BEGUN_MS], [value]))


@pytest.mark.parametrize("arrived", [False, True], ids=["before it arrived", "after"])
async def test_a_checkpoint_that_is_given_up_is_finished_by_the_next(
    autojump_clock: MockClock, arrived: bool
) -> None:
    store = FaultyStore()
    async with open_node(store, TrioClock(BEGUN_MS)) as node:
        await node.submit(0, batch(1.0))
        store.slow_s["commit"] = 0.2
        if arrived:
            store.lose_reply("commit")
        with trio.move_on_after(0.22 if arrived else 0.1) as limit:
            await node.checkpoint()
        assert limit.cancelled_caught
        assert store.state[0].number == int(arrived)
        await node.submit(0, batch(2.0))
        assert (await node.read(0, 1, D1, 0, END_S)).rollups.count.tolist() == [2]
        await node.checkpoint()
        assert (await node.read(0, 1, D1, 0, END_S)).rollups.count.tolist() == [2]
    counts = [frame.partials.rollups.count.tolist() for frame in store.state[0].frames]
    assert counts == [[1], [1]]
    assert store.state[0].number == 2


async def test_a_turn_whose_callback_fails_leaves_nothing_half_done(
    autojump_clock: MockClock,
) -> None:
    application = Application()
    store = MemoryStore()
    async with open_node(store, TrioClock(BEGUN_MS), on_command=application.hear) as node:
        await node.submit(0, batch(1.0))
        await node.checkpoint()
        both = Batch(batch(2.0).points, commands=(Command("stat.put", 1, b"record"),))
        await node.submit(0, both)
        await trio.sleep(0.5)  # The partition has failed, and will be started again in a second.
        await node.checkpoint()
        reading = await node.read(0, 1, D1, 0, END_S)
        assert reading.rollups.count.tolist() == [1]
        assert reading.complete_until < BEGUN_MS // 1000 + 1
        application.failing = False
        await trio.sleep(2)
        assert (await node.read(0, 1, D1, 0, END_S)).rollups.count.tolist() == [2]
    assert store.state[0].records == {1: b"record"}
    counts = [frame.partials.rollups.count.tolist() for frame in store.state[0].frames]
    assert counts == [[1], [1]]


@pytest.mark.parametrize("late_s", [0.0, 3.0], ids=["before it arrived", "after"])
async def test_a_checkpoint_of_an_earlier_life_changes_nothing_in_the_next(
    autojump_clock: MockClock, late_s: float
) -> None:
    application = Application()
    store = FaultyStore()
    async with open_node(store, TrioClock(BEGUN_MS), on_command=application.hear) as node:
        await node.submit(0, batch(1.0))
        store.slow_s["commit"], store.slow_reply_s["commit"] = 3.0 - late_s, late_s
        async with trio.open_nursery() as nursery:

            async def checkpoint() -> None:
                with suppress(Fenced):
                    await node.checkpoint()

            nursery.start_soon(checkpoint)
            await trio.sleep(0.5)
            await node.submit(0, Batch(batch(2.0).points, (), (Command("stat.put", 1, b""),)))
            await trio.sleep(0.5)
            application.failing = False
        await node.wait_ready()
        store.heal()
        assert (await node.read(0, 1, D1, 0, END_S)).rollups.count.tolist() == [2]
        await node.checkpoint()
        assert (await node.read(0, 1, D1, 0, END_S)).rollups.count.tolist() == [2]
    counts = sum(frame.partials.rollups.count.sum() for frame in store.state[0].frames)
    assert counts == 2
