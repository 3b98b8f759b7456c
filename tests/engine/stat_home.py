"""A partition's part in the life of a stat actor: applies points, wakes it, answers it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from engine.position import Position
from engine.rollup import Rollups
from engine.stat_actor import (
    StatActor,
    Wake,
    Watch,
)
from engine.tiers import S10, Tier
from tests.engine.model import BEGUN_MS, BEGUN_S, Facts, Point, expected_of, rolled

STAT = 1
PARTITION = 3


class Home:
    """A partition's part in it: applies points, wakes the actor, answers its questions."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.position = Position(0, 0)
        self.reads: list[tuple[Tier, int]] = []
        self.read_s = 0.0
        self.error: Exception | None = None
        self.kept_from_s = 0
        self.actor = StatActor(PARTITION, STAT, self.load, lambda: BEGUN_S + 5)

    async def load(self, tier: Tier, from_s: int, to_s: int) -> tuple[Rollups, Position] | None:
        self.reads.append((tier, from_s))
        inside = [point for point in self.points if from_s <= point[1] // 1000 < to_s]
        position = self.position
        await trio.sleep(self.read_s)
        if self.error is not None:
            raise self.error
        return None if from_s < self.kept_from_s else (rolled(inside, tier.width_s), position)

    def apply(self, *points: tuple[float, float]) -> None:
        """Take a turn of points, each seconds after the beginning and value."""
        turn = [(STAT, BEGUN_MS + round(1000 * at_s), value) for at_s, value in points]
        self.points += turn
        self.position = Position(self.position.ms + 1, 0)
        self.actor.mailbox.put(Wake(self.position, rolled(turn)))

    def awaken(self, watch: Watch, partition: int, stat: int) -> StatActor:
        assert (partition, stat) == (PARTITION, STAT)
        self.actor.watches.setdefault(watch.tier, set()).add(watch)
        return self.actor

    def watch(self, tier: Tier = S10) -> Watch:
        watch = Watch(tier, self.awaken)
        watch.add(PARTITION, STAT)
        return watch

    def wanted(self, tier: Tier, *starts: int) -> dict[int, Facts]:
        """What the buckets at these seconds after the beginning must say now."""
        return {
            start: row
            for start, row in expected_of(self.points, STAT, tier.width_s).items()
            if start - BEGUN_S in starts
        }


@asynccontextmanager
async def running() -> AsyncGenerator[Home, None]:
    home = Home()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(home.actor.run)
        yield home
        home.actor.mailbox.close()
