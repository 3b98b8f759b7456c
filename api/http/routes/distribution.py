"""How the values of stats were spread over time: `GET /v1/distribution`."""

from typing import Final

import trio
from msgspec import Struct, field

from api.accounts.keys import Identity
from api.http.asked import (
    READ_PROBLEMS,
    AskedParams,
    RangeParams,
    StatNames,
    StatPatterns,
    refused,
    understand,
)
from api.http.context import Context
from api.http.messages import RawRequest, Reply
from api.http.readings import Answer, Question, Want, read_answer
from api.http.route import Call, Nothing, Route
from api.http.routes.data import stat_ref
from api.http.selected import STATS_LIMIT, selected
from api.query.distribution import Distribution, by_bucket, distribution
from api.query.reply import Number, StatRef, numbers
from engine.histogram import Histograms

COUNTS_LIMIT: Final = 1_000
"""Buckets of a reply, each with a count for every bin."""


class DistributionParams(RangeParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`stat` and `match` as for `/v1/query`: the values of all of them are counted together.

    A range (`from`, `to`, or `last`), and how finely (`resolution`, or about `points` buckets);
    `tz` is the zone of days and of times without one.
    """

    stat: StatNames = ()
    match: StatPatterns = ()


class DistributionReply(Struct, frozen=True, kw_only=True):
    """`counts` has a row for each bucket, which begins at `t` (epoch s), and a column for each bin.

    A bin holds the values above `low` up to `high`; below zero those from `low` and less than
    `high`. `total` is how many values there are.
    """

    stats: list[StatRef]
    from_: str = field(name="from")
    to: str
    tz: str
    resolution: str
    step: int
    total: int
    t: list[int]
    low: list[Number]
    high: list[Number]
    counts: list[list[int]]
    complete_until: int
    complete_from: int | None
    approximate: bool


async def distributed(call: Call[DistributionParams, Nothing]) -> Reply:
    """Counts of values by time and by size."""
    params = call.params
    asked = AskedParams(
        from_=params.from_, to=params.to, last=params.last, resolution=params.resolution,
        points=params.points, tz=params.tz, format="json",
    )  # fmt: skip
    found, spread = await spread_of(
        call.context, call.request, call.caller, asked, (params.stat, params.match)
    )
    plan = found.plan
    stats = [stat_ref(want.stat) for want in found.found]
    return call.json(
        200,
        DistributionReply(
            stats=stats, from_=found.asked.iso(found.asked.range.from_ms),
            to=found.asked.iso(found.asked.range.to_ms), tz=found.asked.zone.key,
            resolution=plan.resolution.name, step=plan.resolution.step_s, total=spread.total,
            t=plan.edges[:-1].tolist(), low=numbers(spread.low), high=numbers(spread.high),
            counts=spread.counts.tolist(), complete_until=found.complete_until,
            complete_from=found.complete_from, approximate=plan.approximate,
        ),
    )  # fmt: skip


async def spread_of(
    context: Context,
    request: RawRequest,
    caller: Identity,
    params: AskedParams,
    named: tuple[tuple[str, ...], tuple[str, ...]],
) -> tuple[Answer, Distribution]:
    """What was read, and its distribution; `named` are names and patterns of stats."""
    asked = understand(context, caller, request, params)
    groups = await selected(context, caller, *named)
    stats = {stat.id: stat for group in groups.values() for stat in group}
    if stats and not any(stat.percentiles for stat in stats.values()):
        detail = 'stat: no histograms are kept of it; PATCH it with {"percentiles":true}.'
        raise refused("stat", detail, "percentiles_off")
    wants = [Want(stat) for stat in stats.values()]
    found = await read_answer(context, Question(asked, wants, percentiles=True, limit=COUNTS_LIMIT))
    edges, rows = found.plan.edges, Histograms.empty()
    for one in found.found.values():
        if one.histograms is not None:
            part = by_bucket(edges, one.histograms.rollups, one.histograms.tier.width_s)
            rows = Histograms.merged([rows, part], 1)
            # Of many stats the rows are many: others get their turn.
            await trio.lowlevel.checkpoint()
    return found, distribution(len(edges) - 1, rows)


ROUTES: Final = (
    Route(
        "GET", "/v1/distribution",
        f"How the values of up to {STATS_LIMIT} stats were spread over time", "read",
        {200: DistributionReply}, DistributionParams, Nothing, distributed,
        problems=(*READ_PROBLEMS, "percentiles_off", "too_many_stats", "field_required"),
        example_query="match=page.*&from=-2h", express=True,
    ),
)  # fmt: skip
