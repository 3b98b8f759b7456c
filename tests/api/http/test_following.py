"""Patterns of live streams: stats that come to fit them later on join within a second."""

from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock

from api.http import following, wanted
from api.http.following import LOOK_EVERY_S
from engine.ports import Unavailable
from engine.stats import public_id
from storage import directory_table
from tests.api.http.harness import Server, serving
from tests.api.http.listener import listening
from tests.api.http.socket_client import connected, with_key

LIVE = "/v1/live?match=web.*&resolution=1h"
SOON_S = LOOK_EVERY_S + 0.1


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        await add(server, "web.a")
        yield server


async def add(server: Server, stat: str, value: float = 1, key: str = "all") -> None:
    """Send one point."""
    item = {"stat": stat, "value": value, "type": "counter"}
    assert (await server.send("POST", "/v1/ingest", json=item, key=key)).status == 202


def id_of(server: Server, name: str) -> str:
    """The public id of a stat."""
    return public_id(server.stat(name).id)


async def test_a_new_stat_joins_with_a_snapshot(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, LIVE) as listener:
        assert (await listener.event()).data["stat"] == id_of(server, "web.a")
        await add(server, "db.a")
        await add(server, "web.b", 5)
        event = await listener.event(SOON_S)
        assert (event.name, event.data["stat"]) == ("snapshot", id_of(server, "web.b"))
        assert [point["sum"] for point in event.data["points"]] == [5]
        assert event.id is not None
        await add(server, "web.b", 2)
        event = await listener.event()
        assert (event.name, event.data["points"][0]["sum"]) == ("change", 7)


async def test_a_pattern_that_nothing_fits_yet(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, "/v1/live?match=shop.*") as listener:
        await trio.sleep(3)
        await add(server, "shop.orders")
        event = await listener.event(SOON_S)
        assert event.data["stat"] == id_of(server, "shop.orders")


async def test_a_stat_that_is_renamed_joins(server: Server, autojump_clock: MockClock) -> None:
    await add(server, "old")
    async with listening(server, LIVE) as listener:
        await listener.event()
        path = f"/v1/stats/{id_of(server, 'old')}"
        assert (await server.send("PATCH", path, json={"name": "web.new"})).status == 200
        event = await listener.event(SOON_S)
        assert event.data["stat"] == id_of(server, "web.new")


async def test_what_the_key_may_not_see_does_not_join(
    server: Server, autojump_clock: MockClock
) -> None:
    await server.new_key("page", ["read"], prefix="web.a")
    async with listening(server, LIVE, key="page") as listener:
        await listener.event()
        await add(server, "web.b")
        await add(server, "web.a.other", key="other")
        await trio.sleep(SOON_S)
        await add(server, "web.aa")
        event = await listener.event(SOON_S)
        assert event.data["stat"] == id_of(server, "web.aa")


async def test_nothing_is_missed_when_very_many_are_new(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(server, LIVE) as listener:
        await listener.event()
        items = [{"stat": f"db.{n}"} for n in range(999)]
        await add(server, "web.z")
        for _ in range(directory_table.CHANGES_KEPT // 999 + 1):
            items = [{"stat": f"{item['stat']}x"} for item in items]
            await server.send("POST", "/v1/ingest/batch", json={"items": items})
        event = await listener.event(SOON_S)
        assert event.data["stat"] == id_of(server, "web.z")


async def test_a_stream_takes_so_many_stats(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (following, wanted):
        monkeypatch.setattr(module, "LIVE_STATS_LIMIT", 2)
    async with listening(server, LIVE) as listener:
        await listener.event()
        for name in ("web.b", "web.c"):
            await add(server, name)
        events = [await listener.event(SOON_S)]
        await trio.sleep(5)
        await add(server, "web.c")
        await add(server, "web.a", 8)
        events.append(await listener.event())
    assert [event.data["stat"] for event in events] == [
        id_of(server, "web.b"), id_of(server, "web.a"),
    ]  # fmt: skip


async def test_a_store_that_does_not_answer_is_asked_again(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = server.context.node
    read, failures = node.read, [Unavailable("gone"), Unavailable("still gone")]

    async def failing(*args: object) -> object:
        if failures:
            raise failures.pop()
        return await read(*args)  # type: ignore[arg-type]

    async with listening(server, LIVE) as listener:
        await listener.event()
        await add(server, "web.b", 3)
        monkeypatch.setattr(node, "read", failing)
        event = await listener.event(3 * SOON_S)
        assert (event.name, event.data["stat"]) == ("snapshot", id_of(server, "web.b"))
        assert failures == []


async def test_sockets_follow_patterns_until_they_say_so(
    server: Server, autojump_clock: MockClock
) -> None:
    async with connected(server, "", with_key(server)) as socket:
        await socket.raw()
        await socket.say(op="subscribe", match="web.*")
        assert (await socket.event())["data"]["stat"] == id_of(server, "web.a")
        await add(server, "web.b")
        assert (await socket.event())["data"]["stat"] == id_of(server, "web.b")
        await socket.say(op="unsubscribe", match="web.*")
        await socket.say(op="ping")
        assert await socket.event() == {"event": "pong"}
        for name in ("web.a", "web.b", "web.c"):
            await add(server, name)
        await trio.sleep(SOON_S)
        await socket.say(op="ping")
        assert await socket.event() == {"event": "pong"}


async def test_a_socket_has_so_many_patterns(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PATTERNS_LIMIT", 1)
    async with connected(server, "", with_key(server)) as socket:
        await socket.raw()
        for _ in range(2):
            await socket.say(op="subscribe", match="nothing.*")
        await socket.say(op="subscribe", match="none.*")
        assert (await socket.event())["data"]["code"] == "too_many_stats"
