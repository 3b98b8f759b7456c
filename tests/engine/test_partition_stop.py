"""A partition that is told to stop ends, whatever it is doing."""

import pytest
import trio
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.node import open_node
from engine.points import Batch, Points
from engine.ports import Ownership
from storage.memory import MemoryStore

T0_MS = 1_800_000_000_000
LIMIT_S = 60.0


class SlowStore(MemoryStore):
    """A store that takes a second to give a partition away."""

    async def acquire(self, partition: int) -> Ownership:
        await trio.sleep(1)
        return await super().acquire(partition)


@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.0, 1.5])
async def test_stopping_while_starting(autojump_clock: MockClock, after_s: float) -> None:
    with trio.fail_after(LIMIT_S):
        async with open_node(SlowStore(2), TrioClock(T0_MS)):
            await trio.sleep(after_s)


async def test_what_was_taken_while_starting_is_committed(autojump_clock: MockClock) -> None:
    store = SlowStore()
    with trio.fail_after(LIMIT_S):
        async with open_node(store, TrioClock(T0_MS)) as node:
            await node.submit(0, Batch(Points.of([1], [T0_MS], [1.0])))
    assert len(store.state[0].frames) == 1
