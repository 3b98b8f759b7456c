"""`GET /v1/stats/{id}/data`: shapes, zooms, zones, comparisons, formats, and bad questions."""

from csv import DictReader
from io import StringIO
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from api.http.app import AnyRoute, respond
from api.http.messages import RawReply
from api.http.problems import TABLE
from api.http.routes import data, export, query
from api.query.errors import Code
from engine.stats import Kind
from tests.api.http.asking import HOUR_MS, asking, breaking, request
from tests.api.http.harness import NOW_MS, NOW_S, node_of

DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000


async def test_the_shape_that_clients_rely_on(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("page.views", [(-HOUR_MS, 800), (-HOUR_MS + 1, 12), (-1000, 640)])
        found = (await ask.data("page.views", from_="-2h", resolution="1h",
                                agg="sum,count,min,max")).json  # fmt: skip
        assert found["stat"] == {
            "id": ask.id("page.views"), "name": "page.views", "type": "counter", "unit": None,
        }  # fmt: skip
        hour = 3600  # and now is the full hour, so that the last one is just open
        assert [(point["t"] - NOW_S) / hour for point in found["points"]] == [-2, -1, 0]
        assert [point["value"] for point in found["points"]] == [None, 1452, 0]
        assert found["summary"]["sum"] == 1452
        assert (found["resolution"], found["step"]) == ("1h", 3600)
        assert found["requested_resolution"] == "1h"
        assert found["agg"] == ["sum", "count", "min", "max"]
        assert found["complete_until"] == NOW_S
        assert found["points"][-1]["partial"] is True
        assert all("partial" not in point for point in found["points"][:-1])
        assert set(found["points"][0]) == {"t", "value", "sum", "count", "min", "max"}
        assert found["cursor"].startswith("p")
        assert not found["approximate"]
        assert found["complete_from"] is None


async def test_a_point_is_in_the_data_right_after_its_202(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        for amount in range(1, 4):
            sent = await ask.server.send("POST", "/v1/ingest", json={"stat": "a", "value": 1,
                                                                   "type": "counter"})  # fmt: skip
            assert sent.status == 202
            found = (await ask.get(f"/v1/stats/{sent.json['stat_id']}/data", from_="-5m")).json
            assert found["summary"]["sum"] == amount
            assert sum(point["value"] or 0 for point in found["points"]) == amount


async def test_totals_agree_at_every_zoom(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        points = [(-at * 7_000 - 1, at % 13 - 2.5) for at in range(20_000)]
        await ask.measure("load", points)
        begin, end = NOW_MS - 2 * DAY_MS, NOW_MS
        begin, end = begin - begin % DAY_MS, end - end % DAY_MS
        expected = [(at, value) for at, value in points if begin <= NOW_MS + at < end]
        for resolution in ("1m", "15m", "1h", "1d", "auto"):
            found = (await ask.data("load", from_=begin, to=end, resolution=resolution,
                                    agg="sum,count")).json  # fmt: skip
            assert found["summary"]["count"] == len(expected), resolution
            assert found["summary"]["sum"] == sum(value for _, value in expected)
            assert sum(point["count"] or 0 for point in found["points"]) == len(expected)


async def test_the_value_of_a_value_stat_is_the_average(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.measure("latency", [(-1000 * at - 1, at) for at in range(1, 101)])
        found = (await ask.data("latency", from_="-10m", resolution="1h",
                                agg="avg,p50,p99.9,stddev,rate,first,last")).json  # fmt: skip
        point = next(point for point in found["points"] if point["value"] is not None)
        assert point["value"] == point["avg"]
        assert point["avg"] == pytest.approx(50.5)
        assert point["p50"] == pytest.approx(50, rel=0.011)
        assert point["p99.9"] == pytest.approx(100, rel=0.011)
        assert (point["first"], point["last"]) == (100, 1)
        assert point["stddev"] == pytest.approx(28.86607)
        assert found["summary"]["p50"] == point["p50"]


async def test_gaps_of_a_counter_are_zero_since_its_first_point(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-3 * HOUR_MS, 5)])
        found = (
            await ask.data("a", from_=NOW_MS - 5 * HOUR_MS, to=NOW_MS - 1, resolution="1h")
        ).json
        values = [point["value"] for point in found["points"]]
        assert values == [None, None, 5, 0, 0]
        found = (await ask.data("a", from_=NOW_MS - HOUR_MS, to=NOW_MS, resolution="1h")).json
        assert found["points"][0]["value"] == 0
        found = (await ask.data("a", from_="-5h", resolution="1h", fill="none")).json
        assert [point["value"] for point in found["points"]] == [5]
        found = (await ask.data("a", from_="-5h", resolution="1h", fill="previous")).json
        assert [point["value"] for point in found["points"]][-2:] == [5, 5]


async def test_a_stat_that_never_had_a_point_has_no_values(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.server.context.directory.register(1, {"a": Kind.COUNTER})
        found = (await ask.data("a", resolution="1h")).json
        assert {point["value"] for point in found["points"]} == {None}
        assert found["summary"]["count"] == 0
        assert found["summary"]["max"] is None


async def test_days_are_those_of_the_zone(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        midnight = NOW_MS - NOW_MS % DAY_MS  # in UTC; 05:30 in Kolkata
        await ask.count("a", [(midnight - NOW_MS - 5 * HOUR_MS, 1), (midnight - NOW_MS + 1, 10)])
        span = {"from_": midnight - DAY_MS, "to": midnight + HOUR_MS, "resolution": "1d"}
        utc = (await ask.data("a", **span)).json
        assert [point["value"] for point in utc["points"]] == [1, 10]
        kolkata = (await ask.data("a", tz="Asia/Kolkata", **span)).json
        assert [point["value"] for point in kolkata["points"]][-1] == 11
        assert kolkata["tz"] == "Asia/Kolkata"
        assert kolkata["from"].endswith("+05:30")
        assert not kolkata["approximate"]


async def test_what_is_asked_too_finely_is_answered_as_finely_as_is_kept(
    autojump_clock: MockClock,
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-8 * HOUR_MS, 2), (-30 * DAY_MS, 3)])
        found = (await ask.data("a", from_="-9h", resolution="10s", points=5)).json
        assert (found["resolution"], found["requested_resolution"]) == ("1m", "10s")
        assert found["summary"]["sum"] == 2
        percentiles = (await ask.data("a", from_="-1h", resolution="10s", agg="p95")).json
        assert percentiles["resolution"] == "1m"


async def test_auto_uses_seconds_only_while_they_are_all_there(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-290_000, 1)])
        new = (await ask.data("a", from_="-5m")).json
        assert (new["resolution"], new["complete_from"]) == ("1s", None)
        for partition in node_of(ask.server)._partitions:  # As after a restart.
            partition.seconds.complete_from_s = NOW_S
        young = (await ask.data("a", from_="-5m")).json
        assert (young["resolution"], young["complete_from"]) == ("10s", None)
        seconds = (await ask.data("a", from_="-5m", resolution="1s")).json
        assert (seconds["resolution"], seconds["complete_from"]) == ("1s", NOW_S)
        await trio.sleep(310)
        await ask.count("a", [(309_000, 1)])
        found = (await ask.data("a", from_="-5m")).json
        assert (found["resolution"], found["summary"]["sum"]) == ("1s", 1)
        assert found["complete_from"] is None


async def test_all_of_a_short_history_is_not_one_bucket(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * MINUTE_MS, 1) for at in range(120)])
        found = (await ask.data("a", from_="0")).json
        assert (found["resolution"], found["summary"]["sum"]) == ("20s", 120)
        assert found["points"][0]["value"] == 1
        assert found["from"] == "1970-01-01T00:00:00+00:00"


async def test_a_week_ago_stands_beside_today(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-2 * HOUR_MS, 6), (-2 * HOUR_MS - 7 * DAY_MS, 4), (-1, 9)])
        question = {"from_": "-3h", "resolution": "1h", "compare": "1w"}
        found = (await ask.data("a", **question)).json
        earlier = found["compare"]
        assert earlier["shift"] == "1w"
        assert [point["t"] for point in earlier["points"]] == [
            point["t"] for point in found["points"]
        ]
        pairs = {
            (now["value"], then["value"])
            for now, then in zip(found["points"], earlier["points"], strict=True)
        }
        assert (6, 4) in pairs
        assert earlier["summary"]["sum"] == 4
        assert earlier["from"].startswith("2026-11-14T20:00:00")
        sparse = (await ask.data("a", fill="none", **question)).json
        at = sparse["points"][0]["t"]
        assert sparse["compare"]["points"] == [
            {"t": at, "value": 4, "sum": 4, "count": 1, "min": 4, "max": 4}
        ]
        columns = (await ask.data("a", format="columns", **question)).json
        assert columns["compare"]["columns"]["t"] == columns["columns"]["t"]


async def test_every_format_says_the_same(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("=a", [(-2 * HOUR_MS, 1.5), (-HOUR_MS, 7)])
        question: dict[str, Any] = {"from_": "-3h", "to": NOW_S - 1, "resolution": "1h"}
        points = (await ask.data("=a", **question)).json["points"]
        packed = await ask.data("=a", format="msgpack", **question)
        assert packed.headers["content-type"] == "application/msgpack"
        assert msgspec.msgpack.decode(packed.body)["points"] == points
        lines = await ask.data("=a", format="ndjson", **question)
        assert [msgspec.json.decode(line) for line in lines.body.splitlines()] == points
        columns = (await ask.data("=a", format="columns", **question)).json["columns"]
        assert columns["t"] == [point["t"] for point in points]
        assert columns["value"] == [point["value"] for point in points]
        table = await ask.data("=a", format="csv", **question)
        assert table.headers["content-type"].startswith("text/csv")
        assert table.headers["content-disposition"].startswith('attachment; filename="a_2026')
        rows = list(DictReader(StringIO(table.body.decode(), newline="")))
        assert [int(row["timestamp"]) for row in rows] == [point["t"] for point in points]
        assert [float(row["value"]) if row["value"] else None for row in rows] == [
            point["value"] for point in points
        ]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson;q=0.9, */*", "application/x-ndjson"),
        ("application/vnd.msgpack", "application/msgpack"),
        ("text/html, */*", "application/json"),
        ("", "application/json"),
    ],
)
async def test_the_accept_header_chooses_too(
    accept: str, media: str, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 1)])
        found = await ask.data("a", accept=accept)
        assert found.headers["content-type"].split(";")[0] == media
        assert found.headers["vary"] == "accept"


@pytest.mark.parametrize(
    ("form", "first"), [("s", NOW_S), ("ms", NOW_MS), ("iso", "2026-11-22T00:00:00+01:00")]
)
async def test_times_are_written_as_asked(
    form: str, first: object, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await ask.count("a", [(0, 1)])
        question = {"from_": NOW_S, "to": NOW_S + 10, "resolution": "10s", "tz": "Europe/Paris"}
        found = (await ask.data("a", time=form, **question)).json
        assert found["points"][0]["t"] == first
        columns = (await ask.data("a", time=form, format="columns", **question)).json["columns"]
        assert columns["t"] == [first]


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"from_": "now", "to": "now-1h"}, "range_invalid", "from"),
        ({"from_": "-1h", "to": "-1h"}, "range_invalid", "from"),
        ({"from_": "-1h", "last": "1h"}, "range_invalid", "last"),
        ({"resolution": "7s"}, "resolution_invalid", "resolution"),
        ({"from_": "-2y", "resolution": "1m"}, "too_many_points", "resolution"),
        ({"from_": "soon"}, "parameter_invalid", "from"),
        ({"to": "2026-02-30"}, "parameter_invalid", "to"),
        ({"tz": "Mars/Olympus"}, "parameter_invalid", "tz"),
        ({"tz": "../../etc/passwd"}, "parameter_invalid", "tz"),
        ({"agg": "median"}, "parameter_invalid", "agg"),
        ({"fill": "red"}, "parameter_invalid", "fill"),
        ({"points": "0"}, "parameter_invalid", "points"),
        ({"compare": "soon"}, "parameter_invalid", "compare"),
        ({"compare": "9999999y"}, "parameter_invalid", "compare"),
        ({"compare": "90s", "resolution": "1h"}, "parameter_invalid", "compare"),
        ({"compare": "1d", "format": "csv"}, "parameter_invalid", "compare"),
        ({"format": "xml"}, "format", "format"),
        ({"time": "julian"}, "parameter_invalid", "time"),
        ({"frm": "-1h"}, "unknown_parameter", "frm"),
        ({"from_": ["-1h", "-2h"]}, "parameter_invalid", "from"),
    ],
)
async def test_a_bad_question_names_its_parameter(
    asked: dict[str, Any], code: str, field: str, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 1)])
        found = await ask.data("a", **asked)
        assert (found.status, found.code) == (422, code)
        assert found.json["errors"][0]["field"] == field


async def test_too_many_points_names_what_is_allowed(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 1)])
        found = await ask.data("a", from_="-2y", resolution="1m")
        allowed = found.json["detail"].rstrip(".").split("the finest allowed is ")[1]
        assert allowed == "96m"
        assert (await ask.data("a", from_="-2y", resolution=allowed)).status == 200


@pytest.mark.parametrize(
    "public", ["'; FLUSHALL", "%00", "%2e%2e", "st_", "st_!", "st_999999", "*", "st_" + "z" * 300]
)
async def test_an_id_that_is_none_is_not_found(public: str, autojump_clock: MockClock) -> None:
    async with asking() as ask:
        for kind in ("data", "export"):
            found = await ask.get(f"/v1/stats/{public}/{kind}")
            assert (found.status, found.code) == (404, "not_found")


async def test_data_is_for_its_account_and_for_readers(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 1)])
        await ask.server.new_key("narrow", ["read"], prefix="b.")
        path = f"/v1/stats/{ask.id('a')}/data"
        assert (await ask.get(path, key="other")).code == "not_found"
        assert (await ask.get(path, key="narrow")).code == "not_found"
        assert (await ask.get(path, key="write")).code == "insufficient_scope"
        assert (await ask.server.send("GET", path, key=None)).code == "missing_key"


def test_every_code_of_a_question_is_a_problem() -> None:
    codes = set(Code.__args__) - {"csv_invalid"}  # type: ignore[attr-defined]
    assert codes <= set(TABLE)


async def test_the_cursor_is_that_of_the_partition(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-1, 1)])
        stat = ask.server.stat("a")
        found = (await ask.data("a")).json
        position = ask.server.context.node.cursor(stat.partition)
        assert found["cursor"] == f"p{stat.partition}:{position}"


@pytest.mark.parametrize(
    ("route", "path"),
    [
        (data.ROUTES[0], "/v1/stats/{id}/data"),
        (export.ROUTES[0], "/v1/stats/{id}/export"),
        (query.ROUTES[0], "/v1/query"),
    ],
)
async def test_a_store_that_does_not_answer_is_said_so(
    route: AnyRoute, path: str, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        for name in "abc":
            await ask.count(name, [(-1, 1)])
        asked = b"match=*" if "query" in path else b""
        for reads in (0, 1):
            raw = request(ask, path.replace("{id}", ask.id("a")), asked)
            reply = await respond(breaking(ask, reads), route, raw, {"id": ask.id("a")})
            assert isinstance(reply, RawReply)
            assert reply.status == 503
            assert msgspec.json.decode(reply.body)["code"] == "store_unavailable"
            assert (b"retry-after", b"1") in reply.headers
