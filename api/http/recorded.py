"""What was recorded of a stat, as rules look at it: for backtests and explanations.

Single seconds where they are still in memory, else the finest buckets that reach back so far; how
late a time in them may be is told with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.http.context import Context
from api.query.times import Range
from engine.backtest import Arrival, of_rollups
from engine.histogram import Histograms
from engine.rollup import Rollups
from engine.rules import Rule
from engine.stats import Stat
from engine.tiers import HISTOGRAMS, S1, STORED, Tier

BUCKETS_MAX: Final = 20_000
"""Buckets that are judged for one stat; longer ranges are judged by coarser ones."""

SECONDS_KEPT_S: Final = 840
"""Single seconds are in memory for a quarter of an hour; the oldest minute may be leaving."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of a stat, and how late its times may be."""

    stat: Stat
    arrivals: Sequence[Arrival]
    resolution_s: int


async def recorded_of(context: Context, rule: Rule, stat: Stat, span: Range) -> Recorded:
    """The finest buckets that reach back far enough, with those that fill the first window."""
    now_s = context.clock.now_ms() // 1000
    begin_s = max(0, span.from_ms // 1000 - rule.span_s)
    end_s = -(-span.to_ms // 1000)
    tier = _tier_for(begin_s, end_s, now_s)
    # In the order of their ids, as rows of several stats are looked up.
    looked_at = sorted({stat.id, stat.id if rule.over is None else rule.over})
    readings = [
        await context.node.read_with_imports(
            stat.partition, one, tier, tier.bucket(begin_s), end_s
        )
        for one in looked_at
    ]  # fmt: skip
    # What was only imported may be wider.
    width_s = max(reading.tier.width_s for reading in readings)
    rows = [reading.rollups.widened(width_s) for reading in readings]
    spread = Histograms.empty()
    if rule.quantile is not None:
        finest = _spread_tier(begin_s, end_s, now_s)
        spreads = [
            await context.node.read_histograms_with_imports(
                stat.partition, one, finest, begin_s, end_s
            )
            for one in looked_at
        ]
        width_s = max(width_s, *(found.tier.width_s for found in spreads))
        spread = Histograms.joined([found.rollups for found in spreads])
    return Recorded(stat, of_rollups(Rollups.joined(rows), spread, width_s), width_s)


def _tier_for(begin_s: int, end_s: int, now_s: int) -> Tier:
    """The finest tier that is kept for so long and has not too many buckets in the range."""
    if begin_s >= now_s - SECONDS_KEPT_S:
        return S1
    return _finest(STORED, begin_s, end_s, now_s)


def _spread_tier(begin_s: int, end_s: int, now_s: int) -> Tier:
    return _finest(HISTOGRAMS, begin_s, end_s, now_s)


def _finest(tiers: Sequence[Tier], begin_s: int, end_s: int, now_s: int) -> Tier:
    for tier in tiers:
        kept = tier.keep_s is None or begin_s >= now_s - tier.keep_s
        if kept and (end_s - begin_s) // tier.width_s <= BUCKETS_MAX:
            return tier
    return tiers[-1]
