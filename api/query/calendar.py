"""Where buckets begin and end.

Pure. Below a day buckets are aligned to the epoch; days, weeks (from Monday), months and years
follow the calendar of a time zone, so that a day may have 23 or 25 hours and a day that a country
skipped has no bucket at all. A bucket is named by its start.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from api.query.durations import DAY_MS, Duration, epoch_ms, local_time
from api.query.errors import QueryError
from engine.rollup import Ints

DAY_S = 86_400


class Unit(StrEnum):
    """What the edges of a resolution follow."""

    CLOCK = "clock"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Resolution:
    """How wide buckets are: `step_s` seconds, of calendar units about that."""

    name: str
    step_s: int
    unit: Unit = Unit.CLOCK

    def __str__(self) -> str:
        return self.name


DAY: Final = Resolution("1d", DAY_S, Unit.DAY)
WEEK: Final = Resolution("1w", 7 * DAY_S, Unit.WEEK)
MONTH: Final = Resolution("1M", 30 * DAY_S, Unit.MONTH)
YEAR: Final = Resolution("1y", 365 * DAY_S, Unit.YEAR)


def bucket_edges(from_ms: int, to_ms: int, resolution: Resolution, zone: ZoneInfo) -> Ints:
    """The edges of the buckets that touch [from_ms, to_ms), ascending, in epoch seconds.

    There is one more edge than buckets; the first is at or before the range, the last at or after.
    """
    if resolution.unit is Unit.CLOCK:
        first = from_ms // 1000 // resolution.step_s
        count = bucket_count(from_ms, to_ms, resolution)
        return np.arange(first, first + count + 1, dtype=np.int64) * resolution.step_s
    day = _start_of(local_time(from_ms, zone).date(), resolution.unit)
    edges: list[int] = []
    while not edges or edges[-1] * 1000 < to_ms:
        edges.append(_midnight(day, zone))
        day = _next(day, resolution.unit)
    return np.unique(np.array(edges, np.int64))


def bucket_count(from_ms: int, to_ms: int, resolution: Resolution) -> int:
    """How many buckets touch a range; of calendar units about that, rather more than fewer."""
    step_ms = 1000 * resolution.step_s
    if resolution.unit is Unit.CLOCK:
        return -(-to_ms // step_ms) - from_ms // step_ms
    return -(-(to_ms - from_ms) // step_ms) + 1


def earlier_edges(edges: Ints, count: int, resolution: Resolution, zone: ZoneInfo) -> Ints:
    """`edges` with at least `count` more buckets before them, where the calendar has them."""
    if count == 0:
        return edges
    first_s = int(edges[0])
    if resolution.unit is Unit.CLOCK:
        more = np.arange(-count, 0, dtype=np.int64) * resolution.step_s + first_s
        return np.concatenate([more[more >= 0], edges])
    back = {
        Unit.DAY: Duration(days=count), Unit.WEEK: Duration(days=7 * count),
        Unit.MONTH: Duration(months=count), Unit.YEAR: Duration(months=12 * count),
    }[resolution.unit]  # fmt: skip
    from_ms = max(0, (-back).after(first_s * 1000, zone))
    more = bucket_edges(from_ms, first_s * 1000, resolution, zone)
    return np.concatenate([more[more < first_s], edges])


def shifted_edges(edges: Ints, back: Duration, resolution: Resolution, zone: ZoneInfo) -> Ints:
    """The edges of the buckets that lie `back` earlier, each beside the one it is compared with.

    Days stay days and months months: the shift must be whole buckets, else QueryError. Where
    buckets are days or weeks, months of `back` count as the days they have before the first edge.
    """
    if resolution.unit in (Unit.MONTH, Unit.YEAR):
        whole = 12 if resolution.unit is Unit.YEAR else 1
        if back.days or back.ms or back.months % whole:
            raise _misfit(resolution)
        return _moved(edges, Duration(months=-back.months), zone)
    first_ms = int(edges[0]) * 1000
    gone = Duration(months=-back.months).after(first_ms, zone)
    days = back.days + (local_time(first_ms, zone).date() - local_time(gone, zone).date()).days
    if resolution.unit is Unit.CLOCK:
        return edges - _clock_shift(first_ms, back, days, resolution, zone)
    more, rest = divmod(back.ms, DAY_MS)
    days += more
    if resolution.unit is Unit.WEEK:
        if back.months:  # a year ago means the same week, 52 of them ago
            days -= days % 7
        rest = rest or days % 7
    if rest:
        raise _misfit(resolution)
    return _moved(edges, Duration(days=-days), zone)


def _clock_shift(
    first_ms: int, back: Duration, days: int, resolution: Resolution, zone: ZoneInfo
) -> int:
    """Seconds from the same time of an earlier day, or from so many days of 24 hours before.

    Nine o'clock is compared with nine o'clock, except where a changed clock lets buckets of
    several hours not meet.
    """
    for shift_ms in (first_ms - (-back).after(first_ms, zone), days * DAY_MS + back.ms):
        if shift_ms % (1000 * resolution.step_s) == 0:
            return shift_ms // 1000
    raise _misfit(resolution)


def _moved(edges: Ints, by: Duration, zone: ZoneInfo) -> Ints:
    moved = [
        _midnight(local_time(by.after(edge * 1000, zone), zone).date(), zone)
        for edge in edges.tolist()
    ]
    # Two days of March may have one counterpart in February: the second is then an empty bucket.
    return np.maximum.accumulate(np.array(moved, np.int64))


def _misfit(resolution: Resolution) -> QueryError:
    return QueryError(
        "parameter_invalid", "compare",
        f"A shift must be whole buckets, here of {resolution}; for example 1d, 1w, 1M or 1y",
    )  # fmt: skip


def _start_of(day: date, unit: Unit) -> date:
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    if unit is Unit.MONTH:
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit is Unit.YEAR else day


def _next(day: date, unit: Unit) -> date:
    if unit is Unit.MONTH:
        return (day + timedelta(days=31)).replace(day=1)
    if unit is Unit.YEAR:
        return day.replace(year=day.year + 1)
    return day + timedelta(days=7 if unit is Unit.WEEK else 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """When a local day begins, in epoch seconds; the first moment after a skipped midnight."""
    return epoch_ms(datetime(day.year, day.month, day.day, tzinfo=zone)) // 1000
