"""Stats: found, looked at, changed, thrown away and taken back."""

from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock

from api.http.upkeep import keep_up
from tests.api.http.harness import NOW_S, Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        items = [
            {"stat": "page.views", "value": 3, "type": "counter", "t": NOW_S - 60},
            {"stat": "page.errors", "value": 1, "type": "counter", "t": NOW_S - 30},
            {"stat": "latency", "value": 0.25, "type": "value", "t": NOW_S - 45},
        ]
        answer = await server.send("POST", "/v1/ingest/batch", json={"items": items})
        assert answer.json["accepted"] == 3
        yield server


async def names(server: Server, **query: str) -> list[str]:
    """The names that a search finds."""
    answer = await server.send("GET", "/v1/stats", query=query)
    assert answer.status == 200
    return [stat["name"] for stat in answer.json["stats"]]


async def public(server: Server, name: str) -> str:
    """The id of a stat as clients know it."""
    listed = await server.send("GET", "/v1/stats", query={"q": name})
    return str(listed.json["stats"][0]["id"])


async def test_a_stat_as_it_is_listed(server: Server) -> None:
    answer = await server.send("GET", "/v1/stats", query={"q": "latency"})
    (stat,) = answer.json["stats"]
    assert answer.json["next"] is None
    assert stat.pop("id").startswith("st_")
    assert stat.pop("created").startswith("2026-11-21T23:00:0")
    assert stat == {
        "name": "latency",
        "type": "value",
        "unit": None,
        "percentiles": True,
        "state": "live",
        "trashed": None,
        "last_point": "2026-11-21T22:59:15Z",
        "latest": 0.25,
    }


async def test_search(server: Server) -> None:
    assert await names(server) == ["latency", "page.errors", "page.views"]
    assert await names(server, q="PAGE.*") == ["page.errors", "page.views"]
    assert await names(server, q="err") == ["page.errors"]
    assert await names(server, q="[") == []
    assert await names(server, type="value") == ["latency"]
    assert await names(server, state="trash") == []


async def test_pages(server: Server) -> None:
    first = (await server.send("GET", "/v1/stats", query={"limit": "2"})).json
    assert [stat["name"] for stat in first["stats"]] == ["latency", "page.errors"]
    rest = await server.send("GET", "/v1/stats", query={"limit": "2", "cursor": first["next"]})
    assert [stat["name"] for stat in rest.json["stats"]] == ["page.views"]
    assert rest.json["next"] is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "0"}, "parameter_invalid"),
        ({"limit": "1001"}, "parameter_invalid"),
        ({"limit": "many"}, "parameter_invalid"),
        ({"type": "gauge"}, "parameter_invalid"),
        ({"sort": "colour"}, "parameter_invalid"),
        ({"cursor": "none"}, "cursor_invalid"),
        ({"q": "x" * 256}, "parameter_invalid"),
        ({"colour": "red"}, "unknown_parameter"),
    ],
)
async def test_questions_that_are_none(server: Server, query: dict[str, str], code: str) -> None:
    answer = await server.send("GET", "/v1/stats", query=query)
    assert (answer.status, answer.code) == (422, code)


async def test_a_parameter_given_twice(server: Server) -> None:
    answer = await server.send("GET", "/v1/stats?limit=1&limit=2")
    assert (answer.status, answer.code) == (422, "parameter_invalid")
    assert answer.json["errors"][0]["field"] == "limit"


async def test_sorted_by_activity(server: Server, autojump_clock: MockClock) -> None:
    context = server.context
    await trio.sleep(600)
    await context.node.checkpoint()
    await context.node.fold(context.clock.now_ms() // 1000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            keep_up, context.node, context.directory, context.documents, context.clock
        )
        await trio.sleep(1)
        listed = await names(server, sort="activity")
        nursery.cancel_scope.cancel()
    assert sorted(listed) == ["latency", "page.errors", "page.views"]
    assert listed.index("page.errors") < listed.index("page.views")


async def test_change(server: Server) -> None:
    path = f"/v1/stats/{await public(server, 'latency')}"
    change = {"name": "  db.latency ", "unit": "ms", "percentiles": False}
    answer = await server.send("PATCH", path, json=change)
    assert answer.status == 200
    assert (answer.json["name"], answer.json["unit"]) == ("db.latency", "ms")
    assert answer.json["percentiles"] is False
    assert (await server.send("PATCH", path, json={"unit": None})).json["unit"] is None
    assert (await server.send("PATCH", path, json={})).json["name"] == "db.latency"
    assert await names(server, q="latency") == ["db.latency"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": ""}, 422, "stat_name_length"),
        ({"name": "a\nb"}, 422, "stat_name_chars"),
        ({"name": "page.views"}, 409, "stat_name_taken"),
        ({"name": 5}, 422, "field_type"),
        ({"name": None}, 422, "field_type"),
        ({"unit": "x" * 33}, 422, "field_invalid"),
        ({"unit": ""}, 422, "field_invalid"),
        ({"type": "counter"}, 422, "unknown_field"),
        ([], 422, "field_type"),
    ],
)
async def test_changes_that_cannot_be(
    server: Server, change: object, status: int, code: str
) -> None:
    path = f"/v1/stats/{await public(server, 'latency')}"
    answer = await server.send("PATCH", path, json=change)
    assert (answer.status, answer.code) == (status, code)
    assert "latency" in await names(server)


async def test_a_key_with_a_prefix_sees_and_changes_nothing_else(server: Server) -> None:
    await server.new_key("page", ["read", "write"], prefix="page.")
    hidden = await public(server, "latency")
    assert (await server.send("GET", f"/v1/stats/{hidden}", key="page")).status == 404
    seen = await public(server, "page.views")
    assert (await server.send("GET", f"/v1/stats/{seen}", key="page")).status == 200
    answer = await server.send("PATCH", f"/v1/stats/{seen}", json={"name": "other"}, key="page")
    assert (answer.status, answer.code) == (422, "stat_name_prefix")


async def test_thrown_away_and_taken_back(server: Server) -> None:
    path = f"/v1/stats/{await public(server, 'latency')}"
    answer = await server.send("DELETE", path)
    assert (answer.status, answer.json["state"]) == (200, "trash")
    assert answer.json["trashed"] is not None
    assert await names(server) == ["page.errors", "page.views"]
    assert await names(server, state="trash") == ["latency"]
    patched = await server.send("PATCH", path, json={"unit": "s"})
    assert (patched.status, patched.code) == (422, "stat_in_trash")
    assert (await server.send("POST", f"{path}/restore")).json["state"] == "live"
    assert "latency" in await names(server)
    assert (await server.stored())["latency"] == (1, 0.25)


async def test_forgotten_for_good(server: Server) -> None:
    number = await public(server, "latency")
    answer = await server.send("DELETE", f"/v1/stats/{number}?purge=true")
    assert (answer.status, answer.body) == (204, b"")
    assert (await server.send("GET", f"/v1/stats/{number}")).status == 404
    again = {"stat": "latency", "value": 1, "type": "counter"}
    made = await server.send("POST", "/v1/ingest", json=again)
    assert made.json["stat_id"] != number


async def test_the_trash_is_emptied_after_two_days(
    server: Server, autojump_clock: MockClock
) -> None:
    context = server.context
    number = await public(server, "latency")
    await server.send("DELETE", f"/v1/stats/{number}")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            keep_up, context.node, context.directory, context.documents, context.clock
        )
        autojump_clock.jump(47 * 3600)
        await trio.sleep(61)
        assert (await server.send("GET", f"/v1/stats/{number}")).status == 200
        autojump_clock.jump(2 * 3600)
        await trio.sleep(61)
        assert (await server.send("GET", f"/v1/stats/{number}")).status == 404
        nursery.cancel_scope.cancel()
