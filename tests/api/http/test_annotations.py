"""Annotations over HTTP: noted, found, changed, and compared with what the stats did."""

import pytest
import trio
from trio.testing import MockClock

from tests.api.http.harness import NOW_S, serving
from tests.api.http.test_alerts import point


async def test_annotations_are_noted_and_found(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        deploy = {"title": "deploy 4.2", "text": "<b>big</b>", "tags": ["deploy", "shop"]}
        first = await server.send("POST", "/v1/annotations", json=deploy)
        assert first.status == 201
        assert first.json["t"] == NOW_S
        assert first.json["id"].startswith("an_")
        body = {"title": "incident", "at": "now-2h", "until": "now-1h", "stats": ["orders.failed"]}
        second = (await server.send("POST", "/v1/annotations", json=body)).json

        async def found(**query: str) -> list[str]:
            answer = await server.send("GET", "/v1/annotations", query=query)
            return [one["title"] for one in answer.json["annotations"]]

        assert await found() == ["deploy 4.2", "incident"]
        assert await found(tag="deploy") == ["deploy 4.2"]
        assert await found(**{"from": "now-90m", "to": "now-80m"}) == ["incident"]
        assert await found(stat="orders.failed") == ["deploy 4.2", "incident"]
        assert await found(limit="1", cursor="1") == ["incident"]
        path = f"/v1/annotations/{second['id']}"
        changed = await server.send("PATCH", path, json={"title": "outage", "tags": ["x"]})
        assert (changed.json["title"], changed.json["tags"]) == ("outage", ["x"])
        assert (await server.send("GET", path, key="other")).status == 404
        assert (await server.send("DELETE", path)).status == 204
        assert await found() == ["deploy 4.2"]


async def test_the_impact_is_what_changed(autojump_clock: MockClock) -> None:
    async with serving() as server:
        for minute in range(20):
            await point(server, 5 + minute % 2, "steady")
            await point(server, 2 + minute % 2 + (50 if minute >= 10 else 0), "rising")
            if minute == 10:
                made = await server.send("POST", "/v1/annotations", json={"title": "deploy"})
            await trio.sleep(60)
        path = f"/v1/annotations/{made.json['id']}/impact"
        table = (await server.send("GET", path, query={"window": "9m"})).json
        by_name = {one["name"]: one for one in table["impacts"]}
        assert table["complete"] is True
        assert table["impacts"][0]["name"] == "rising"
        assert by_name["rising"]["unusual"] is True
        assert by_name["rising"]["after"] > 50
        assert by_name["steady"]["unusual"] is False
        assert abs(by_name["steady"]["percent"]) < 10


async def test_a_deploy_holds_delta_rules_back(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        rule = {
            "name": "d", "kind": "delta", "stat": "orders.failed", "percentage": 50, "window": "1m",
        }  # fmt: skip
        delta = (await server.send("POST", "/v1/alerts", json=rule)).json
        body = {"title": "deploy", "hold": "10m"}
        made = (await server.send("POST", "/v1/annotations", json=body)).json
        silence = (await server.send("GET", f"/v1/silences/{made['hold']}")).json
        assert (silence["kind"], silence["alerts"]) == ("annotation", [delta["id"]])
        assert (await server.send("DELETE", f"/v1/annotations/{made['id']}")).status == 204
        assert (await server.send("GET", "/v1/silences")).json["silences"] == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"), ({"title": "x" * 201}, "title"), ({"text": "x" * 10_000}, "text"),
        ({"link": "javascript:alert(1)"}, "link"), ({"at": "soon"}, "at"), ({"tags": [""]}, "tags"),
        ({"until": "now-1h"}, "until"), ({"stats": ["nobody"]}, "stats"), ({"hold": "3w"}, "hold"),
        ({"colour": "red"}, "colour"), ({"title": "a\x07b"}, "title"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(
    autojump_clock: MockClock, changed: dict[str, object], field: str
) -> None:
    async with serving() as server:
        answer = await server.send("POST", "/v1/annotations", json={"title": "t", **changed})
        assert answer.status == 422, answer.body
        assert any(field in (error["field"] or "") for error in answer.json["errors"])
