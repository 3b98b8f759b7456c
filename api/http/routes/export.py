"""A stat as a file, of any length: `GET /v1/stats/{id}/export`.

Law: however long the history, one block of buckets is in memory at a time. The first block is read
before the reply begins, so that what cannot be answered is a problem; if a later one fails the
connection breaks, and the client sees that the file is not whole.
"""

import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Final, Self

from msgspec import Meta

from api.http.accepting import takes
from api.http.asked import (
    READ_PROBLEMS,
    Asked,
    AskedParams,
    check_percentiles,
    percentiles_of,
    refused,
    understand,
)
from api.http.context import Context
from api.http.messages import Header, Reply, StreamReply, all_headers
from api.http.readings import Buckets, first_points, read_buckets, wider_tier
from api.http.route import Call, Nothing, Route
from api.http.wanted import stat_of
from api.http.written import MEDIA, attachment, download_name, lines
from api.query.aggregates import FillMode, parse_aggregates
from api.query.csvout import csv_header, csv_rows
from api.query.resolution import Plan, clock_resolution, make_plan
from api.query.series import Series
from engine.points import AHEAD_LIMIT_MS
from engine.stats import Kind, Stat
from engine.tiers import S1, S10, Tier

BLOCK_BUCKETS: Final = 2_000
"""Buckets of an export that are in memory at a time."""

FORMATS: Final = ("csv", "ndjson")

EXPORTED: Final = "count,sum,min,max"
"""What is exported, besides `value`, when nobody says what."""

COMPRESSION: Final = 4
"""Level of gzip; a block takes about 2 ms."""


class ExportParams(AskedParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The question; without a range the whole history, as finely as is kept of all of it."""

    format: Annotated[
        str | None, Meta(description="The kind of file.", extra_json_schema={"enum": list(FORMATS)})
    ] = None


class BrokenOff(Exception):
    """While a file was sent, the store dropped what was still to be read."""


@dataclass(frozen=True, slots=True)
class Export:
    """What to write, planned; `first_ms` is when the stat had its first point."""

    stat: Stat
    asked: Asked
    aggregates: tuple[str, ...]
    plan: Plan
    first_ms: int | None

    async def read(self, context: Context, block: int) -> Buckets:
        """The buckets of a block."""
        edges = self.plan.edges[block * BLOCK_BUCKETS : (block + 1) * BLOCK_BUCKETS + 1]
        return await read_buckets(context, self.stat, self.plan, edges, self.first_ms)

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-(len(self.plan.edges) - 1) // BLOCK_BUCKETS)


async def export(call: Call[ExportParams, Nothing]) -> Reply:
    """All buckets of a stat as a file, streamed."""
    stat = stat_of(call.context, call.caller, call.ids["id"])
    asked = _understood(call)
    aggregates = parse_aggregates(call.params.agg or [EXPORTED], stat.kind is Kind.COUNTER)
    check_percentiles(stat, aggregates)
    firsts = await first_points(call.context, [stat], asked.range.from_ms, asked.now_ms)
    asked = _within_history(asked, firsts[stat.id])
    job, first = await _settled(call.context, stat, asked, aggregates, firsts[stat.id])
    name = download_name(stat.name, asked, job.plan.resolution.name, asked.format)
    headers: list[Header] = [(b"vary", b"accept, accept-encoding"), attachment(name)]
    packed = takes(call.request, "gzip")
    if packed:
        headers.append((b"content-encoding", b"gzip"))
    media = MEDIA[asked.format]
    opened = partial(_opened, call.context, job, first, packed)
    return StreamReply(200, all_headers(call.request.id, media, headers), opened)


def _understood(call: Call[ExportParams, Nothing]) -> Asked:
    """The question; who says neither how finely nor how many gets the finest that is stored."""
    params = call.params
    asked = understand(call.context, call.caller, call.request, params, FORMATS, ("0", "now"))
    if params.fill is None:
        asked = replace(asked, fill=replace(asked.fill, mode=FillMode.NONE))
    if asked.fill.mode in (FillMode.PREVIOUS, FillMode.LINEAR):
        raise refused("fill", "fill: one of none, auto, null, zero or a number in an export.")
    if asked.requested is None and params.points is None:
        asked = replace(asked, requested=clock_resolution(S10.width_s))
    return asked


def _within_history(asked: Asked, first_ms: int | None) -> Asked:
    """The question, without the time before there was anything and that which nobody can fill."""
    start = max(asked.range.from_ms, first_ms or 0)
    end = min(asked.range.to_ms, asked.now_ms + AHEAD_LIMIT_MS)
    return replace(asked, range=replace(asked.range, from_ms=start, to_ms=max(end, start + 1)))


async def _settled(
    context: Context,
    stat: Stat,
    asked: Asked,
    aggregates: tuple[str, ...],
    first_ms: int | None,
) -> tuple[Export, Buckets]:
    """The plan that the store can keep to, and the first block, which is the oldest."""
    finest: Tier | None = S1
    while True:
        assert finest is not None
        plan = make_plan(
            asked.range,
            asked.requested,
            asked.zone,
            asked.now_ms,
            points=asked.points,
            percentiles=bool(percentiles_of(aggregates)),
            finest=finest,
            since_s=(first_ms or 0) // 1000,
            limit=None,
        )
        job = Export(stat, asked, aggregates, plan, first_ms)
        first = await job.read(context, 0)
        finest = wider_tier(plan, [first])
        if finest is None and context.node.has_imports(stat.partition, stat.id):
            # Imports may be wider in a later block than in the first.
            whole = await read_buckets(context, stat, plan, plan.edges, first_ms)
            finest = wider_tier(plan, [whole])
        if finest is None:
            return job, first


@asynccontextmanager
async def _opened(
    context: Context, job: Export, first: Buckets, packed: bool
) -> AsyncGenerator[AsyncIterator[bytes]]:
    yield _File(context, job, first, packed)


class _File:
    """The bytes of an export, block by block."""

    def __init__(self, context: Context, job: Export, first: Buckets, packed: bool) -> None:
        self._context = context
        self._job = job
        self._first: Buckets | None = first
        self._block = 0
        self._packer = zlib.compressobj(COMPRESSION, zlib.DEFLATED, 31) if packed else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while self._block < self._job.blocks:
            part = await self._next_block()
            if self._packer is not None:
                part = self._packer.compress(part)
            if part:
                return part
        packer, self._packer = self._packer, None
        if packer is None:
            raise StopAsyncIteration
        return packer.flush()

    async def _next_block(self) -> bytes:
        job, buckets = self._job, self._first
        if buckets is None:
            buckets = await job.read(self._context, self._block)
            if wider_tier(job.plan, [buckets]) is not None:
                raise BrokenOff(f"{job.plan.tier.name} is no longer kept")
        series = buckets.series(job.asked, job.aggregates)
        head = _head(series, job.asked) if self._block == 0 else b""
        self._first = None
        self._block += 1
        return head + _rows(series, job.asked)


def _head(series: Series, asked: Asked) -> bytes:
    return csv_header(list(series.columns)) if asked.format == "csv" else b""


def _rows(series: Series, asked: Asked) -> bytes:
    return csv_rows(series, asked.zone) if asked.format == "csv" else lines(series, asked)


ROUTES: Final = (
    Route(
        "GET", "/v1/stats/{id}/export", "A stat as a file", "read",
        {200: ("text/csv", "application/x-ndjson")}, ExportParams, Nothing, export,
        problems=(*READ_PROBLEMS, "percentiles_off"), example_query="format=csv",
    ),
)  # fmt: skip
