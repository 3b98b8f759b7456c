"""`GET /v1/stats/{id}/export`: whole history, streamed, readable again, and broken off loudly."""

import gzip
from io import StringIO
from typing import Any

import msgspec
import pytest
from trio.testing import MockClock

from api.http.accepting import takes
from api.http.app import respond
from api.http.context import Context
from api.http.messages import RawRequest, StreamBody, StreamReply
from api.http.routes import export as module
from api.query.csvout import CsvRow, read_csv
from engine.ports import Unavailable
from engine.stats import Kind
from tests.api.http.asking import HOUR_MS, Asking, asking, breaking, request
from tests.api.http.harness import NOW_MS, NOW_S, Answer

DAY_MS = 24 * HOUR_MS


def rows(answer: Answer) -> list[CsvRow]:
    """The rows of a CSV file."""
    assert answer.status == 200, answer.body
    return list(read_csv(StringIO(answer.body.decode(), newline="")))


async def test_a_short_history_is_exported_as_finely_as_it_is_stored(
    autojump_clock: MockClock,
) -> None:
    async with asking() as ask:
        await ask.count("page.views", [(-at * 30_000 - 1, at) for at in range(100)])
        found = await ask.export("page.views")
        assert found.headers["content-type"].startswith("text/csv")
        assert found.headers["content-disposition"] == (
            'attachment; filename="page.views_20261121_20261121_10s.csv"'
        )
        header = found.body.split(b"\r\n", 1)[0]
        assert header == b"time,timestamp,value,count,sum,min,max"
        assert [row.values["sum"] for row in rows(found)] == list(range(99, -1, -1))


@pytest.mark.parametrize(
    ("age_ms", "resolution", "width_s"),
    [
        (HOUR_MS, "10s", 10),
        (8 * HOUR_MS, "1m", 60),
        (10 * DAY_MS, "15m", 900),
        (100 * DAY_MS, "1h", 3600),
        (700 * DAY_MS, "1d", 86_400),
    ],
)
async def test_the_whole_history_at_the_finest_tier_that_covers_it(
    age_ms: int, resolution: str, width_s: int, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-age_ms, 1), (-age_ms // 2, 2), (-1, 4)])
        found = await ask.export("a")
        assert f"_{resolution}.csv" in found.headers["content-disposition"]
        got = rows(found)
        assert [row.values["sum"] for row in got] == [1, 2, 4]
        assert all(row.start % width_s == 0 for row in got)


async def test_a_file_longer_than_a_block_has_every_bucket_once(
    autojump_clock: MockClock,
) -> None:
    async with asking() as ask:
        await ask.measure("load", [(-at * 60_000 - 1, at / 7) for at in range(7000)])
        found = rows(await ask.export("load", resolution="1m"))
        assert len(found) == 7000 > 3 * module.BLOCK_BUCKETS
        assert [row.values["value"] for row in found] == [at / 7 for at in range(6999, -1, -1)]
        assert [row.start for row in found] == sorted({row.start for row in found})


async def test_what_was_exported_is_what_the_data_says(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.measure("load", [(-at * 60_000 - 1, at / 7) for at in range(300)])
        question: dict[str, Any] = {"from_": NOW_MS - 3 * HOUR_MS, "to": NOW_S, "resolution": "15m"}
        points = (await ask.data("load", agg="avg,count,p95", **question)).json["points"]
        found = rows(await ask.export("load", agg="avg,count,p95", **question))
        assert [(row.start, row.values) for row in found] == [
            (p["t"], {"value": p["value"], "avg": p["avg"], "count": p["count"], "p95": p["p95"]})
            for p in points
        ]


async def test_lines_of_json_can_be_had_instead(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 4)])
        found = await ask.export("a", format="ndjson")
        assert found.headers["content-type"] == "application/x-ndjson"
        assert msgspec.json.decode(found.body) == {
            "t": NOW_S - 10, "value": 4, "sum": 4, "count": 1, "min": 4, "max": 4,
        }  # fmt: skip


async def test_gaps_are_left_out_unless_asked_for(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-3 * HOUR_MS, 1), (-HOUR_MS, 2)])
        span: dict[str, Any] = {"to": NOW_S, "resolution": "1h"}
        assert [row.values["value"] for row in rows(await ask.export("a", **span))] == [1, 2]
        found = rows(await ask.export("a", fill="auto", **span))
        assert [row.values["value"] for row in found] == [1, 0, 2]


async def test_a_file_without_points_has_its_header(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.server.context.directory.register(1, {"a": Kind.COUNTER})
        assert (await ask.export("a")).body.count(b"\r\n") == 1
        assert rows(await ask.export("a", from_="now+1d", to="now+2d", resolution="1s")) == []


async def test_the_file_is_packed_for_those_who_can_unpack_it(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * 60_000, at) for at in range(1, 5000)])
        plain = await ask.export("a", resolution="1m")
        path = f"/v1/stats/{ask.id('a')}/export?resolution=1m"
        packed = await ask.server.send("GET", path, headers={"accept-encoding": "br, gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 3


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (b"gzip", True), (b"GZIP;q=0.5, br", True), (b"*", True), (b"x-gzip", True),
        (b"gzip;q=0", False), (b"gzip;q=0.00", False), (b"br", False), (b"", False),
    ],
)  # fmt: skip
def test_who_can_unpack(value: bytes, taken: bool) -> None:
    request = RawRequest("GET", "/", b"", ((b"accept-encoding", value),), b"", "id")
    assert takes(request, "gzip") is taken


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"format": "xml"}, "format", "format"),
        ({"format": "columns"}, "format", "format"),
        ({"fill": "linear"}, "parameter_invalid", "fill"),
        ({"fill": "previous"}, "parameter_invalid", "fill"),
        ({"resolution": "7s"}, "resolution_invalid", "resolution"),
        ({"from_": "now", "to": "-1h"}, "range_invalid", "from"),
        ({"agg": "median"}, "parameter_invalid", "agg"),
        ({"compare": "1w"}, "unknown_parameter", "compare"),
    ],
)
async def test_a_bad_question_names_its_parameter(
    query: dict[str, Any], code: str, field: str, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 1)])
        found = await ask.export("a", **query)
        assert (found.status, found.code) == (422, code)
        assert found.json["errors"][0]["field"] == field


async def test_a_formula_for_a_name_is_but_a_file_name(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        name = '=HYPERLINK("http://x")'
        await ask.count(name, [(-1, 1)])
        found = await ask.export(name)
        assert '"HYPERLINK_http_x_' in found.headers["content-disposition"]


async def test_points_ask_for_a_rough_file(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * 60_000, 1) for at in range(1, 300)])
        assert "_1h.csv" in (await ask.export("a", points=5)).headers["content-disposition"]


async def export_body(ask: Asking, name: str, context: Context | None = None) -> StreamBody:
    """The body of an export, opened by hand."""
    raw = request(ask, f"/v1/stats/{ask.id(name)}/export", b"resolution=1m")
    route, ids = module.ROUTES[0], {"id": ask.id(name)}
    reply = await respond(context or ask.server.context, route, raw, ids)
    assert isinstance(reply, StreamReply)
    return reply.open()


async def test_a_file_is_read_while_it_is_sent(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * 60_000, 1) for at in range(1, 9000)])
        async with await export_body(ask, "a") as parts:
            first = await anext(parts)
            assert first.count(b"\r\n") == module.BLOCK_BUCKETS + 1
            rest = [part async for part in parts]
        assert sum(part.count(b"\r\n") for part in (first, *rest)) == 9000


async def test_a_file_breaks_off_when_the_rest_is_no_longer_kept(
    autojump_clock: MockClock,
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * 60_000, 1) for at in range(1, 9000)])
        async with await export_body(ask, "a") as parts:
            await anext(parts)
            await ask.count("a", [(10 * DAY_MS, 1)])
            autojump_clock.jump(10 * 86_400)
            with pytest.raises(module.BrokenOff, match="1m is no longer kept"):
                async for _ in parts:
                    pass


async def test_a_file_breaks_off_when_the_store_does_not_answer(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * 60_000, 1) for at in range(1, 9000)])
        async with await export_body(ask, "a", breaking(ask, 2)) as parts:
            await anext(parts)
            with pytest.raises(Unavailable):
                await anext(parts)
