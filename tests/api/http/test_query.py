"""`GET /v1/query`: selection, grouping, expressions, formats, limits, and bad questions."""

from csv import DictReader
from io import StringIO
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from api.http.bounded import AT_ONCE, for_each
from api.http.selected import letters
from engine.ports import Refused, StoreError
from engine.stats import Kind
from tests.api.http.asking import HOUR_MS, Asking, asking
from tests.api.http.harness import NOW_MS, NOW_S, Answer

DAY_MS = 24 * HOUR_MS
HOURS: dict[str, Any] = {"from_": NOW_S - 7200, "to": NOW_S, "resolution": "1h"}


async def shop(ask: Asking) -> None:
    """Three stats with points in each of two hours; the second hour is twice the first."""
    for name, amount in (("web.orders", 3), ("web.views", 60)):
        await ask.count(name, [(-90 * 60_000, amount), (-30 * 60_000, 2 * amount)])
    await ask.measure("latency", [(-90 * 60_000, 0.5), (-30 * 60_000, 1.5)])


def values(answer: Answer) -> dict[str, list[float | None]]:
    """The drawn values by the names of the series."""
    assert answer.status == 200, answer.body
    return {one["name"]: [p["value"] for p in one["points"]] for one in answer.json["series"]}


async def test_several_stats_by_id_name_and_pattern(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        found = await ask.query(stat=[ask.id("latency"), "web.orders"], match="web.*", **HOURS)
        assert values(found) == {
            "latency": [0.5, 1.5],
            "web.orders": [3, 6],
            "web.views": [60, 120],
        }
        first = found.json["series"][0]
        assert first["stat"]["id"] == ask.id("latency")
        assert first["summary"]["count"] == 2
        assert found.json["agg"] == ["count", "min", "max"]
        assert found.json["resolution"] == "1h"


async def test_stats_may_stand_in_one_parameter(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        await ask.count("web.orders,web.views", [(-1000, 1)])
        found = await ask.query(stat=f"{ask.id('latency')}, web.orders", expr="a+b", **HOURS)
        assert values(found) == {"a+b": [3.5, 7.5]}
        found = await ask.query(stat="web.orders,web.views", **HOURS)
        assert list(values(found)) == ["web.orders,web.views"]


async def test_the_value_is_the_aggregate_that_was_asked_for(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        found = await ask.query(stat="web.orders", agg="max,count", **HOURS)
        assert values(found) == {"web.orders": [3, 6]}
        assert found.json["series"][0]["points"][0] == {
            "t": NOW_S - 7200, "value": 3, "count": 1, "max": 3,
        }  # fmt: skip
        assert found.json["agg"] == ["max", "count"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"group": "sum"}, {"sum": [63, 126]}),
        ({"group": "avg"}, {"avg": [31.5, 63]}),
        ({"group": "max"}, {"max": [60, 120]}),
        ({"group": "topk:1"}, {"web.views": [60, 120]}),
        ({"group": "sum", "agg": "count"}, {"sum": [2, 2]}),
        ({"expr": "sum(a)"}, {"sum(a)": [63, 126]}),
        ({"expr": "a * 2"}, {"web.orders": [6, 12], "web.views": [120, 240]}),
        ({"expr": "percent_of(a)"}, {"web.orders": [pytest.approx(100 / 21)] * 2,
                                     "web.views": [pytest.approx(2000 / 21)] * 2}),
        ({"expr": "a / 0", "group": "sum"}, {"a / 0": [None, None]}),
        ({"expr": "moving(a, 2h)"}, {"web.orders": [1.5, 4.5], "web.views": [30, 90]}),
    ],
)  # fmt: skip
async def test_what_group_and_expression_make_of_a_pattern(
    question: dict[str, Any], expected: dict[str, Any], autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await shop(ask)
        await ask.count("web.views", [(-5 * HOUR_MS, 0)])
        await ask.count("web.orders", [(-5 * HOUR_MS, 0)])
        assert values(await ask.query(match="web.*", **question, **HOURS)) == expected


async def test_a_ratio_of_two_stats(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        found = await ask.query(stat=["web.orders", "web.views"], expr="a/b*100", **HOURS)
        assert values(found) == {"a/b*100": [5, 5]}
        assert "stat" not in found.json["series"][0]
        assert "summary" not in found.json["series"][0]


async def test_a_shift_reads_the_earlier_range(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-30 * 60_000, 8), (-30 * 60_000 - 7 * DAY_MS, 4)])
        found = await ask.query(stat="a", expr="a / shift(a, 1w)", **HOURS)
        assert values(found) == {"a / shift(a, 1w)": [None, 2]}
        assert (await ask.query(stat="a", expr="shift(a, 1w)", **HOURS)).json["series"][0][
            "name"
        ] == "a"


async def test_all_series_have_the_same_edges(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("old", [(-30 * DAY_MS, 1)])
        await ask.count("new", [(-1000, 1)])
        found = (await ask.query(match="*", from_="-40d", format="columns")).json
        times = [one["columns"]["t"] for one in found["series"]]
        assert times[0] == times[1]
        assert [sum(v or 0 for v in one["columns"]["value"]) for one in found["series"]] == [1, 1]


async def test_dropped_gaps_do_not_disturb_the_arithmetic(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.count("a", [(-30 * 60_000, 8)])
        await ask.count("b", [(-90 * 60_000, 2), (-30 * 60_000, 4)])
        found = await ask.query(stat=["a", "b"], expr="a/b", fill="none", **HOURS)
        assert found.json["series"][0]["points"] == [{"t": NOW_S - 3600, "value": 2}]


async def test_every_format_says_the_same(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        await ask.count("=risky", [(-30 * 60_000, 1)])
        question = {"match": "*", **HOURS}
        series = (await ask.query(**question)).json["series"]
        packed = await ask.query(format="msgpack", **question)
        assert msgspec.msgpack.decode(packed.body)["series"] == series
        lines = [
            msgspec.json.decode(line)
            for line in (await ask.query(format="ndjson", **question)).body.splitlines()
        ]
        assert lines == [
            {"name": one["name"], "stat": one["stat"]["id"], **point}
            for one in series
            for point in one["points"]
        ]
        table = await ask.query(format="csv", **question)
        assert "query_2026" in table.headers["content-disposition"]
        rows = list(DictReader(StringIO(table.body.decode(), newline="")))
        assert [(row["stat"].removeprefix("'"), row["value"]) for row in rows] == [
            (one["name"], "" if point["value"] is None else f"{point['value']:g}")
            for one in series
            for point in one["points"]
        ]
        assert rows[0]["stat"] == "'=risky"


async def test_a_pattern_that_nothing_fits_gives_no_series(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        found = await ask.query(match="nothing.*", **HOURS)
        assert values(found) == {}
        assert found.json["complete_until"] == NOW_S
        assert (await ask.query(match="nothing.*", format="csv", **HOURS)).body == (
            b"stat,time,timestamp,value\r\n"
        )
        assert values(await ask.query(match="nothing.*", expr="sum(a)", **HOURS)) == {
            "sum(a)": [None, None]
        }


async def test_a_narrow_key_sees_its_stats_only(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        await ask.server.new_key("narrow", ["read"], prefix="web.")
        assert list(values(await ask.query(match="*", key="narrow", **HOURS))) == [
            "web.orders",
            "web.views",
        ]
        assert (await ask.query(stat="latency", key="narrow")).code == "not_found"
        assert values(await ask.query(match="*", key="other", **HOURS)) == {}


async def test_a_hundred_stats_are_answered_and_more_are_refused(
    autojump_clock: MockClock,
) -> None:
    async with asking() as ask:
        names = {f"n{i:03}": Kind.COUNTER for i in range(101)}
        await ask.server.context.directory.register(1, names)
        for name in names:
            await ask.count(name, [(-1000, 1)])
        found = await ask.query(match="n0*", **HOURS)
        assert len(found.json["series"]) == 100
        too_many = await ask.query(match="n*", **HOURS)
        assert (too_many.status, too_many.code) == (422, "too_many_stats")
        everyone = ",".join(names)
        assert (await ask.query(stat=everyone)).code == "too_many_stats"
        long = await ask.query(match="n0*", from_="-3d", resolution="1m")
        assert (long.status, long.code) == (422, "too_many_points")
        assert "at most 2,000" in long.json["detail"]
        assert len((await ask.query(match="n0*", points=11_000)).json["series"][0]["points"]) < 2000


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({}, "field_required", "stat"),
        ({"match": ""}, "parameter_invalid", "match"),
        ({"match": "x" * 256}, "parameter_invalid", "match"),
        ({"match": "*", "group": "median"}, "parameter_invalid", "group"),
        ({"match": "*", "expr": "a +"}, "expression_invalid", "expr"),
        ({"match": "*", "expr": "b"}, "expression_invalid", "expr"),
        ({"match": "*", "expr": "shift(a, 200y)"}, "expression_invalid", "expr"),
        ({"match": ["*", "web*"], "expr": "a*b"}, "expression_invalid", "expr"),
        ({"match": "*", "expr": "moving(a, 2d)", "resolution": "10s", "from_": "-1h"},
         "expression_invalid", "expr"),
        ({"match": "*", "expr": "a", "agg": "sum,count"}, "parameter_invalid", "agg"),
        ({"match": "*", "from_": "now", "to": "now"}, "range_invalid", "from"),
        ({"match": "*", "format": "xml"}, "format", "format"),
        ({"match": "*", "stats": "a"}, "unknown_parameter", "stats"),
    ],
)  # fmt: skip
async def test_a_bad_question_names_its_parameter(
    query: dict[str, Any], code: str, field: str, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await shop(ask)
        found = await ask.query(**query)
        assert (found.status, found.code) == (422, code)
        assert found.json["errors"][0]["field"] == field


@pytest.mark.parametrize("stat", ["nobody", "st_zzz", "'; FLUSHALL", ""])
async def test_a_stat_that_is_not_there_is_not_found(stat: str, autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await shop(ask)
        found = await ask.query(stat=["web.orders", stat])
        assert (found.status, found.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("index", "name"), [(0, "a"), (25, "z"), (26, "aa"), (51, "az"), (52, "ba"), (99, "cv")]
)
def test_names_go_on_after_z(index: int, name: str) -> None:
    assert letters(index) == name


async def test_only_so_many_wait_for_the_store_at_once(autojump_clock: MockClock) -> None:
    waiting, most = 0, 0

    async def ask(number: int) -> int:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await trio.sleep(1 + number % 3)
        waiting -= 1
        return number * number

    assert await for_each(range(50), ask) == [number * number for number in range(50)]
    assert most == AT_ONCE


async def test_the_first_failure_ends_the_others(autojump_clock: MockClock) -> None:
    asked = []

    async def ask(number: int) -> None:
        asked.append(number)
        await trio.sleep(number + 1)
        raise Refused("loading", f"number {number}")

    with pytest.raises(StoreError, match="number 0"):
        await for_each(range(50), ask)
    assert asked == list(range(AT_ONCE))


async def test_nothing_to_ask_is_nothing_answered() -> None:
    async def ask(number: int) -> int:
        raise AssertionError(f"nobody asks for {number}")

    assert await for_each([], ask) == []


async def test_a_window_at_the_edge_of_what_is_kept_uses_what_there_is(
    autojump_clock: MockClock,
) -> None:
    async with asking() as ask:
        await ask.count("a", [(-at * 10_000, 1) for at in range(1, 2200)])
        found = await ask.query(
            stat="a", expr="moving(a, 30m)", from_=NOW_MS - 6 * HOUR_MS, resolution="10s"
        )
        points = found.json["series"][0]["points"]
        assert found.json["resolution"] == "10s"
        assert points[500]["value"] == 1
