"""What the read routes answer: the shapes, and how series become them.

Pure. Fields may be added, never renamed. Numbers without a fraction are written as integers; None
is "no data"; aggregates that were not asked for are left out.
"""

from collections.abc import Sequence
from itertools import starmap
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType, field

from api.query.series import Series, Totals
from engine.rollup import Floats

Number = int | float | None
MaybeNumber = int | float | UnsetType | None
MaybeNumbers = list[Number] | UnsetType

EXACT_INTEGER = 2**53
"""Whole numbers beyond this are not exact in a double, and are written as one."""


class StatRef(Struct, frozen=True):
    """The stat that an answer is about."""

    id: str
    name: str
    type: str
    unit: str | None = None


class Point(Struct):
    """One bucket: `t` is its start in epoch seconds, `value` the sum of a counter or the average.

    `partial` is true for the last bucket while it is open.
    """

    t: int | str
    value: int | float | None
    sum: MaybeNumber = UNSET
    count: MaybeNumber = UNSET
    avg: MaybeNumber = UNSET
    min: MaybeNumber = UNSET
    max: MaybeNumber = UNSET
    first: MaybeNumber = UNSET
    last: MaybeNumber = UNSET
    rate: MaybeNumber = UNSET
    stddev: MaybeNumber = UNSET
    p50: MaybeNumber = UNSET
    p75: MaybeNumber = UNSET
    p90: MaybeNumber = UNSET
    p95: MaybeNumber = UNSET
    p99: MaybeNumber = UNSET
    p99_9: MaybeNumber = field(default=UNSET, name="p99.9")
    partial: bool | UnsetType = UNSET


class Columns(Struct):
    """The same as lists of one length, as charts want it."""

    t: Sequence[int | str]
    value: list[Number]
    sum: MaybeNumbers = UNSET
    count: MaybeNumbers = UNSET
    avg: MaybeNumbers = UNSET
    min: MaybeNumbers = UNSET
    max: MaybeNumbers = UNSET
    first: MaybeNumbers = UNSET
    last: MaybeNumbers = UNSET
    rate: MaybeNumbers = UNSET
    stddev: MaybeNumbers = UNSET
    p50: MaybeNumbers = UNSET
    p75: MaybeNumbers = UNSET
    p90: MaybeNumbers = UNSET
    p95: MaybeNumbers = UNSET
    p99: MaybeNumbers = UNSET
    p99_9: MaybeNumbers = field(default=UNSET, name="p99.9")
    partial: list[bool] | UnsetType = UNSET


class Summary(Struct):
    """The whole range as one bucket; `bucket_min` and `bucket_max` are of the buckets' `value`."""

    sum: int | float
    count: int
    min: int | float | None
    max: int | float | None
    avg: int | float | None
    first: int | float | None
    last: int | float | None
    stddev: int | float | None
    bucket_min: int | float | None
    bucket_max: int | float | None
    p50: MaybeNumber = UNSET
    p75: MaybeNumber = UNSET
    p90: MaybeNumber = UNSET
    p95: MaybeNumber = UNSET
    p99: MaybeNumber = UNSET
    p99_9: MaybeNumber = field(default=UNSET, name="p99.9")


class Comparison(Struct):
    """An earlier range beside this one: `t` is that of the bucket it is compared with."""

    shift: str
    from_: str = field(name="from")
    to: str
    summary: Summary
    points: list[Point] | UnsetType = UNSET
    columns: Columns | UnsetType = UNSET


class DataReply(Struct):
    """The buckets of one stat in [from, to).

    Buckets are whole: the first may begin before `from`, the last may end after `to`. `step` is
    their width in seconds, of months and years about. Everything before `complete_until` (epoch s)
    changes only by late data; before `complete_from`, if there is one, the tier no longer has
    everything. `cursor` continues in the live stream exactly after this answer.
    """

    stat: StatRef
    from_: str = field(name="from")
    to: str
    tz: str
    resolution: str
    requested_resolution: str
    step: int
    agg: list[str]
    summary: Summary
    complete_until: int
    cursor: str
    complete_from: int | None = None
    approximate: bool = False
    points: list[Point] | UnsetType = UNSET
    columns: Columns | UnsetType = UNSET
    compare: Comparison | UnsetType = UNSET


class QuerySeries(Struct):
    """One series of a query: a stat, or what `group` and `expr` made of several."""

    name: str
    stat: StatRef | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    points: list[Point] | UnsetType = UNSET
    columns: Columns | UnsetType = UNSET


class QueryReply(Struct):
    """The buckets of several stats in [from, to), all with the same edges."""

    from_: str = field(name="from")
    to: str
    tz: str
    resolution: str
    requested_resolution: str
    step: int
    agg: list[str]
    series: list[QuerySeries]
    complete_until: int
    cursor: str
    complete_from: int | None = None
    approximate: bool = False


def points_of(series: Series, times: list[int] | list[str] | None = None) -> list[Point]:
    """The buckets one by one; `times` stands in for their starts."""
    columns = {name: numbers(column) for name, column in series.columns.items()}
    partial = [flag or UNSET for flag in series.partial.tolist()]
    blank = [UNSET] * len(series)
    rows = (columns.get(name, blank) for name in _POINT_COLUMNS)
    starts: list[Any] = times if times is not None else series.start.tolist()
    return list(starmap(Point, zip(starts, *rows, partial, strict=True)))


def columns_of(series: Series, times: list[int] | list[str] | None = None) -> Columns:
    """The buckets as lists; `times` stands in for their starts."""
    columns = {name.replace(".", "_"): numbers(c) for name, c in series.columns.items()}
    starts: list[int] | list[str] = times if times is not None else series.start.tolist()
    return Columns(starts, **columns, partial=series.partial.tolist())


def summary_of(totals: Totals) -> Summary:
    """The totals of a range."""
    spread = {
        name.replace(".", "_"): number(value) for name, value in (totals.quantiles or {}).items()
    }
    return Summary(
        whole(totals.sum), totals.count, *(number(value) for value in (
            totals.min, totals.max, totals.avg, totals.first, totals.last, totals.stddev,
            totals.bucket_min, totals.bucket_max,
        )), **spread,
    )  # fmt: skip


def numbers(column: Floats) -> list[Number]:
    """A column as JSON numbers: integers when all of it are, None for "no data"."""
    unknown = np.isnan(column)
    filled = np.where(unknown, 0.0, column)
    integral = bool((np.rint(filled) == filled).all() and (np.abs(filled) < EXACT_INTEGER).all())
    listed: list[Number] = (filled.astype(np.int64) if integral else filled).tolist()
    for index in np.flatnonzero(unknown).tolist():
        listed[index] = None
    return listed


def number(value: float | None) -> Number:
    """One number as JSON has it."""
    return None if value is None else whole(value)


def whole(value: float) -> int | float:
    """An integer when it is one."""
    return int(value) if value.is_integer() and abs(value) < EXACT_INTEGER else value


_POINT_COLUMNS = tuple(
    f.encode_name for f in msgspec.structs.fields(Point) if f.name not in ("t", "partial")
)
