"""How wide the buckets of an answer are, and which tier they are made of.

Pure. The answer is as fine as asked when a tier that covers the *whole* range allows it, else as
fine as that tier is, and says so: nothing is mixed and nothing is returned empty because it was
asked too finely. Buckets whose edges lie inside the buckets of the tier are approximate.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from api.query.calendar import (
    DAY,
    MONTH,
    WEEK,
    YEAR,
    Resolution,
    Unit,
    bucket_count,
    bucket_edges,
    shifted_edges,
)
from api.query.durations import Duration, parse_duration
from api.query.errors import QueryError, quote
from api.query.times import Range
from engine.rollup import Ints
from engine.tiers import HISTOGRAMS, TIERS, Tier

POINTS_LIMIT = 11_000
"""Points of one series in one reply."""

POINTS_AIM = 500
"""Points that `auto` aims at: about as many as a chart has room for."""

EXAMPLES = "auto, 10s, 1m, 15m, 1h, 1d, 1w, 1M, 1y"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a range is answered: the edges of its buckets, and the tiers to read for them."""

    resolution: Resolution
    requested: Resolution | None
    edges: Ints
    tier: Tier
    histogram_tier: Tier | None
    approximate: bool

    @property
    def from_s(self) -> int:
        """Where reading begins, in epoch seconds."""
        return int(self.edges[0])

    @property
    def to_s(self) -> int:
        """Where reading ends, in epoch seconds, exclusive."""
        return int(self.edges[-1])


def parse_resolution(text: str | None, parameter: str = "resolution") -> Resolution | None:
    """Read `auto` (None), a duration that divides a day, or 1d, 1w, 1M, 1y."""
    if text is None or text.strip() == "auto":
        return None
    found = _resolution_of(parse_duration(text) or Duration())
    if found is None:
        raise QueryError(
            "resolution_invalid", parameter,
            f"{parameter}: {quote(text)} is neither whole seconds that divide a day nor a calendar "
            f"unit; for example {EXAMPLES}",
        )  # fmt: skip
    return found


def parse_points(text: str | None, parameter: str = "points") -> int:
    """How many points `auto` aims at."""
    if text is None:
        return POINTS_AIM
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= POINTS_LIMIT:
        return int(text)
    raise QueryError(
        "parameter_invalid", parameter,
        f"{parameter}: {quote(text)} is not a whole number from 1 to {POINTS_LIMIT}",
    )  # fmt: skip


def make_plan(
    asked: Range,
    requested: Resolution | None,
    zone: ZoneInfo,
    now_ms: int,
    *,
    points: int = POINTS_AIM,
    percentiles: bool = False,
    finest: Tier = TIERS[0],
    since_s: int = 0,
    shifts: Iterable[Duration] = (),
    limit: int | None = POINTS_LIMIT,
) -> Plan:
    """Decide the buckets and tiers for a range.

    `finest` is the finest tier that may be read. Nothing is looked for before `since_s` (epoch s),
    and `auto` begins there, so that all of a short history is not one bucket. The tiers must also
    have the range as far back as each of `shifts`. More than `limit` points raise
    `too_many_points`, which names the finest resolution allowed.
    """
    if requested is None:
        later_ms = min(max(asked.from_ms, since_s * 1000), asked.to_ms - 1)
        asked = replace(asked, from_ms=later_ms)
    shifts = tuple(shifts)
    oldest_ms = min([asked.from_ms, *((-shift).after(asked.from_ms, zone) for shift in shifts)])
    needed_s = max(oldest_ms // 1000, since_s, 0)
    kept = _kept(TIERS, finest, needed_s, now_ms // 1000)
    kept_histograms = _kept(HISTOGRAMS, finest, needed_s, now_ms // 1000) if percentiles else []
    base_s = max([kept[0].width_s] + [tier.width_s for tier in kept_histograms[:1]])
    if requested is None:
        resolution = _auto(asked, base_s, min(points, limit or points), limit or POINTS_LIMIT)
    else:
        if limit is not None and bucket_count(asked.from_ms, asked.to_ms, requested) > limit:
            raise _too_many(asked, requested, base_s, limit)
        resolution = _covered(requested, base_s)
    until_ms = asked.to_ms + asked.until_now
    edges = bucket_edges(asked.from_ms, until_ms, resolution, zone)
    all_edges = np.concatenate(
        [edges, *(shifted_edges(edges, shift, resolution, zone) for shift in shifts)]
    )
    tier, exact = _tier_for(all_edges, kept)
    if not percentiles:
        return Plan(resolution, requested, edges, tier, None, not exact)
    histogram_tier, exact_too = _tier_for(all_edges, kept_histograms)
    return Plan(resolution, requested, edges, tier, histogram_tier, not (exact and exact_too))


def clock_resolution(width_s: int) -> Resolution:
    """Buckets of so many seconds, a divisor of a day, under their shortest name."""
    for unit, name in ((3600, "h"), (60, "m")):
        if width_s % unit == 0:
            return Resolution(f"{width_s // unit}{name}", width_s)
    return Resolution(f"{width_s}s", width_s)


_CLOCK_WIDTHS: Final = tuple(w for w in range(1, DAY.step_s) if DAY.step_s % w == 0)
_AUTO: Final = (
    *(clock_resolution(w) for w in (1, 2, 5, 10, 20, 30)),
    *(clock_resolution(60 * w) for w in (1, 2, 5, 10, 15, 30)),
    *(clock_resolution(3600 * w) for w in (1, 2, 3, 6, 12)),
    DAY, WEEK, MONTH, YEAR,
)  # fmt: skip


def _resolution_of(span: Duration) -> Resolution | None:
    if span == Duration(days=1) or span == Duration(ms=DAY.step_s * 1000):
        return DAY
    for calendar, unit in ((Duration(days=7), WEEK), (Duration(1), MONTH), (Duration(12), YEAR)):
        if span == calendar:
            return unit
    if span.months or span.days or span.ms % 1000:
        return None
    width_s = span.ms // 1000
    return clock_resolution(width_s) if width_s in _CLOCK_WIDTHS else None


def _kept(tiers: Iterable[Tier], finest: Tier, needed_s: int, now_s: int) -> list[Tier]:
    """The tiers that still have everything since `needed_s`, the finest first."""
    wide = (tier for tier in tiers if tier.width_s >= finest.width_s)
    return [tier for tier in wide if tier.oldest(now_s) <= needed_s]


def _auto(asked: Range, base_s: int, points: int, limit: int) -> Resolution:
    """The resolution that comes nearest to `points` points, by ratio, and is covered."""

    def distance(resolution: Resolution) -> float:
        return abs(log((asked.to_ms - asked.from_ms) / (1000 * resolution.step_s * points)))

    fitting = [r for r in _AUTO if r.unit is not Unit.CLOCK or r.step_s % base_s == 0]
    allowed = [
        r for r in fitting if bucket_count(asked.from_ms, asked.to_ms, r) < limit
    ] or fitting[-1:]
    return min(allowed, key=distance)


def _covered(requested: Resolution, base_s: int) -> Resolution:
    """`requested`, or the next wider resolution that buckets of `base_s` seconds fill."""
    if requested.unit is not Unit.CLOCK or requested.step_s % base_s == 0:
        return requested
    for width_s in _CLOCK_WIDTHS:
        if width_s >= requested.step_s and width_s % base_s == 0:
            return clock_resolution(width_s)
    return DAY


def _tier_for(edges: Ints, kept: list[Tier]) -> tuple[Tier, bool]:
    """The widest kept tier whose buckets end at the edges, and True; else the finest kept one."""
    for tier in reversed(kept):
        if not np.any(edges % tier.width_s):
            return tier, True
    return kept[0], False


def _too_many(asked: Range, requested: Resolution, base_s: int, limit: int) -> QueryError:
    count = bucket_count(asked.from_ms, asked.to_ms, requested)
    clock = (clock_resolution(w) for w in _CLOCK_WIDTHS if w % base_s == 0)
    allowed = next(
        r for r in (*clock, DAY, WEEK, MONTH, YEAR)
        if bucket_count(asked.from_ms, asked.to_ms, r) <= limit
    )  # fmt: skip
    return QueryError(
        "too_many_points", "resolution",
        f"resolution: {requested} makes {count:,} points of this range, at most {limit:,} are "
        f"allowed; the finest allowed is {allowed}",
    )  # fmt: skip
