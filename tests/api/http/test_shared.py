"""Links to dashboards: they show the board and nothing else, and end when they are told to."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio

from api.http.pages import POLICY
from tests.api.http.harness import Answer, Server, serving
from tests.api.http.test_dashboards import made, panel

HOUR_S = 3_600


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        for name, value in (("web.eu", 3), ("web.us", 4), ("secret", 5)):
            item = {"stat": name, "value": value, "type": "counter"}
            assert (await server.send("POST", "/v1/ingest", json=item)).status == 202
        yield server


async def share(server: Server, board: str, **wanted: object) -> dict[str, Any]:
    """A link to a board."""
    answer = await server.send("POST", f"/v1/dashboards/{board}/shares", json=wanted)
    assert answer.status == 201, answer.json
    return dict(answer.json)


async def looked(server: Server, token: str, rest: str = "") -> Answer:
    """What somebody without a key gets."""
    return await server.send("GET", f"/v1/shared/{token}{rest}", key=None)


async def test_whoever_has_the_link_sees_the_series_of_the_board(server: Server) -> None:
    kept = await made(server, panels=[panel(stats=["web.*"])])
    made_share = await share(server, kept["id"])
    token = made_share["token"]
    assert made_share["url"] == f"http://stats.example/p/{token}"
    assert made_share["embed_url"] is None
    seen = (await looked(server, token)).json["board"]
    assert (seen["title"], seen["panels"][0].get("stats", [])) == ("shop", [])
    answer = await looked(server, token, "/data")
    series = answer.json["panels"]["a"]["series"]
    assert [(one["name"], one["total"]) for one in series] == [("web.eu", 3), ("web.us", 4)]
    assert b"st_" not in answer.body
    assert b"secret" not in answer.body
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("query", ["?stat=secret", "?match=*", "?from=-1y", "?panel=a", "?agg=max"])
async def test_a_viewer_asks_no_questions_of_their_own(server: Server, query: str) -> None:
    token = (await share(server, (await made(server))["id"]))["token"]
    answer = await looked(server, token, f"/data{query}")
    assert (answer.status, answer.code) == (422, "unknown_parameter")


async def test_a_series_that_is_not_on_the_board_is_nothing(server: Server) -> None:
    token = (await share(server, (await made(server))["id"]))["token"]
    for rest in ("/badge.svg?panel=secret", "/spark.svg?panel=b", "/data/secret", "/panels/b"):
        assert (await looked(server, token, rest)).status == 404


async def test_links_that_never_were_expired_or_were_revoked_are_the_same_nothing(
    server: Server, autojump_clock: trio.testing.MockClock
) -> None:
    kept = await made(server)
    soon = server.context.clock.now_ms() // 1_000 + HOUR_S
    expired = (await share(server, kept["id"], expires=soon))["token"]
    revoked = await share(server, kept["id"])
    other = (await share(server, (await made(server))["id"]))["token"]
    assert (await looked(server, expired)).status == 200
    await trio.sleep(HOUR_S + 1)
    path = f"/v1/dashboards/{kept['id']}/shares/{revoked['id']}"
    assert (await server.send("DELETE", path)).status == 204
    assert (await server.send("DELETE", path)).code == "not_found"
    bodies = set()
    for token in (expired, revoked["token"], "pd_" + "0" * 26, "pd_x", kept["id"], "x" * 200):
        for rest in ("", "/data"):
            answer = await looked(server, token, rest)
            assert answer.code == "not_found"
            bodies.add(answer.json["detail"])
    assert bodies == {"There is no such link, or no longer."}
    assert (await looked(server, other)).status == 200


async def test_a_deleted_board_takes_its_links_with_it(server: Server) -> None:
    kept = await made(server)
    token = (await share(server, kept["id"]))["token"]
    await looked(server, token, "/data")
    await server.send("DELETE", f"/v1/dashboards/{kept['id']}")
    assert (await looked(server, token, "/data")).code == "not_found"


async def test_a_locked_variable_cannot_be_chosen(server: Server) -> None:
    kept = await made(
        server,
        panels=[panel(stats=["web.$site"])],
        variables=[{"name": "site", "match": "web.*"}],
    )
    token = (await share(server, kept["id"], variables={"site": "eu"}))["token"]
    series = (await looked(server, token, "/data")).json["panels"]["a"]["series"]
    assert [one["name"] for one in series] == ["web.eu"]
    unknown = await server.send(
        "POST", f"/v1/dashboards/{kept['id']}/shares", json={"variables": {"nope": "x"}}
    )
    assert unknown.code == "field_invalid"


async def test_views_are_counted(server: Server, autojump_clock: trio.testing.MockClock) -> None:
    kept = await made(server)
    token = (await share(server, kept["id"]))["token"]
    for _ in range(5):
        await looked(server, token)
    await trio.sleep(11)
    await looked(server, token)
    shares = (await server.send("GET", f"/v1/dashboards/{kept['id']}/shares")).json["shares"]
    assert shares[0]["views"] == 6
    assert "token" not in shares[0]


async def test_many_viewers_are_told_the_same(server: Server) -> None:
    token = (await share(server, (await made(server))["id"]))["token"]
    first = (await looked(server, token, "/data")).json
    item = {"stat": "web.eu", "value": 1, "type": "counter"}
    await server.send("POST", "/v1/ingest", json=item)
    assert (await looked(server, token, "/data")).json == first


async def test_a_frame_is_for_the_sites_that_were_named(server: Server) -> None:
    kept = await made(server)
    closed = (await share(server, kept["id"]))["token"]
    assert (await server.send("GET", f"/e/{closed}", key=None)).code == "not_found"
    made_share = await share(server, kept["id"], origins=["https://www.example.com"])
    assert made_share["embed_url"].endswith(f"/e/{made_share['token']}")
    answer = await server.send("GET", f"/e/{made_share['token']}", key=None)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors https://www.example.com; sandbox allow-scripts" in policy
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    page = await server.send("GET", f"/p/{closed}", key=None)
    assert page.headers["content-security-policy"].encode() == POLICY
    assert page.headers["x-robots-tag"] == "noindex"


@pytest.mark.parametrize(
    "origin",
    [
        "example.com",
        "javascript:alert(1)",
        "https://a.example/path",
        "https://a.example; script-src *",
        "https://*",
        "https://user@a.example",
        "https://a.example:99999",
        "'none'",
    ],
)
async def test_what_is_no_site_is_refused(server: Server, origin: str) -> None:
    path = f"/v1/dashboards/{(await made(server))['id']}/shares"
    answer = await server.send("POST", path, json={"origins": [origin]})
    assert (answer.status, answer.code) == (422, "field_invalid")


async def test_images_escape_what_users_wrote(server: Server) -> None:
    kept = await made(server, panels=[panel(title='<script>alert("1")</script>&')])
    token = (await share(server, kept["id"]))["token"]
    answer = await looked(server, token, "/badge.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert b"<script" not in answer.body
    assert b">3<" in answer.body
    spark = await looked(server, token, "/spark.svg?panel=a&width=200&height=40")
    assert spark.body.startswith(b"<svg")
    assert b"<path" in spark.body


async def test_a_heat_map_of_values_is_shown_without_ids(server: Server) -> None:
    heat = panel("a", kind="distribution", stats=["web.*"])
    token = (await share(server, (await made(server, panels=[heat]))["id"]))["token"]
    answer = await looked(server, token, "/data")
    shown = answer.json["panels"]["a"]
    assert sum(sum(row) for row in shown["spread"]["counts"]) == 2
    assert len(shown["spread"]["low"]) == len(shown["spread"]["counts"][0])
    assert b"st_" not in answer.body
    assert (await looked(server, token, "/badge.svg")).status == 404
