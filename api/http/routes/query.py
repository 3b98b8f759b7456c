"""Several stats at once, and arithmetic over them: `GET /v1/query`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, cast

import msgspec
import numpy as np
import trio
from msgspec import UNSET, Meta

from api.accounts.keys import Identity
from api.http.asked import (
    READ_PROBLEMS,
    Asked,
    AskedParams,
    StatNames,
    StatPatterns,
    percentiles_of,
    refused,
    understand,
)
from api.http.context import Context
from api.http.cursors import format_cursor
from api.http.messages import RawRequest, Reply
from api.http.readings import Answer, Question, Want, read_answer
from api.http.route import Call, Nothing, Route
from api.http.routes.data import stat_ref
from api.http.selected import STATS_LIMIT, selected
from api.http.written import (
    TABLE_MEDIA,
    answer,
    download_name,
    drawn,
    encoded,
    long_table,
    named_lines,
)
from api.query.aggregates import Fill, FillMode, parse_aggregates
from api.query.combined import Combination, combination
from api.query.expression import Line
from api.query.reply import QueryReply, QuerySeries, StatRef, Summary, summary_of
from api.query.resolution import POINTS_LIMIT
from api.query.series import Series
from engine.stats import Stat, public_id

UNASKED: Final = ("count", "min", "max")
"""What comes with `value`, the same for counters and values, when nobody says what."""

BUCKETS_LIMIT: Final = 200_000
"""Buckets of all series of a reply together."""


class QueryParams(AskedParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`stat` (an id or a name) and `match` (a pattern) are a, b, c, … in `expr`; `group` makes one
    series of many (sum, avg, min, max) or keeps the greatest (topk:5). Percentiles of a stat that
    counts none are null.
    """

    stat: StatNames = ()
    match: StatPatterns = ()
    group: Annotated[
        str | None,
        Meta(
            description="sum, avg, min, max, or topk:N.",
            examples=["sum"],
            extra_json_schema={"pattern": "^(sum|avg|min|max|topk:[1-9][0-9]?)$"},
        ),
    ] = None
    expr: Annotated[
        str | None,
        Meta(description="Arithmetic over a, b, c, …", examples=["a/b*100"]),
    ] = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """One series of the answer before it is written."""

    name: str
    stat: StatRef | None
    series: Series
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole answer before it is written: the question, what was read, the series."""

    asked: Asked
    found: Answer
    drawings: Sequence[Drawing]
    names: Sequence[str]


async def query(call: Call[QueryParams, Nothing]) -> Reply:
    """Series with the same edges; see `QueryReply`."""
    picture = await draw(call.context, call.request, call.caller, call.params)
    return await _written(call, picture.asked, picture.found, picture.drawings, picture.names)


async def draw(
    context: Context, request: RawRequest, caller: Identity, params: QueryParams
) -> Picture:
    """What a caller asks for; Problem or QueryError when they cannot have it."""
    asked = understand(context, caller, request, params)
    groups = await selected(context, caller, params.stat, params.match)
    combined = combination(groups, params.group, params.expr)
    names = parse_aggregates(params.agg, counter=True) if params.agg else ()
    if combined is not None and len(names) > 1:
        raise refused("agg", "agg: one at a time with group or expr.")
    question = _question(asked, groups, combined, names)
    found = await read_answer(context, question)
    if combined is None:
        chosen, names = bool(names), names or UNASKED
        drawings = []
        for want in question.wants:
            drawings.append(_plain(want, found, asked, names, chosen=chosen))
            await trio.lowlevel.checkpoint()
    else:
        drawings = await _combined(combined, groups, found, asked, names)
    return Picture(asked, found, drawings, names)


def _question(
    asked: Asked,
    groups: Mapping[str, Sequence[Stat]],
    combined: Combination | None,
    names: Sequence[str],
) -> Question:
    if combined is None:
        stats = {stat.id: stat for group in groups.values() for stat in group}
        wants = [Want(stat) for stat in stats.values()]
    else:
        needs = combined.needs()
        pairs = [Want(stat, need.back) for need in needs for stat in groups[need.name]]
        wants = list(dict.fromkeys(pairs))
    limit = min(POINTS_LIMIT, BUCKETS_LIMIT // max(1, len(wants)))
    return Question(
        asked,
        wants,
        bool(percentiles_of(names)),
        limit,
        (lambda _: 0) if combined is None else combined.lookback,
    )


def _plain(
    want: Want, found: Answer, asked: Asked, names: Sequence[str], *, chosen: bool
) -> Drawing:
    """A stat as it is; `value` is the first aggregate, if the asker has chosen one."""
    buckets = found.found[want]
    series = buckets.series(asked, names)
    summary = summary_of(buckets.totals(series, percentiles_of(names)))
    if chosen:
        columns = dict(series.columns) | {"value": series.columns[names[0]]}
        series = replace(series, columns=columns)
    return Drawing(want.stat.name, stat_ref(want.stat), series, summary)


async def _combined(
    combined: Combination,
    groups: Mapping[str, Sequence[Stat]],
    found: Answer,
    asked: Asked,
    names: Sequence[str],
) -> list[Drawing]:
    """What `group` and `expr` make of the stats; gaps stay open until all is computed."""
    # Buckets that are dropped would no longer stand beside each other.
    dropping = asked.fill.mode is FillMode.NONE
    filled = replace(asked, fill=Fill(FillMode.NULL)) if dropping else asked
    lines: dict[Want, Line] = {}
    for want, buckets in found.found.items():
        series = buckets.series(filled, names)
        column = series.columns[names[0] if names else "value"]
        lines[want] = Line(public_id(want.stat.id), column)
        await trio.lowlevel.checkpoint()
    table = {
        need: [lines[Want(stat, need.back)] for stat in groups[need.name]]
        for need in combined.needs()
    }
    plan, edges = found.plan, found.plan.edges
    size = found.lookback + len(edges) - 1
    results = combined.lines(table, size, plan.resolution.step_s)
    stats = {public_id(want.stat.id): want.stat for want in found.found}
    drawings = []
    for line in results:
        stat = stats.get(line.name)
        known = ~np.isnan(line.values)
        now_s = asked.now_ms / 1000
        series = Series(
            edges[:-1], edges[1:], known.astype(np.int64),
            (edges[1:] > now_s) & (edges[:-1] <= now_s), {"value": line.values},
        )  # fmt: skip
        drawings.append(
            Drawing(
                stat.name if stat else line.name,
                stat_ref(stat) if stat else None,
                series.take(known) if dropping else series,
                None,
            )
        )
    return drawings


async def _written(
    call: Call[QueryParams, Nothing],
    asked: Asked,
    found: Answer,
    drawings: Sequence[Drawing],
    names: Sequence[str],
) -> Reply:
    plan = found.plan
    if asked.format == "csv":
        body = await long_table([(one.name, one.series) for one in drawings], asked)
        name = download_name("query", asked, plan.resolution.name, "csv")
        return answer(call.request, asked, body, name)
    parts: list[bytes] = []
    for one in drawings:
        if asked.format == "ndjson":
            stat = one.stat.id if one.stat else None
            parts.append(named_lines(one.name, stat, one.series, asked))
        else:
            parts.append(encoded(_series(one, asked), asked))
        await trio.lowlevel.checkpoint()
    if asked.format == "ndjson":
        return answer(call.request, asked, b"".join(parts))
    reply = QueryReply(
        from_=asked.iso(asked.range.from_ms),
        to=asked.iso(asked.range.to_ms),
        tz=asked.zone.key,
        resolution=plan.resolution.name,
        requested_resolution=asked.requested_name,
        step=plan.resolution.step_s,
        agg=list(names),
        series=cast("list[QuerySeries]", [msgspec.Raw(part) for part in parts]),
        complete_until=found.complete_until,
        cursor=format_cursor(found.positions),
        complete_from=found.complete_from,
        approximate=plan.approximate,
    )
    return answer(call.request, asked, encoded(reply, asked))


def _series(one: Drawing, asked: Asked) -> QuerySeries:
    shape = drawn(one.series, asked)
    return QuerySeries(
        name=one.name,
        stat=one.stat or UNSET,
        summary=one.summary or UNSET,
        points=shape.points,
        columns=shape.columns,
    )


ROUTES: Final = (
    Route(
        "GET", "/v1/query", f"The buckets of up to {STATS_LIMIT} stats, and arithmetic over them",
        "read", {200: (QueryReply, *TABLE_MEDIA)}, QueryParams, Nothing, query,
        problems=(*READ_PROBLEMS, "expression_invalid", "too_many_stats", "field_required"),
        example_query="match=page.*&from=-2h&group=sum", express=True,
    ),
)  # fmt: skip
