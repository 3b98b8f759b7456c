"""The buckets of one stat: `GET /v1/stats/{id}/data`."""

from typing import Annotated, Final

from msgspec import Meta

from api.http.asked import (
    DURATION,
    READ_PROBLEMS,
    Asked,
    AskedParams,
    check_percentiles,
    percentiles_of,
    refused,
    understand,
)
from api.http.cursors import format_cursor
from api.http.messages import Reply
from api.http.readings import Answer, Question, Want, read_answer
from api.http.route import Call, Nothing, Route
from api.http.wanted import stat_of
from api.http.written import TABLE_MEDIA, answer, download_name, drawn, encoded, table
from api.query.aggregates import parse_aggregates, parse_shift
from api.query.durations import Duration
from api.query.reply import Comparison, DataReply, StatRef, summary_of
from api.query.series import Series, beside
from engine.stats import Kind, Stat, public_id

TABLES: Final = ("csv", "ndjson")


class DataParams(AskedParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The question, and `compare`: how far back a second range is drawn over the first."""

    compare: Annotated[
        str | None,
        Meta(
            description="How far back the other range lies.",
            examples=["1w"],
            extra_json_schema={"pattern": DURATION},
        ),
    ] = None


async def data(call: Call[DataParams, Nothing]) -> Reply:
    """Buckets with totals; see `DataReply`."""
    stat = stat_of(call.context, call.caller, call.ids["id"])
    params = call.params
    asked = understand(call.context, call.caller, call.request, params)
    aggregates = parse_aggregates(params.agg, stat.kind is Kind.COUNTER)
    back = None if params.compare is None else parse_shift(params.compare)
    if back is not None and asked.format in TABLES:
        raise refused("compare", "compare: not with csv and ndjson, which are one series.")
    wants = [Want(stat)] if back is None else [Want(stat), Want(stat, back)]
    percentiles = percentiles_of(aggregates)
    check_percentiles(stat, percentiles)
    found = await read_answer(call.context, Question(asked, wants, bool(percentiles)))
    series = found.found[wants[0]].series(asked, aggregates)
    if asked.format in TABLES:
        resolution = found.plan.resolution.name
        name = download_name(stat.name, asked, resolution, asked.format)
        return answer(call.request, asked, table(series, asked), name)
    body = _reply(asked, stat, found, wants[0], series, aggregates)
    if back is not None:
        assert params.compare is not None
        body.compare = _comparison(asked, params.compare, back, found, wants[1], aggregates)
    return answer(call.request, asked, encoded(body, asked))


def stat_ref(stat: Stat) -> StatRef:
    """How answers name a stat."""
    return StatRef(public_id(stat.id), stat.name, stat.kind.value, stat.unit)


def _reply(
    asked: Asked,
    stat: Stat,
    found: Answer,
    want: Want,
    series: Series,
    aggregates: tuple[str, ...],
) -> DataReply:
    shape = drawn(series, asked)
    plan = found.plan
    return DataReply(
        stat=stat_ref(stat),
        from_=asked.iso(asked.range.from_ms),
        to=asked.iso(asked.range.to_ms),
        tz=asked.zone.key,
        resolution=plan.resolution.name,
        requested_resolution=asked.requested_name,
        step=plan.resolution.step_s,
        agg=list(aggregates),
        summary=summary_of(found.found[want].totals(series, percentiles_of(aggregates))),
        complete_until=found.complete_until,
        cursor=format_cursor(found.positions),
        complete_from=found.complete_from,
        approximate=plan.approximate,
        points=shape.points,
        columns=shape.columns,
    )


def _comparison(
    asked: Asked,
    text: str,
    back: Duration,
    found: Answer,
    want: Want,
    aggregates: tuple[str, ...],
) -> Comparison:
    buckets = found.found[want]
    earlier = buckets.series(asked, aggregates)
    summary = summary_of(buckets.totals(earlier, percentiles_of(aggregates)))
    shape = drawn(beside(earlier, buckets.edges, found.plan.edges[:-1]), asked)
    return Comparison(
        shift=text,
        from_=asked.iso((-back).after(asked.range.from_ms, asked.zone)),
        to=asked.iso((-back).after(asked.range.to_ms, asked.zone)),
        summary=summary,
        points=shape.points,
        columns=shape.columns,
    )


ROUTES: Final = (
    Route(
        "GET", "/v1/stats/{id}/data", "The buckets of one stat", "read",
        {200: (DataReply, *TABLE_MEDIA)}, DataParams, Nothing, data,
        problems=(*READ_PROBLEMS, "percentiles_off"), example_query="from=-2h&resolution=1m",
        express=True,
    ),
)  # fmt: skip
