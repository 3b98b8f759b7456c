"""Nodes that tests run, stop and kill; the clock is trio's, so a mock clock moves it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.node import EngineSettings, Node, ignore, open_node
from engine.points import Batch, Claim, Command
from engine.ports import Store
from engine.position import Position
from engine.tiers import Tier
from engine.usage import Owners, nobody
from tests.engine.model import BEGUN_MS, BEGUN_S, Facts, Point, columns, told_of

SETTINGS = EngineSettings()

LIFE_LIMIT_S = 10_000.0

FAR_S = BEGUN_S + 10**9
"""Later than any point, in epoch seconds."""


@asynccontextmanager
async def until_killed(
    store: Store,
    on_command: Callable[[Command], None] = ignore,
    settings: EngineSettings = SETTINGS,
    owners: Owners = nobody,
) -> AsyncGenerator[Node, None]:
    """A node that is killed at the end of the block: it commits nothing more."""

    async def live(task_status: trio.TaskStatus[Node]) -> None:
        clock = TrioClock(BEGUN_MS)
        async with open_node(store, clock, settings, on_command, owners=owners) as node:
            task_status.started(node)
            await trio.sleep_forever()

    # A test that waits for what never comes would let the clock jump for ever.
    with trio.fail_after(LIFE_LIMIT_S):
        async with trio.open_nursery() as nursery:
            yield await nursery.start(live)
            nursery.cancel_scope.cancel()


def simulated(run: Callable[[], Awaitable[None]]) -> None:
    """Run on a clock that jumps whenever nothing else is to be done, and begins at 0."""
    trio.run(run, clock=MockClock(autojump_threshold=0))


def now_ms() -> int:
    """The wall time of the node, in epoch milliseconds."""
    return TrioClock(BEGUN_MS).now_ms()


async def submit(
    node: Node, *points: Point, partition: int = 0, digest: bytes | None = None
) -> Position:
    """Submit points as one batch, with one claim on all of them if there is a digest."""
    claims = () if digest is None else (Claim(digest, b"accepted", 0, len(points)),)
    receipt = await node.submit(partition, Batch(columns(points), claims))
    return receipt.position


async def read_all(
    node: Node, stat: int, tier: Tier, from_s: int = 0, partition: int = 0
) -> dict[int, Facts]:
    """What every bucket of a stat says, from the oldest that is asked for."""
    reading = await node.read(partition, stat, tier, from_s, FAR_S)
    assert reading.tier is tier
    return told_of(reading.rollups)
