"""Live over a WebSocket: who may connect, and stats that come and go."""

from collections.abc import AsyncGenerator

import msgspec
import pytest
import trio
from trio.testing import MockClock

from api.http.routes.live_socket import AUTH_S
from engine.stats import public_id
from tests.api.http.harness import NOW_S, Server, serving
from tests.api.http.socket_client import connected, with_key

CLOSE_UNKNOWN = 4401


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        for name in ("a", "b", "other.c"):
            await add(server, name, 5)
        yield server


async def add(server: Server, stat: str, value: float, **fields: object) -> None:
    """Send one point."""
    item = {"stat": stat, "value": value, "type": "counter"} | fields
    assert (await server.send("POST", "/v1/ingest", json=item)).status == 202


def ids(server: Server, *names: str) -> list[str]:
    """Public ids of stats."""
    return [public_id(server.stat(name).id) for name in names]


async def test_stats_come_and_go(server: Server, autojump_clock: MockClock) -> None:
    async with connected(server, headers=with_key(server)) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"
        await socket.say(op="subscribe", stats=ids(server, "a"))
        snapshot = await socket.event()
        assert (snapshot["event"], snapshot["data"]["stat"]) == ("snapshot", ids(server, "a")[0])
        assert snapshot["data"]["points"][0]["sum"] == 5
        assert snapshot["id"].startswith("p")
        await add(server, "a", 1)
        assert (await socket.event())["data"]["points"][0]["sum"] == 6
        await socket.say(op="subscribe", match="b*")
        assert (await socket.event())["data"]["stat"] == ids(server, "b")[0]
        await socket.say(op="unsubscribe", stats=ids(server, "a"))
        await socket.say(op="ping")
        assert await socket.event() == {"event": "pong"}
        await add(server, "a", 1)
        await add(server, "b", 2)
        change = await socket.event()
        assert (change["event"], change["data"]["stat"]) == ("change", ids(server, "b")[0])
        assert change["data"]["points"][0]["sum"] == 7


async def test_stats_may_be_named_at_once(server: Server, autojump_clock: MockClock) -> None:
    query = f"stats={','.join(ids(server, 'a', 'b'))}&resolution=10s"
    async with connected(server, query, with_key(server)) as socket:
        await socket.raw()
        found = [await socket.event() for _ in range(2)]
        assert {event["data"]["resolution"] for event in found} == {"10s"}


async def test_whoever_comes_back_misses_nothing(server: Server, autojump_clock: MockClock) -> None:
    async with connected(server, "match=a", with_key(server)) as socket:
        await socket.raw()
        cursor = (await socket.event())["id"]
    await trio.sleep(2)
    await add(server, "a", 3)
    async with connected(server, "", with_key(server)) as socket:
        await socket.raw()
        await socket.say(op="subscribe", match="a", cursor=cursor)
        got: dict[int, float] = {}
        while NOW_S + 2 not in got:
            event = await socket.event()
            assert event["event"] == "change"
            got |= {point["t"]: point["sum"] for point in event["data"]["points"]}
        assert got[NOW_S + 2] == 3


async def test_the_server_says_goodbye(server: Server, autojump_clock: MockClock) -> None:
    async with connected(server, "match=a", with_key(server)) as socket:
        await socket.raw()
        await socket.event()
        server.context.stop()
        bye = await socket.event()
        assert (bye["event"], bye["data"]) == ("bye", {"reason": "the server stops"})
        closed = await socket.raw()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1001)
    assert len(server.context.streams) == 0


async def test_a_socket_ends_with_its_key(server: Server, autojump_clock: MockClock) -> None:
    async with connected(server, "match=a", with_key(server)) as socket:
        await socket.raw()
        await socket.event()
        keys = (await server.send("GET", "/v1/auth/api-keys")).json["keys"]
        number = next(key["id"] for key in keys if key["name"] == "read")
        await server.send("DELETE", f"/v1/auth/api-keys/{number}")
        assert (await socket.event())["data"] == {"reason": "the key is no longer valid"}
        assert (await socket.raw())["code"] == CLOSE_UNKNOWN


@pytest.mark.parametrize("how", ["key", "ticket"])
async def test_who_asks_may_be_said_first(
    server: Server, autojump_clock: MockClock, how: str
) -> None:
    said = {"key": server.keys["read"]}
    if how == "ticket":
        ticket = (await server.send("POST", "/v1/live/tickets", key="read")).json
        said = {"ticket": ticket["ticket"]}
    async with connected(server) as socket:
        await socket.raw()
        await socket.say(op="auth", **said)
        await socket.say(op="subscribe", match="a")
        assert (await socket.event())["event"] == "snapshot"


@pytest.mark.parametrize(
    "said",
    [
        '{"op":"auth","key":"sf_typo"}',
        '{"op":"auth","ticket":"lt_none"}',
        '{"op":"auth"}',
        '{"op":"subscribe","match":"a"}',
        "nonsense",
        "[" * 1000,
    ],
)
async def test_71_who_does_not_say_who_they_are(
    server: Server, autojump_clock: MockClock, said: str
) -> None:
    async with connected(server) as socket:
        await socket.raw()
        await socket.send_text(said)
        closed = await socket.raw()
        assert (closed["type"], closed["code"]) == ("websocket.close", CLOSE_UNKNOWN)


async def test_71_who_says_nothing(server: Server, autojump_clock: MockClock) -> None:
    async with connected(server) as socket:
        await socket.raw()
        began = trio.current_time()
        closed = await socket.raw()
        assert (closed["type"], closed["code"]) == ("websocket.close", CLOSE_UNKNOWN)
        assert trio.current_time() - began == pytest.approx(AUTH_S)


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("", {"origin": "https://evil.example"}, 403, "foreign_origin"),
        ("", {"origin": "null"}, 403, "foreign_origin"),
        ("", {"authorization": "Bearer sf_typo"}, 401, "invalid_key"),
        ("ticket=lt_none", {}, 401, "invalid_ticket"),
        ("resolution=7s", {}, 422, "resolution_invalid"),
        ("colour=red", {}, 422, "unknown_parameter"),
        ("api_key=x", {}, 400, "key_in_url"),
    ],
)
async def test_71_connections_that_are_refused(
    server: Server, query: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with connected(server, query, headers) as socket:
        start = await socket.raw()
        assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
        body = await socket.raw()
        assert msgspec.json.decode(body["body"])["code"] == code


async def test_pages_of_ours_may_connect(server: Server) -> None:
    headers = with_key(server) | {"origin": "http://stats.example"}
    async with connected(server, "", headers) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"


async def test_71_a_message_that_is_too_large(server: Server, autojump_clock: MockClock) -> None:
    async with connected(server, "", with_key(server)) as socket:
        await socket.raw()
        await socket.send_text("x" * 65 * 1024)
        assert (await socket.event())["data"] == {"reason": "a message was too large"}
        assert (await socket.raw())["code"] == 1009


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"op": "subscribe", "stats": ["st_zzzz"]}, "not_found"),
        ({"op": "subscribe"}, "field_required"),
        ({"op": "subscribe", "match": ""}, "parameter_invalid"),
        ({"op": "subscribe", "match": "a", "cursor": "x"}, "cursor_invalid"),
        ({"op": "dance"}, "field_invalid"),
        ({"op": "subscribe", "colour": 1}, "invalid_json"),
        ({"op": 5}, "invalid_json"),
    ],
)
async def test_orders_that_are_none(
    server: Server, autojump_clock: MockClock, order: dict[str, object], code: str
) -> None:
    async with connected(server, "", with_key(server)) as socket:
        await socket.raw()
        await socket.say(**order)
        complaint = await socket.event()
        assert (complaint["event"], complaint["data"]["code"]) == ("error", code)
        await socket.say(op="ping")
        assert (await socket.event())["event"] == "pong"
