"""A listener that leaves, and one that comes after: what moved in between is in what it is told."""

import pytest
import trio
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.node import Node, open_node
from engine.points import Batch, Points
from engine.tiers import M1, S10, Tier
from storage.memory import MemoryStore

BEGUN_MS = 1_800_000_000_000


async def told_after_one_point(node: Node, tier: Tier) -> list[int]:
    """The counts that a new watch is told of when a point comes."""
    with node.watch(tier) as watch:
        watch.add(0, 1)
        await node.submit(0, Batch(Points.of([1], [BEGUN_MS], [1.0])))
        async for changes in watch:
            (change,) = changes
            return [int(count) for count in change.rollups.count]
    raise AssertionError("the watch ended")


@pytest.mark.parametrize("other", [True, False], ids=["somebody else listens", "nobody does"])
async def test_a_listener_is_told_what_moved_while_nobody_listened(
    autojump_clock: MockClock, other: bool
) -> None:
    async with open_node(MemoryStore(), TrioClock(BEGUN_MS)) as node:
        with node.watch(M1) as minutes:
            if other:
                minutes.add(0, 1)
            assert await told_after_one_point(node, S10) == [1]
            await node.submit(0, Batch(Points.of([1], [BEGUN_MS], [1.0])))
            await trio.sleep(0.1)
            assert await told_after_one_point(node, S10) == [3]
