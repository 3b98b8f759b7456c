"""From a question to the buckets that answer it: plan, read, and plan again when less is kept.

Law: all series of one answer have the same edges. What the store no longer has as finely as planned
widens the whole answer; nothing is mixed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from api.http.asked import Asked
from api.http.bounded import for_each
from api.http.context import Context
from api.query.calendar import earlier_edges, shifted_edges
from api.query.durations import NO_TIME, Duration
from api.query.resolution import POINTS_LIMIT, Plan, make_plan
from api.query.series import Series, Totals, aggregate, fill, total
from engine.histogram import Histograms
from engine.position import Position
from engine.queries import AHEAD_S, Reading
from engine.rollup import Ints, Rollups
from engine.stats import Kind, Stat
from engine.tiers import D1, S1, S10, TIERS, Tier


@dataclass(frozen=True, slots=True)
class Want:
    """One thing to read: a stat, over the range or as far `back` of it."""

    stat: Stat
    back: Duration = NO_TIME


@dataclass(frozen=True, slots=True)
class Question:
    """What to read and how: `lookback` tells for a step in seconds how many buckets more."""

    asked: Asked
    wants: Sequence[Want]
    percentiles: bool = False
    limit: int | None = POINTS_LIMIT
    lookback: Callable[[int], int] = lambda _: 0

    @property
    def shifts(self) -> list[Duration]:
        """How far back anything is read."""
        return list(dict.fromkeys(want.back for want in self.wants if want.back))


@dataclass(frozen=True, slots=True)
class Buckets:
    """What was read of one want, on the edges that it was asked for."""

    stat: Stat
    edges: Ints
    reading: Reading[Rollups]
    histograms: Reading[Histograms] | None
    first_ms: int | None

    @property
    def counter(self) -> bool:
        """Whether points are added up."""
        return self.stat.kind is Kind.COUNTER

    @property
    def tiers(self) -> tuple[Tier, Tier | None]:
        """What answered: the tier of the buckets and, if they were asked for, of the histograms."""
        return self.reading.tier, self.histograms.tier if self.histograms else None

    def series(self, asked: Asked, aggregates: Sequence[str]) -> Series:
        """The buckets of the answer, gaps filled."""
        found = aggregate(
            self.edges,
            self.reading.rollups,
            aggregates,
            counter=self.counter,
            now_ms=asked.now_ms,
            width_s=self.reading.tier.width_s,
            histograms=self.histograms.rollups if self.histograms else None,
            histogram_width_s=self.histograms.tier.width_s if self.histograms else 1,
        )
        return fill(
            found, asked.fill, counter=self.counter, first_ms=self.first_ms, now_ms=asked.now_ms
        )

    def totals(self, series: Series, percentiles: Sequence[str]) -> Totals:
        """The whole range as one bucket."""
        return total(
            self.edges,
            self.reading.rollups,
            series,
            width_s=self.reading.tier.width_s,
            histograms=self.histograms.rollups if self.histograms else None,
            histogram_width_s=self.histograms.tier.width_s if self.histograms else 1,
            percentiles=percentiles,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that was read; `lookback` buckets stand before those of the plan."""

    asked: Asked
    plan: Plan
    lookback: int
    found: Mapping[Want, Buckets]

    @property
    def complete_until(self) -> int:
        """Before this (epoch s) only late points change anything."""
        limits = [found.reading.complete_until for found in self.found.values()]
        return min(limits, default=self.asked.now_ms // 1000)

    @property
    def complete_from(self) -> int | None:
        """Before this (epoch s) the tier may miss something; None when it does not."""
        limits = [found.reading.complete_from or 0 for found in self.found.values()]
        latest = max(limits, default=0)
        return latest if latest > self.plan.from_s else None

    @property
    def positions(self) -> dict[int, Position]:
        """The log position that is included, by partition."""
        positions: dict[int, Position] = {}
        for want, found in self.found.items():
            if not want.back:
                at = found.reading.position
                positions[want.stat.partition] = min(at, positions.get(want.stat.partition, at))
        return positions


async def read_answer(context: Context, question: Question) -> Answer:
    """Read what a question wants; StoreError when the store does not answer."""
    asked = question.asked
    stats = list({want.stat.id: want.stat for want in question.wants}.values())
    from_ms = asked.range.from_ms
    earliest_ms = min([from_ms, *((-back).after(from_ms, asked.zone) for back in question.shifts)])
    firsts = await first_points(context, stats, earliest_ms, asked.now_ms)
    begun = [first for first in firsts.values() if first is not None]
    finest: Tier | None = TIERS[0]
    while True:
        assert finest is not None
        plan = make_plan(
            asked.range,
            asked.requested,
            asked.zone,
            asked.now_ms,
            points=asked.points,
            percentiles=question.percentiles,
            finest=finest,
            since_s=min(begun, default=0) // 1000,
            shifts=question.shifts,
            limit=question.limit,
        )
        answer = await _read(context, question, plan, firsts)
        finest = _finer_gone(answer, min(begun, default=0) // 1000)
        if finest is None:
            return answer


async def first_points(
    context: Context, stats: Sequence[Stat], from_ms: int, now_ms: int
) -> dict[int, int | None]:
    """When each stat had its first point, in epoch milliseconds; None where there is none yet.

    Of a stat that is older than the range it is enough to know that.
    """

    async def first(stat: Stat) -> int | None:
        if stat.created_ms <= from_ms:
            return stat.created_ms
        days = await context.node.read_with_imports(
            stat.partition, stat.id, D1, 0, now_ms // 1000 + AHEAD_S
        )
        return int(days.rollups.first_ms[0]) if len(days.rollups) else None

    found = await for_each(stats, first)
    return {stat.id: at for stat, at in zip(stats, found, strict=True)}


async def read_buckets(
    context: Context, stat: Stat, plan: Plan, edges: Ints, first_ms: int | None, kept_s: int = 0
) -> Buckets:
    """Read one stat between `edges`, as planned; nothing before `kept_s` (epoch s).

    Of a stat that counts no percentiles none are read, not even earlier ones.
    """
    where = (stat.partition, stat.id)
    span = (max(0, kept_s, int(edges[0])), int(edges[-1]))
    reading = await context.node.read_with_imports(*where, plan.tier, *span)
    histograms = None
    if plan.histogram_tier is not None and stat.percentiles:
        histograms = await context.node.read_histograms_with_imports(
            *where, plan.histogram_tier, *span
        )
    return Buckets(stat, edges, reading, histograms, first_ms)


def wider_tier(plan: Plan, found: Iterable[Buckets]) -> Tier | None:
    """The widest tier that answered instead of the planned one, if any did."""
    planned = [plan.tier, plan.histogram_tier]
    answered = [
        tier
        for one in found
        for tier, asked in zip(one.tiers, planned, strict=True)
        if tier is not None and asked is not None and tier.width_s > asked.width_s
    ]
    return max(answered, key=lambda tier: tier.width_s, default=None)


async def _read(
    context: Context, question: Question, plan: Plan, firsts: Mapping[int, int | None]
) -> Answer:
    asked, lookback = question.asked, question.lookback(plan.resolution.step_s)
    longer = earlier_edges(plan.edges, lookback, plan.resolution, asked.zone)
    edges = {NO_TIME: longer} | {
        back: shifted_edges(longer, back, plan.resolution, asked.zone) for back in question.shifts
    }
    # A window that looks back further than is kept uses what there is.
    kept_s = plan.tier.oldest(asked.now_ms // 1000) if lookback else 0

    async def read(want: Want) -> Buckets:
        stat = want.stat
        return await read_buckets(context, stat, plan, edges[want.back], firsts[stat.id], kept_s)

    found = await for_each(question.wants, read)
    kept = len(longer) - len(plan.edges)
    return Answer(asked, plan, kept, dict(zip(question.wants, found, strict=True)))


def _finer_gone(answer: Answer, since_s: int) -> Tier | None:
    """The tier to plan again with, when less was kept than planned; else None."""
    plan, found = answer.plan, answer.found.values()
    if wider := wider_tier(plan, found):
        return wider
    # Seconds begin anew with the process; who did not ask for them is better off with what is kept.
    begun_s = max((one.reading.complete_from or 0 for one in found), default=0)
    if plan.tier is S1 and answer.asked.requested is None and begun_s > max(plan.from_s, since_s):
        return S10
    return None
