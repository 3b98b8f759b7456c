"""What an alert would have done, asked over HTTP: over one stat and over the ratio of two."""

import pytest
import trio
from trio.testing import MockClock

from tests.api.http.harness import Server, serving


async def point(server: Server, value: float, stat: str = "orders.failed") -> None:
    body = {"stat": stat, "value": value, "type": "counter"}
    assert (await server.send("POST", "/v1/ingest", json=body)).status == 202


async def test_a_backtest_says_what_would_have_been(autojump_clock: MockClock) -> None:
    async with serving() as server:
        for minute in range(30):
            await point(server, 20 if minute in (5, 20) else 2)
            await trio.sleep(60)
        rule = {
            "name": "n", "kind": "threshold", "stat": "orders.failed", "op": ">", "threshold": 10,
            "window": "1m",
        }  # fmt: skip
        body = {"rule": rule, "last": "29m", "sweep": {"threshold": [4, 10, 25], "episodes": 2}}
        answer = await server.send("POST", "/v1/alerts/test", json=body, key="read")
        assert answer.status == 200, answer.body
        tested = answer.json["stats"][0]
        assert (tested["episodes"], tested["resolution_s"]) == (2, 10)
        told = [one["to_state"] for one in tested["transitions"]]
        assert told.count("FIRING") == 2
        swept = [(one["threshold"], one["episodes"]) for one in tested["sweep"]]
        assert swept[1:] == [(10, 2), (25, 0)]
        assert tested["suggested"] == 4
        assert (await server.send("GET", "/v1/alerts")).json["alerts"] == []
        assert server.post.sent == []


@pytest.mark.parametrize("order", [("errors", "requests"), ("requests", "errors")])
@pytest.mark.parametrize("aggregate", ["sum", "p95"])
async def test_a_backtest_of_a_ratio_knows_both_stats_before_and_in_its_range(
    autojump_clock: MockClock, order: tuple[str, str], aggregate: str
) -> None:
    async with serving() as server:
        for minute in range(30):
            # The first peak fills the window with which the range begins.
            values = {"errors": 90 if minute in (5, 22) else 2, "requests": 100}
            for stat in order:
                await point(server, values[stat], stat)
            await trio.sleep(60)
        rule = {
            "name": "n", "kind": "threshold", "stats": ["errors", "requests"], "expr": "a/b*100",
            "op": ">", "threshold": 10, "window": "5m", "aggregate": aggregate,
        }  # fmt: skip
        body = {"rule": rule, "last": "22m"}
        answer = await server.send("POST", "/v1/alerts/test", json=body)
        assert answer.status == 200, answer.body
        (tested,) = answer.json["stats"]
        assert (tested["stat_name"], tested["episodes"]) == ("errors", 2)
