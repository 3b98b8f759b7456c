"""A partition whose checkpoints, folds and deaths happen by hand, and a check that nothing is lost.

Law: what is read at any tier equals the model of all points that were committed, at any moment.
"""

from collections.abc import Sequence
from typing import Self

from engine.fold import Fold
from engine.histogram import SCALE, Histograms
from engine.history import History
from engine.points import Command
from engine.ports import Checkpoint, Frame, Ownership
from engine.position import Position
from engine.reader import Content, Wanted, read
from engine.rollup import Rollups
from engine.tiers import HISTOGRAMS, STORED, Tier
from engine.turn import Turn
from engine.uncommitted import partials_of
from storage.memory import MemoryStore
from tests.engine.model import Point, columns, counted, expected_counts, expected_of, told_of

AHEAD_S = 61


class Ledger:
    """The committed side of partition 0 of a store, and all points that ever went in."""

    def __init__(self, store: MemoryStore, own: Ownership, history: History) -> None:
        self.store = store
        self.own = own
        self.history = history
        self.points: list[Point] = []
        self.purged: set[int] = set()

    @classmethod
    async def open(cls, store: MemoryStore, now_s: int) -> Self:
        """Begin at `now_s` with what the store has."""
        own = await store.acquire(0)
        return cls(store, own, await History.load(store, own, now_s))

    @property
    def fold(self) -> Fold:
        """The fold of this life."""
        return self.history.fold

    async def begin_again(self, now_s: int) -> None:
        """Die, and find out from the store how things stand."""
        self.own = await self.store.acquire(0)
        self.history = await History.load(self.store, self.own, now_s)

    async def commit(self, points: Sequence[Point], purge: int | None = None) -> None:
        """Commit points as one frame, and perhaps that a stat is gone for good."""
        own = self.own
        position = Position(own.position.ms + 1, 0)
        partials = partials_of(Turn.of(columns(points)))
        commands: tuple[Command, ...] = ()
        if purge is not None:
            commands = (Command("stat.purge", purge, b"0"),)
            self.fold.gone.add(purge)
            self.purged.add(purge)
        number = own.number + 1
        checkpoint = Checkpoint(0, own.epoch, number, position, partials, commands)
        await self.store.commit(checkpoint)
        self.own = Ownership(0, own.epoch, number, position, position)
        self.history.add(Frame(position, partials))
        self.points += points

    async def check(self, now_s: int) -> None:
        """Compare every stat at every tier with the model."""
        oldest = self.history.oldest_kept(now_s)
        for stat in {point[0] for point in self.points} - self.purged:
            for tier in STORED:
                await self._check_rollups(stat, tier, oldest[tier.number], now_s + AHEAD_S)
            for tier in HISTOGRAMS:
                await self._check_histograms(stat, tier, oldest[tier.number], now_s + AHEAD_S)

    async def _check_rollups(self, stat: int, tier: Tier, from_s: int, to_s: int) -> None:
        from_s, to_s = _inside(tier, from_s, to_s)
        found = told_of(await self._read(Wanted(stat, tier, from_s, to_s), Rollups.empty()))
        wanted = expected_of(self._within(from_s, to_s), stat, tier.width_s)
        assert {start: row.exact for start, row in found.items()} == {
            start: row.exact for start, row in wanted.items()
        }, f"stat {stat} at {tier.name}"

    async def _check_histograms(self, stat: int, tier: Tier, from_s: int, to_s: int) -> None:
        from_s, to_s = _inside(tier, from_s, to_s)
        found = await self._read(Wanted(stat, tier, from_s, to_s), Histograms.empty())
        mine = [point for point in self._within(from_s, to_s) if point[0] == stat]
        assert found.scale <= SCALE
        assert counted(found) == expected_counts(mine, tier.width_s, found.scale)

    async def _read(self, wanted: Wanted, empty: Content) -> Content:
        recent = self.history.recent(wanted.stat, [], empty)
        closed = dict(self.fold.closed)
        (answer,) = await read(self.store, 0, [wanted], closed, [recent], empty)
        return answer

    def _within(self, from_s: int, to_s: int) -> list[Point]:
        return [point for point in self.points if from_s <= point[1] // 1000 < to_s]


def _inside(tier: Tier, from_s: int, to_s: int) -> tuple[int, int]:
    """The whole buckets from the first that begins in the range to the last that does."""
    return -(-from_s // tier.width_s) * tier.width_s, -(-to_s // tier.width_s) * tier.width_s
