"""Buckets of another system, and the tiers that they go into. Pure.

Law: a bucket goes whole into the bucket that holds its middle, of the finest tier that is no finer
than itself: no detail is made up. Where two series of a stat overlap, the finer is right about the
time that it covers; a bucket at its edge, of which it has but a part, is left to the wider one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from api.importing.faults import FileFault
from engine.points import VALUE_LIMIT
from engine.rollup import Flags, Floats, Ints, Rollups
from engine.stats import Kind
from engine.tiers import DAY_S, STORED, Tier

OLDEST_S: Final = 946_684_800
"""Nothing is counted before the year 2000."""

LATEST_S: Final = 2**32
"""Times in epoch seconds are below this; beyond, they are milliseconds or nonsense."""


@dataclass(frozen=True, slots=True)
class Series:
    """Buckets of one width, sorted by start, which need not be aligned; their stat is 0."""

    width_s: int
    rows: Rollups

    @property
    def last_s(self) -> int:
        """Start of the newest bucket, in epoch seconds."""
        return int(self.rows.start[-1]) if len(self.rows) else 0


@dataclass(frozen=True, slots=True)
class _Laid:
    """A series in a tier; `first_s` and `last_s` are the raw starts at its ends."""

    width_s: int
    tier: Tier
    first_s: int
    last_s: int
    rows: Rollups

    def covers(self, start: Ints, width_s: int) -> Flags:
        """Which buckets lie wholly in the time that the series tells of."""
        half_s = self.width_s // 2
        end = self.last_s + self.width_s + half_s
        return (self.first_s - half_s <= start) & (end >= start + width_s)


def series_of(
    width_s: int,
    start: Sequence[int],
    value: Sequence[float],
    kind: Kind,
    count: Sequence[int] | None = None,
) -> Series:
    """A series of sums (of a counter) or averages, in any order; of equal times the last counts.

    Without `count` each bucket weighs as much as one point. FileFault says what is out of bounds.
    """
    starts, values = np.asarray(start, np.int64), np.asarray(value, np.float64)
    counts = np.ones(len(starts), np.int64) if count is None else np.asarray(count, np.int64)
    _check(width_s, starts, values)
    order = np.argsort(starts, kind="stable")
    latest = np.append(np.diff(starts[order]) != 0, True)[: len(order)]
    kept = order[latest & (counts[order] > 0)]
    starts, values, counts = starts[kept], values[kept], counts[kept]
    total = values if kind is Kind.COUNTER else values * counts
    zero = np.zeros(len(starts))
    rows = Rollups(
        np.zeros(len(starts), np.int64), starts, counts, total, zero, zero, values, values,
        starts * 1000, values, (starts + width_s) * 1000 - 1, values,
    )  # fmt: skip
    return Series(width_s, rows)


def layers_of(series: Sequence[Series]) -> list[tuple[Tier, Rollups]]:
    """All series of a stat as rows of tiers, the finest first, no two for the same time."""
    filled = [one for one in series if len(one.rows)]
    laid = [_lay(one) for one in sorted(filled, key=lambda one: (one.width_s, -one.last_s))]
    for later in range(1, len(laid)):
        for earlier in range(later):
            laid[earlier], laid[later] = _apart(laid[earlier], laid[later])
    found = []
    for tier in STORED:
        rows = Rollups.merged([one.rows for one in laid if one.tier is tier], tier.width_s)
        if len(rows):
            found.append((tier, rows))
    return found


def tier_for(width_s: int) -> Tier:
    """The finest tier that is no finer; FileFault when there is none."""
    for tier in STORED:
        if tier.width_s >= width_s:
            return tier
    days = width_s / DAY_S
    raise FileFault(f"its buckets are {days:g} days wide; export it with an interval of 1d or less")


def _check(width_s: int, start: Ints, value: Floats) -> None:
    tier_for(width_s)
    if not len(start):
        return
    if int(start.min()) < OLDEST_S or int(start.max()) >= LATEST_S:
        raise FileFault("a time is no epoch second since the year 2000")
    if not np.isfinite(value).all() or float(np.abs(value).max()) > VALUE_LIMIT:
        raise FileFault("a value is no number that can be kept")


def _lay(series: Series) -> _Laid:
    tier, rows = tier_for(series.width_s), series.rows
    middle = rows.start + series.width_s // 2
    start = middle - middle % tier.width_s
    low, high = start * 1000, (start + tier.width_s) * 1000 - 1
    moved = replace(
        rows,
        start=start,
        first_ms=np.clip(rows.first_ms, low, high),
        last_ms=np.clip(rows.last_ms, low, high),
    )
    return _Laid(series.width_s, tier, int(rows.start[0]), series.last_s, moved)


def _apart(finer: _Laid, wider: _Laid) -> tuple[_Laid, _Laid]:
    """Both, without the buckets about which the other is right."""
    width_s = wider.tier.width_s
    mine = finer.rows.start - finer.rows.start % width_s
    shared = np.intersect1d(mine, wider.rows.start)
    if not len(shared):
        return finer, wider
    right = finer.covers(shared, width_s) | ~wider.covers(shared, width_s)
    finer_rows = finer.rows.take(~np.isin(mine, shared[~right]))
    wider_rows = wider.rows.take(~np.isin(wider.rows.start, shared[right]))
    return replace(finer, rows=finer_rows), replace(wider, rows=wider_rows)
