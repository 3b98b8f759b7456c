"""`query`: the question of the command line, and the table of its answer."""

import argparse

import msgspec
import pytest
from trio.testing import MockClock

from api.cli.client import open_client
from api.cli.errors import UsageError
from api.cli.main import parsed
from api.cli.query import Answer, params_of, show, wanted_columns
from tests.api.cli.transport import app_target, app_transport
from tests.api.http.harness import NOW_S, serving


def options(*words: str) -> argparse.Namespace:
    return parsed(["query", *words])


def test_names_and_patterns_are_told_apart() -> None:
    params = params_of(options("a", "b.*", "c?", "--last", "7d", "--agg", "sum,max"))
    assert params == {
        "stat": ["a"], "match": ["b.*", "c?"], "last": "7d", "agg": "sum,max", "tz": "UTC",
        "format": "json", "time": "iso",
    }  # fmt: skip


def test_programs_get_what_the_api_says() -> None:
    assert params_of(options("a", "--json"))["time"] == "s"
    assert params_of(options("a", "--csv"))["format"] == "csv"


def test_letters_of_an_expression_stay_in_order() -> None:
    assert params_of(options("a", "b", "--expr", "a/b"))["expr"] == "a/b"
    with pytest.raises(UsageError, match="either names or patterns"):
        params_of(options("b.*", "a", "--expr", "a/b"))


@pytest.mark.parametrize(
    ("agg", "columns"),
    [(None, []), ("sum", []), ("p50,p99", ["p50", "p99"]), ("a, ,b", ["a", "b"])],
)
def test_several_aggregates_are_several_columns(agg: str | None, columns: list[str]) -> None:
    assert wanted_columns(agg) == columns


async def test_the_table_shows_times_values_and_sums(
    autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        await client.send([{"stat": "a", "value": n, "t": NOW_S - 60 * n} for n in (1, 2, 3)])
        question = params_of(options("a", "--last", "5m", "--resolution", "1m"))
        body = await client.get("/v1/query", question)
    show(msgspec.json.decode(body, type=Answer), [])
    shown = capsys.readouterr().out
    assert "a, 1m" in shown
    assert "count 3  sum 6  avg 2  min 1  max 3" in shown
    rows = [line.split() for line in shown.splitlines() if "T" in line]
    assert [row[-1] for row in rows if row[-1] in "123"] == ["3", "2", "1"]
    assert "█▆▃" in shown


def test_gaps_and_open_buckets_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    points = [
        {"t": "2026-11-22T00:00:00Z", "value": None},
        {"t": "2026-11-22T00:01:00Z", "value": 5, "partial": True},
    ]
    body = {
        "resolution": "1m", "complete_from": 5,
        "series": [{"name": "x", "points": points, "stat": {"unit": "ms"}, "summary": {}}],
    }  # fmt: skip
    show(msgspec.convert(body, Answer), [])
    shown = capsys.readouterr().out
    assert "x [ms], 1m" in shown
    rows = [line.split() for line in shown.splitlines() if "Z " in line]
    assert [row[1:] for row in rows] == [["–"], ["…", "5"]]
    assert "no longer kept" in shown
