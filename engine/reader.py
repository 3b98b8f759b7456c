"""Reading = chunks + committed partials that no chunk has absorbed + uncommitted points.

Law: take the lists of recent and uncommitted partials first, then read the chunks, then add only
partials later than each chunk's position. So there is neither a gap nor a double while a fold runs.
A span that the fold has not closed yet in a tier is read from the tier below; below the finest
stored tier there are only partials.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Self, TypeVar

import numpy as np

from engine.histogram import Histograms
from engine.ports import Chunk, Span, Store
from engine.position import Position
from engine.rollup import Ints, Rollups
from engine.tiers import Tier, below

Content = TypeVar("Content", Rollups, Histograms)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read: the buckets of a tier that start in [from_s, to_s), of one stat."""

    stat: int
    tier: Tier
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class Recent(Generic[Content]):
    """Partials in log order within each stat; row i counts up to `positions[part[i]]`.

    Points that are not committed yet are stamped like a frame, with the position they end at: a
    fold may have absorbed them by the time the chunks are read.
    """

    rows: Content
    part: Ints
    positions: tuple[Position, ...]

    @classmethod
    def of(cls, parts: Sequence[tuple[Position, Content]], empty: Content) -> "Recent[Content]":
        """Partials from parts with their positions, oldest first."""
        positions = tuple(position for position, _ in parts)
        part = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
        filled = [rows for _, rows in parts if len(rows)]
        if not filled:
            return Recent(empty, part, positions)
        rows = filled[0] if len(filled) == 1 else type(empty).joined(filled)
        order = np.argsort(rows.stat, kind="stable")
        return Recent(rows.take(order), part[order], positions)

    def of_stat(self, stat: int) -> Self:
        """The partials of one stat."""
        low, high = np.searchsorted(self.rows.stat, (stat, stat + 1)).tolist()
        mine = slice(low, high)
        return type(self)(self.rows.take(mine), self.part[mine], self.positions)

    def not_absorbed(self, wanted: Wanted, chunks: Sequence[Chunk]) -> Content:
        """The rows in the wanted range that lie in no chunk that has absorbed them."""
        start = self.rows.start
        if not len(start):
            return self.rows
        keep = (start >= wanted.from_s) & (start < wanted.to_s)
        oldest_s, newest_s = int(start.min()), int(start.max())
        for chunk in chunks:
            end_s = chunk.start + chunk.tier.chunk_s
            if end_s <= oldest_s or chunk.start > newest_s:
                continue  # Most are far from what is recent.
            absorbed = bisect_right(self.positions, chunk.position)
            inside = (start >= chunk.start) & (start < end_s)
            keep &= ~(inside & (self.part < absorbed))
        return self.rows if keep.all() else self.rows.take(keep)


def spans_of(wanted: Wanted, closed: Mapping[int, int]) -> list[Span]:
    """The chunks to read: of each tier, the part of the range that it has closed and no wider has.

    `closed` tells per tier number until when (epoch seconds) the fold has written chunks.
    """
    spans = []
    tier: Tier | None = wanted.tier
    start = wanted.from_s
    while tier is not None and start < wanted.to_s:
        end = min(wanted.to_s, closed.get(tier.number, 0))
        if start < end:
            spans.append(Span(wanted.stat, tier, tier.chunk(start), end))
            start = end
        tier = below(tier)
    return spans


def compose(
    wanted: Wanted, chunks: Sequence[Chunk], recent: Recent[Content], empty: Content
) -> Content:
    """Add up chunks and the partials that they have not absorbed, in buckets of the wanted tier.

    `chunks` do not overlap, `recent` is of the wanted stat. Returns rows sorted by start.
    """
    parts: list[Content] = []
    finer: list[Content] = []
    for chunk in chunks:
        assert isinstance(chunk.content, type(empty)), "BUG: a chunk of the other ladder"
        rows = chunk.content.within(wanted.from_s, wanted.to_s)
        if len(rows):
            (parts if chunk.tier is wanted.tier else finer).append(rows)
    finer.append(recent.not_absorbed(wanted, chunks))
    new = type(empty).merged(finer, wanted.tier.width_s)
    if len(new):
        parts.append(new)
    # Mostly they follow each other: then there is nothing to add up.
    if len(parts) > 1 and _follow(parts):
        return type(empty).joined(parts)
    return type(empty).merged(parts, wanted.tier.width_s)


def _follow(parts: Sequence[Rollups | Histograms]) -> bool:
    """Whether each begins after the one before has ended; all are sorted, of one stat."""
    # Bins of a finer scale would have to be added up.
    scales = {part.scale for part in parts if isinstance(part, Histograms)}
    ordered = all(before.start[-1] < after.start[0] for before, after in pairwise(parts))
    return ordered and len(scales) <= 1


class Overtaken(Exception):
    """A fold was faster: a chunk holds points later than the reading; take everything anew."""


async def read(
    store: Store,
    partition: int,
    wanted: Sequence[Wanted],
    closed: Mapping[int, int],
    recent: Sequence[Recent[Content]],
    empty: Content,
    until: Position | None = None,
) -> list[Content]:
    """Read several stats in one step of the store.

    `closed` and `recent`, one for each wanted, were taken before, all at the same moment. With
    `until`, the position of that moment, no later point is in the answer; else Overtaken.
    """
    spans = [spans_of(one, closed) for one in wanted]
    flat = [span for part in spans for span in part]
    found = await store.chunks(partition, flat) if flat else []
    if until is not None and any(chunk.position > until for part in found for chunk in part):
        raise Overtaken(f"partition {partition} after {until}")
    answers = iter(found)
    return [
        compose(one, [chunk for _ in part for chunk in next(answers)], mine, empty)
        for one, part, mine in zip(wanted, spans, recent, strict=True)
    ]
