"""A node with rules on a mock clock, and what it told."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import trio

from engine.alerts import Alerts
from engine.backtest import Arrival, of_points
from engine.clock import TrioClock
from engine.node import Node, open_node
from engine.ports import Judged
from engine.position import START
from engine.rules import Kind, Rule
from engine.transition import Transition, unpack_transition
from storage.memory import MemoryStore
from tests.engine.model import BEGUN_MS, columns
from tests.engine.nodes import LIFE_LIMIT_S, now_ms, submit

STAT = 7
RULE = Rule("al_1", 1, "too many", Kind.THRESHOLD, threshold=10, window_s=60, no_data="zero")


rule = partial(replace, RULE)
"""A rule like that, with changes."""


@dataclass
class Desk:
    """A store and the node over it that lives at the moment."""

    store: MemoryStore = field(default_factory=MemoryStore)
    heard: list[Transition] = field(default_factory=list)
    arrived: list[Arrival] = field(default_factory=list)
    node: Node | None = None

    @asynccontextmanager
    async def life(self) -> AsyncGenerator[Alerts, None]:
        """A node that is killed at the end of the block."""

        async def live(task_status: trio.TaskStatus[Node]) -> None:
            clock = TrioClock(BEGUN_MS)
            async with open_node(self.store, clock, on_judged=self._hear) as node:
                await node.wait_ready()
                task_status.started(node)
                await trio.sleep_forever()

        with trio.fail_after(LIFE_LIMIT_S):
            async with trio.open_nursery() as nursery:
                self.node = await nursery.start(live)
                assert self.node is not None
                yield Alerts(self.node)
                nursery.cancel_scope.cancel()

    async def send(self, *values: float, stat: int = STAT, ago_s: float = 0) -> None:
        """Points of a stat, now."""
        assert self.node is not None
        at_ms = now_ms() - round(1000 * ago_s)
        points = [(stat, at_ms, value) for value in values]
        position = await submit(self.node, *points)
        self.arrived += of_points(columns(points), [position.ms] * len(points))

    def _hear(self, partition: int, judged: Judged) -> None:
        self.heard += map(unpack_transition, judged.transitions)

    async def committed(self) -> list[Transition]:
        """Every transition that the store has, oldest first."""
        found = await self.store.transitions(0, None, 10_000)
        return [unpack_transition(record) for _, record in reversed(found)]

    async def messages(self) -> list[Transition]:
        """Every message that waits."""
        return [unpack_transition(m.body) for m in await self.store.outbox(0, START, 10_000)]


def steps(told: list[Transition]) -> list[str]:
    """From where to where, in short."""
    return [f"{one.source}>{one.target}" for one in told if one.source is not one.target]


def at_s(one: Transition) -> float:
    """When it happened, in seconds since the beginning of the run."""
    return (one.at_ms - BEGUN_MS) / 1000
