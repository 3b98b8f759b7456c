"""The history of one stat, block by block: each point once, as finely as is still kept.

Law: a moment is read from the finest tier that has it, and from no other. Where a tier began to be
kept shorter meanwhile, the next wider one answers, whose buckets begin and end where blocks do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from api.export.rows import bucket_rows, histogram_rows
from api.http.times import OLDEST_MS
from engine.ladder import BUCKETS, SPREADS
from engine.node import Node
from engine.queries import AHEAD_S
from engine.reader import Content
from engine.rollup import Ints
from engine.stats import Stat
from engine.tiers import D1, DAY_S, HISTOGRAMS, STORED, Tier

BLOCK_ROWS: Final = 2_000
"""Buckets that are read at a time, about; days come by years."""

BLOCK_HISTOGRAMS: Final = 30
"""Buckets of histograms that are read at a time, about: each may have hundreds of bins. Days are
read by chunks, so that none is told as roughly as the one before."""

OLDEST_S: Final = OLDEST_MS // 1000


class BrokenOff(Exception):
    """While an export was made, the store dropped what was still to be read."""


@dataclass(frozen=True, slots=True)
class Block:
    """A time that is read at once: [from_s, to_s), epoch seconds."""

    tier: Tier
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class History:
    """The whole history of a stat, from `since_s` (epoch s) on, as it is at `now_s`."""

    node: Node
    stat: Stat
    now_s: int
    since_s: int = OLDEST_S

    def blocks(self, days: Ints) -> Iterator[Block]:
        """What to read, in the order of the file; `days` are those that have points."""
        ladders: list[tuple[Sequence[Tier], int]] = [(STORED, BLOCK_ROWS)]
        if self.stat.percentiles:
            ladders.append((HISTOGRAMS, BLOCK_HISTOGRAMS))
        for ladder, rows in ladders:
            yield from _with_data(blocks_of(ladder, rows, self.since_s, self.now_s), days)

    async def days(self) -> Ints:
        """The starts of the days that have points, in epoch seconds."""
        where = (self.stat.partition, self.stat.id)
        found = await self.node.read(*where, D1, OLDEST_S, self.now_s + AHEAD_S)
        return found.rollups.start

    async def imported(self) -> bytes:
        """The rows of what was imported, where nothing was counted."""
        where = (self.stat.partition, self.stat.id)
        if not self.node.has_imports(*where):
            return b""
        begin, end = D1.bucket(self.since_s), D1.bucket(self.now_s + AHEAD_S) + D1.width_s
        shown = await self.node.imports_seen(*where, BUCKETS, begin, end)
        parts = [bucket_rows(rows, tier.name) for tier, rows in shown]
        if self.stat.percentiles:
            spreads = await self.node.imports_seen(*where, SPREADS, begin, end)
            parts += [histogram_rows(rows, tier.name) for tier, rows in spreads]
        return b"".join(parts)

    async def read(self, block: Block) -> bytes:
        """The rows of a block."""
        asked = (self.stat.partition, self.stat.id, block.tier, block.from_s, block.to_s)
        if block.tier in HISTOGRAMS:
            spread = await self.node.read_histograms(*asked)
            rest = _left(block, spread.tier)
            rows = histogram_rows(_before(rest, spread.rollups), spread.tier.name)
        else:
            found = await self.node.read(*asked)
            rest = _left(block, found.tier)
            rows = bucket_rows(_before(rest, found.rollups), found.tier.name)
        return rows if rest is None else rows + await self.read(rest)


def blocks_of(ladder: Sequence[Tier], rows: int, since_s: int, now_s: int) -> Iterator[Block]:
    """The blocks of a history, the oldest first: no two overlap, and none is missing.

    All begin with a whole bucket of the next wider tier, which answers if need be.
    """
    tiers = ladder[::-1]
    begin_s = since_s
    for place, tier in enumerate(tiers):
        wide_s = tiers[max(0, place - 1)].width_s
        finer = tiers[place + 1] if place + 1 < len(tiers) else None
        end_s = now_s + AHEAD_S if finer is None else _up(finer.oldest(now_s), tier.width_s)
        step_s = max(wide_s, rows * tier.width_s // wide_s * wide_s)
        from_s = _up(begin_s, wide_s)
        while from_s < end_s:
            to_s = min(from_s - from_s % step_s + step_s, end_s)
            yield Block(tier, from_s, to_s)
            from_s = to_s
        begin_s = max(begin_s, end_s)


def _with_data(blocks: Iterator[Block], days: Ints) -> Iterator[Block]:
    """The blocks that touch a day that has points."""
    for block in blocks:
        low, high = np.searchsorted(days, (block.from_s - DAY_S + 1, block.to_s))
        if low < high:
            yield block


def _left(block: Block, answered: Tier) -> Block | None:
    """What is still to be read: the last buckets that answered may reach beyond the block.

    They are wider because of where it begins; its end is not as old. BrokenOff when it is.
    """
    whole_s = block.to_s - block.to_s % answered.width_s
    if answered is block.tier or whole_s == block.to_s:
        return None
    if whole_s <= block.from_s:
        raise BrokenOff(f"{block.tier.name} is no longer kept")
    return Block(block.tier, whole_s, block.to_s)


def _before(rest: Block | None, rows: Content) -> Content:
    """What is not still to be read."""
    return rows if rest is None else rows.between(0, rest.from_s)


def _up(at_s: int, width_s: int) -> int:
    return -(-at_s // width_s) * width_s
