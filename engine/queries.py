"""Questions to a partition: buckets, percentiles, newest values, what moved.

Law: a query that starts after an acknowledgement includes it, or says up to when it is complete.
Everything uncertain is taken in one step before the store is asked.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

import trio

from engine.histogram import Histograms
from engine.ports import Unavailable
from engine.position import Position
from engine.reader import Content, Overtaken, Recent, Wanted, read
from engine.rollup import Rollups
from engine.tiers import D1, HISTOGRAMS, S1, STORED, Tier
from engine.turn import Turn
from engine.window import Newest

if TYPE_CHECKING:
    from engine.partition import Partition

CATCH_UP_S_MAX = 0.25
"""A query waits this long for the partition to apply what was acknowledged before."""

NEWEST_KEPT_MAX = 100_000
"""Newest values of sleeping stats that a partition remembers after looking them up."""

READS_MAX = 5
"""A reading that a fold overtakes is repeated; a fold runs once a minute, so twice is rare."""

AHEAD_S = 61
"""Points may be this far ahead of the clock."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[Content]):
    """The non-empty buckets of one stat, sorted by start, `tier.width_s` wide.

    `tier` is the finest that still has what was asked. Before `complete_from` (epoch s; None: no
    limit) something may be missing; before `complete_until` only late points change anything.
    `position` is the log position of the partition that the answer includes.
    """

    rollups: Content
    tier: Tier
    complete_from: int | None
    complete_until: int
    position: Position


@dataclass(eq=False, slots=True)
class Queries:
    """Answers questions about the stats of one partition."""

    partition: "Partition"
    _newest: dict[int, Newest] = field(default_factory=dict)
    _epoch: int = 0

    async def read(self, stat: int, tier: Tier, from_s: int, to_s: int) -> Reading[Rollups]:
        """Buckets of `tier`, or of the finest wider one that still has `from_s`.

        Only what was counted here; `read_with_imports` adds what was imported.
        """
        await self.caught_up()
        if self.has_seconds(tier, from_s):
            return self._read_seconds(stat, from_s, to_s)
        kept = self.finest_kept(STORED, tier, from_s)
        return (await self._read([_whole(stat, kept, from_s, to_s)], Rollups.empty()))[0]

    async def read_at_once(
        self, wanted: Sequence[Wanted], empty: Content
    ) -> list[Reading[Content]]:
        """Buckets, or histograms, in just the tiers asked for, as all were at one position."""
        return await self._read(wanted, empty)

    def has_seconds(self, tier: Tier, from_s: int) -> bool:
        """Whether it is seconds that were asked for, so late that they may be had."""
        return tier is S1 and from_s >= self.partition.now_s - (S1.keep_s or 0)

    async def read_histograms(
        self, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Histograms]:
        """Histograms of the width of `tier`, or of the finest wider ones that are kept."""
        await self.caught_up()
        kept = self.finest_kept(HISTOGRAMS, tier, from_s)
        return (await self._read([_whole(stat, kept, from_s, to_s)], Histograms.empty()))[0]

    async def latest(self, stats: Sequence[int]) -> dict[int, Newest]:
        """The newest point of each stat that ever had one."""
        await self.caught_up()
        epoch = self.partition.own.epoch
        if self._epoch != epoch or len(self._newest) > NEWEST_KEPT_MAX:
            # The table of a new life does not complete what was looked up in the one before.
            self._epoch, self._newest = epoch, {}
        await self._look_up([stat for stat in stats if not self._known(stat)])
        table, found = self.partition.table, {}
        for stat in stats:
            # Of two at one moment the table has the later.
            newest = [one for one in (table.latest(stat), self._newest.get(stat)) if one]
            if newest:
                found[stat] = max(newest, key=lambda one: one.at_ms)
        return found

    def _known(self, stat: int) -> bool:
        """Whether the newest point is found in memory."""
        if stat in self._newest:
            return True
        newest = self.partition.table.latest(stat)
        # The row may have begun with late points; what was before it was not far ahead of its time.
        return newest is not None and newest.at_ms > self.partition.began.ms + 1000 * AHEAD_S

    async def _look_up(self, stats: Sequence[int]) -> None:
        """Read the newest points of stats that sleep, or have slept."""
        until_s = self.partition.now_s + AHEAD_S
        wanted = [_whole(stat, D1, 0, until_s) for stat in stats]
        for stat, reading in zip(stats, await self._read(wanted, Rollups.empty()), strict=True):
            rows = reading.rollups
            if len(rows):
                self._newest[stat] = Newest(int(rows.last_ms[-1]), float(rows.last[-1]))

    def touched(self, stat: int, since: Position, tier: Tier) -> list[int] | None:
        """Starts of the buckets that may have changed after `since`; None when nobody knows."""
        partition = self.partition
        if not partition.ready.is_set():
            return None
        if tier is S1:
            if since < partition.seconds.begun:
                return None
            parts = partition.seconds.of_stat(stat, since)
            old: list[int] = []
        else:
            known = partition.history.touched(stat, since)
            if known is None:
                return None
            parts, old = [], known
        parts += [turn.seconds.of_stat(stat) for _, turn in self.uncommitted()]
        starts = {tier.bucket(start) for part in parts for start in part.start.tolist()}
        return sorted(starts.union(map(tier.bucket, old)))

    async def caught_up(self) -> None:
        """Wait until what was acknowledged so far is applied, but not for long."""
        partition = self.partition
        target = partition.lane.acknowledged
        with trio.move_on_after(CATCH_UP_S_MAX):
            await partition.ready.wait()
            while partition.position < target:
                await partition.progress.wait()

    def finest_kept(self, ladder: Sequence[Tier], tier: Tier, from_s: int) -> Tier:
        """The finest tier of a ladder, no finer than `tier`, that still has `from_s`."""
        oldest = self.partition.history.oldest_kept(self.partition.now_s)
        fitting = [one for one in ladder if one.width_s >= tier.width_s]
        return next((one for one in fitting if oldest[one.number] <= from_s), ladder[-1])

    def uncommitted(self) -> list[tuple[Position, Turn]]:
        """Turns that no frame has, each with the position of the checkpoint it will be in.

        What is pending goes into a checkpoint as a whole, at this position or a later one.
        """
        partition = self.partition
        pending = [(partition.position, turn) for turn in partition.pending.points.pieces()]
        if partition.sealed is None:
            return pending
        position = partition.sealed.checkpoint.position
        return [*((position, turn) for turn in partition.sealed.turns), *pending]

    def _complete_until(self) -> int:
        partition = self.partition
        # Before it is ready, a partition does not know what was acknowledged before its time.
        ready = partition.ready.is_set()
        behind = not ready or partition.position < partition.lane.acknowledged
        return partition.position.ms // 1000 if behind else partition.now_s

    def _read_seconds(self, stat: int, from_s: int, to_s: int) -> Reading[Rollups]:
        parts = self.partition.seconds.of_stat(stat)
        parts += [turn.seconds.of_stat(stat) for _, turn in self.uncommitted()]
        rollups = Rollups.merged([part.between(from_s, to_s) for part in parts], S1.width_s)
        begun_s = self.partition.seconds.complete_from(stat)
        return Reading(rollups, S1, begun_s, self._complete_until(), self.partition.position)

    async def _read(self, wanted: Sequence[Wanted], empty: Content) -> list[Reading[Content]]:
        """Every stat as it was at one position."""
        if not wanted:
            return []
        for _ in range(READS_MAX):
            with suppress(Overtaken):
                return await self._read_once(wanted, empty)
        raise Unavailable(f"{self.partition!r} has another owner, who folds it")

    async def _read_once(self, wanted: Sequence[Wanted], empty: Content) -> list[Reading[Content]]:
        """Take the partials now, then ask the store for the chunks."""
        partition = self.partition
        position, until_s = partition.position, self._complete_until()
        uncommitted = self.uncommitted()
        recent = [self._recent(one.stat, uncommitted, empty) for one in wanted]
        closed = dict(partition.history.fold.closed)
        contents = await read(
            partition.store, partition.number, wanted, closed, recent, empty, position
        )
        return [
            Reading(content, one.tier, None, until_s, position)
            for one, content in zip(wanted, contents, strict=True)
        ]

    def _recent(
        self, stat: int, uncommitted: Sequence[tuple[Position, Turn]], empty: Content
    ) -> Recent[Content]:
        parts = [(at, turn.of_kind(empty).of_stat(stat)) for at, turn in uncommitted]
        return self.partition.history.recent(stat, parts, empty)


def _whole(stat: int, tier: Tier, from_s: int, to_s: int) -> Wanted:
    """The buckets that start in [from_s, to_s), each to its end: it may be made of finer ones."""
    width_s = tier.width_s
    return Wanted(stat, tier, -(-from_s // width_s) * width_s, -(-to_s // width_s) * width_s)
