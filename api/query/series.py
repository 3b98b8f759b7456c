"""From stored buckets to the buckets of an answer: aggregates, gaps, totals.

Pure, and vectors throughout. NaN stands for "no data"; points are finite, so nothing else is NaN.
A row of the tier goes whole to the bucket that holds its middle: where edges and tier agree that
is exact, elsewhere the plan has said `approximate`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from api.query.aggregates import QUANTILES, Fill, FillMode, headline
from engine.histogram import Histograms, quantiles
from engine.rollup import Flags, Floats, Ints, Rollups


@dataclass(frozen=True, slots=True)
class Series:
    """Buckets as columns of one length.

    `start` and `end` are in epoch seconds; `columns` has `value` and every aggregate asked for;
    `count` is the number of points; `partial` marks a bucket that is still open.
    """

    start: Ints
    end: Ints
    count: Ints
    partial: Flags
    columns: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def value(self) -> Floats:
        """The column that is drawn."""
        return self.columns["value"]

    def take(self, which: Ints | Flags | slice) -> "Series":
        """The buckets that `which` selects."""
        return Series(
            self.start[which], self.end[which], self.count[which], self.partial[which],
            {name: column[which] for name, column in self.columns.items()},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole range as one bucket; None where there is no point.

    `bucket_min` and `bucket_max` are the least and greatest `value` of a bucket.
    """

    sum: float
    count: int
    min: float | None = None
    max: float | None = None
    avg: float | None = None
    first: float | None = None
    last: float | None = None
    stddev: float | None = None
    bucket_min: float | None = None
    bucket_max: float | None = None
    quantiles: Mapping[str, float | None] | None = None


def aggregate(
    edges: Ints,
    rollups: Rollups,
    aggregates: Sequence[str],
    *,
    counter: bool,
    now_ms: int,
    width_s: int = 1,
    histograms: Histograms | None = None,
    histogram_width_s: int = 60,
) -> Series:
    """The buckets between `edges` (epoch s) of one stat's rollups, without filling gaps.

    `width_s` is the width of the rows of `rollups`. Percentiles are NaN without histograms, and
    never leave the bucket's own least and greatest value.
    """
    start, end = edges[:-1], edges[1:]
    rows = in_buckets(edges, rollups, width_s)
    at = rows.start
    wanted = dict.fromkeys((headline(counter), *aggregates))
    found = {name: _column(rows, name, end, start) for name in wanted if name not in QUANTILES}
    columns = {name: _spread(len(start), at, values) for name, values in found.items()}
    asked = [name for name in wanted if name in QUANTILES]
    if asked:
        low, high = _spread(len(start), at, rows.min), _spread(len(start), at, rows.max)
        spread = _percentiles(edges, histograms, histogram_width_s, asked)
        columns |= {name: _clipped(column, low, high) for name, column in spread.items()}
    count = np.zeros(len(start), np.int64)
    count[at] = rows.count
    if "count" in columns:
        columns["count"] = np.where(count > 0, count, np.nan)
    partial = (end * 1000 > now_ms) & ((start * 1000 <= now_ms) | (count > 0))
    return Series(start, end, count, partial, {"value": columns[headline(counter)]} | {
        name: columns[name] for name in aggregates
    })  # fmt: skip


def in_buckets(edges: Ints, rollups: Rollups, width_s: int) -> Rollups:
    """The rows of one stat added up between edges; their `start` is the index of the bucket."""
    bucket = np.searchsorted(edges, rollups.start + width_s // 2, side="right") - 1
    inside = (bucket >= 0) & (bucket < len(edges) - 1)
    if not inside.all():
        rollups, bucket = rollups.take(inside), bucket[inside]
    return Rollups.merged([replace(rollups, start=bucket)], 1)


def fill(series: Series, how: Fill, *, counter: bool, first_ms: int | None, now_ms: int) -> Series:
    """Fill empty buckets between a stat's first point ever and now; `none` drops all empty ones.

    Before the first point, and after now, nothing is known and nothing is filled. `auto` writes 0
    for the sum, count and rate of a counter: it knows that nothing happened.
    """
    empty = series.count == 0
    if how.mode is FillMode.NONE:
        return series.take(~empty)
    if how.mode is FillMode.NULL or first_ms is None or not empty.any():
        return series
    known = (series.end * 1000 > first_ms) & (series.start * 1000 <= now_ms)
    gaps = empty & known
    columns = {
        name: _filled(name, column, gaps, how, series, counter)
        for name, column in series.columns.items()
    }
    return replace(series, columns=columns)


def beside(series: Series, edges: Ints, present: Ints) -> Series:
    """Buckets between `edges` under the starts of those that they are compared with.

    `present` are the starts of as many buckets; `series` may lack some of them.
    """
    if len(series) == len(present):
        return replace(series, start=present)
    return replace(series, start=present[np.searchsorted(edges, series.start, side="right") - 1])


def total(
    edges: Ints,
    rollups: Rollups,
    series: Series,
    *,
    width_s: int = 1,
    histograms: Histograms | None = None,
    histogram_width_s: int = 60,
    percentiles: Sequence[str] = (),
) -> Totals:
    """All buckets of an answer as one; the same at every zoom."""
    whole = edges[[0, -1]]
    rows = in_buckets(whole, rollups, width_s)
    if not len(rows):
        return Totals(0.0, 0, quantiles=dict.fromkeys(percentiles) if percentiles else None)
    low, high = float(rows.min[0]), float(rows.max[0])
    spread = _percentiles(whole, histograms, histogram_width_s, percentiles)
    values = series.value[series.count > 0]
    count, amount = int(rows.count[0]), float(rows.sum[0])
    return Totals(
        amount, count, low, high, amount / count, float(rows.first[0]), float(rows.last[0]),
        float(np.sqrt(rows.squares[0] / count)),
        float(values.min()) if len(values) else None, float(values.max()) if len(values) else None,
        {
            name: None if np.isnan(column[0]) else float(min(max(column[0], low), high))
            for name, column in spread.items()
        } if percentiles else None,
    )  # fmt: skip


def _column(rows: Rollups, name: str, end: Ints, start: Ints) -> Floats:
    if name == "avg":
        return rows.sum / rows.count
    if name == "rate":  # per second of the bucket as it really is: a day may have 23 hours
        return rows.sum / (end - start)[rows.start]
    if name == "stddev":
        return np.sqrt(rows.squares / rows.count)
    column: Floats | Ints = getattr(rows, name)
    return column.astype(np.float64)


def _spread(size: int, at: Ints, values: Floats) -> Floats:
    column = np.full(size, np.nan)
    column[at] = values
    return column


def _percentiles(
    edges: Ints, histograms: Histograms | None, width_s: int, names: Sequence[str]
) -> dict[str, Floats]:
    size = len(edges) - 1
    if histograms is None or not len(histograms):
        return {name: np.full(size, np.nan) for name in names}
    bucket = np.searchsorted(edges, histograms.start + width_s // 2, side="right") - 1
    inside = (bucket >= 0) & (bucket < size)
    counts = replace(histograms.take(inside), start=bucket[inside])
    at, values = quantiles(Histograms.merged([counts], 1), [QUANTILES[name] for name in names])
    return {name: _spread(size, at, values[:, i]) for i, name in enumerate(names)}


def _clipped(column: Floats, low: Floats, high: Floats) -> Floats:
    """A bin is 2 % wide; the extremes of a bucket are known exactly."""
    # fmin and fmax ignore a NaN bound: the histogram may know a point that the rollup read missed.
    return np.where(np.isnan(column), column, np.fmin(np.fmax(column, low), high))


def _filled(
    name: str, column: Floats, gaps: Flags, how: Fill, series: Series, counter: bool
) -> Floats:
    if how.mode is FillMode.AUTO:
        nothing = name in ("sum", "count", "rate") or name == "value"
        return np.where(gaps, 0.0, column) if counter and nothing else column
    if name == "count":  # no filling makes a point out of none
        return np.where(gaps, 0.0, column)
    if how.mode is FillMode.NUMBER:
        return np.where(gaps, how.number, column)
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return column
    if how.mode is FillMode.PREVIOUS:
        last = np.searchsorted(known, np.arange(len(column)), side="right") - 1
        return np.where(gaps & (last >= 0), column[known[np.maximum(last, 0)]], column)
    between = np.interp(series.start, series.start[known], column[known], np.nan, np.nan)
    return np.where(gaps, between, column)
