"""`GET /v1/distribution`: counts by time and size, over several stats, and bad questions."""

from typing import Any

import pytest
from trio.testing import MockClock

from tests.api.http.asking import HOUR_MS, asking
from tests.api.http.harness import NOW_S

HOURS: dict[str, Any] = {"from_": NOW_S - 7_200, "to": NOW_S, "resolution": "1h"}
PATH = "/v1/distribution"


async def test_values_of_several_stats_are_counted_together(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.measure("web.a", [(-90 * 60_000, 100.0), (-30 * 60_000, 400.0)])
        await ask.measure("web.b", [(-90 * 60_000, 100.0), (-30 * 60_000, 0.0)])
        found = (await ask.get(PATH, match="web.*", **HOURS)).json
        assert [one["name"] for one in found["stats"]] == ["web.a", "web.b"]
        assert (found["step"], found["total"], len(found["t"])) == (3_600, 4, 2)
        rows = [
            {
                (low, high): count
                for low, high, count in zip(found["low"], found["high"], row, strict=True)
                if count
            }
            for row in found["counts"]
        ]
        (((low, high), count),) = rows[0].items()
        assert low < 100 <= high
        assert count == 2
        assert rows[1].pop((0, 0)) == 1
        (((low, high), count),) = rows[1].items()
        assert low < 400 <= high
        assert count == 1


async def test_a_range_without_points_has_no_bins(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.measure("latency", [(-90 * 60_000, 1.0)])
        found = (await ask.get(PATH, stat="latency", last="1h", resolution="15m")).json
        assert (found["total"], found["low"], found["counts"]) == (0, [], [[]] * len(found["t"]))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "field_required"),
        ({"stat": "latency", "resolution": "7m"}, "resolution_invalid"),
        ({"stat": "latency", "from_": "-30d", "resolution": "1m"}, "too_many_points"),
        ({"stat": "latency", "agg": "sum"}, "unknown_parameter"),
        ({"stat": "nothing"}, "not_found"),
    ],
)
async def test_bad_questions_say_what_is_wrong(
    query: dict[str, str], code: str, autojump_clock: MockClock
) -> None:
    async with asking() as ask:
        await ask.measure("latency", [(-HOUR_MS, 1.0)])
        answer = await ask.get(PATH, **query)
        assert answer.json["code"] == code, answer.body


async def test_a_stat_without_histograms_says_so(autojump_clock: MockClock) -> None:
    async with asking() as ask:
        await ask.measure("latency", [(-HOUR_MS, 1.0)])
        changed = await ask.server.send(
            "PATCH", f"/v1/stats/{ask.id('latency')}", json={"percentiles": False}
        )
        assert changed.status == 200, changed.body
        answer = await ask.get(PATH, stat="latency", last="1h")
        assert (answer.status, answer.json["code"]) == (422, "percentiles_off")
