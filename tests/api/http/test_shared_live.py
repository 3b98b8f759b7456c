"""Streams of shared dashboards: they show what changes, and end within a second of their link."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack

import pytest
import trio
from trio.testing import MockClock

from api.boards import viewing
from api.http.routes import shared_live
from tests.api.http.harness import CLIENT, Server, serving
from tests.api.http.listener import listening
from tests.api.http.test_dashboards import made, panel
from tests.api.http.test_shared import share

ITEM = {"stat": "web.eu", "value": 3, "type": "counter"}


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        assert (await server.send("POST", "/v1/ingest", json=ITEM)).status == 202
        yield server


async def linked(server: Server, **wanted: object) -> tuple[str, str, str]:
    """A board, a link to it and the address of its stream."""
    kept = await made(server, panels=[panel(stats=["web.*"])])
    one = await share(server, kept["id"], **wanted)
    return kept["id"], one["id"], f"/v1/shared/{one['token']}/live"


async def test_a_stream_tells_at_once_and_then_what_changes(
    server: Server, autojump_clock: MockClock
) -> None:
    _, _, path = await linked(server)
    async with listening(server, path, key=None) as listener:
        first = await listener.event()
        assert first.name == "data"
        assert first.data["panels"]["a"]["series"][0]["total"] == 3
        assert "st_" not in str(first.data)
        await server.send("POST", "/v1/ingest", json=ITEM)
        while (event := await listener.event()).data["panels"]["a"]["series"][0]["total"] == 3:
            pass
        assert event.data["panels"]["a"]["series"][0]["total"] == 6
        assert event.at_s - first.at_s <= 2.5


async def test_a_revoked_link_ends_its_streams_within_a_second(
    server: Server, autojump_clock: MockClock
) -> None:
    board, link, path = await linked(server)
    async with listening(server, path, key=None) as listener:
        await listener.event()
        revoked_s = trio.current_time()
        answer = await server.send("DELETE", f"/v1/dashboards/{board}/shares/{link}")
        assert answer.status == 204
        event = await listener.event()
        assert (event.name, event.data["reason"]) == ("bye", shared_live.GONE)
        assert event.at_s - revoked_s <= 1
        await listener.end()
    assert not server.context.viewing.streams


async def test_a_changed_board_ends_its_streams_so_that_it_is_read_anew(server: Server) -> None:
    board, _, path = await linked(server)
    async with listening(server, path, key=None) as listener:
        await listener.event()
        await server.send("PUT", f"/v1/dashboards/{board}", json={"title": "other"})
        event = await listener.event()
        assert (event.name, event.data["reason"]) == ("bye", shared_live.CHANGED)


async def test_a_server_that_stops_says_goodbye(server: Server) -> None:
    _, _, path = await linked(server)
    async with listening(server, path, key=None) as listener:
        await listener.event()
        server.context.stop()
        event = await listener.event()
        assert (event.name, event.data["reason"]) == ("bye", shared_live.STOPS)
    answer = await server.send("GET", path, key=None)
    assert (answer.status, answer.code) == (503, "stopping")


@pytest.mark.parametrize("by", ["link", "address"])
async def test_a_link_and_an_address_have_so_many_streams(server: Server, by: str) -> None:
    _, link, path = await linked(server)
    most = viewing.LINK_STREAMS_MAX if by == "link" else viewing.SITE_STREAMS_MAX
    with ExitStack() as stack:
        for number in range(most):
            place = (link, f"{number}") if by == "link" else (f"{number}", CLIENT)
            stack.enter_context(server.context.viewing.entered(*place))
        answer = await server.send("GET", path, key=None)
        assert answer.code == "too_many_streams"
        assert answer.headers["access-control-allow-origin"] == "*"
    async with listening(server, path, key=None) as listener:
        assert (await listener.event()).name == "data"


async def test_an_address_that_asks_too_much_has_to_wait(server: Server) -> None:
    _, _, path = await linked(server)
    data = path.replace("/live", "/data")
    for asked in (data, path, path.removesuffix("/live"), path.replace("/live", "/badge.svg")):
        while not server.context.viewing.asks.take(CLIENT, trio.current_time()):
            pass
        answer = await server.send("GET", asked, key=None)
        assert (answer.status, answer.code) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) >= 1
    server.context.viewing.asks.give_back(CLIENT)
    assert (await server.send("GET", data, key=None)).status == 200


@pytest.mark.parametrize("token", ["pd_" + "0" * 26, "x"])
async def test_a_link_that_never_was_has_no_stream(server: Server, token: str) -> None:
    answer = await server.send("GET", f"/v1/shared/{token}/live", key=None)
    assert (answer.status, answer.code) == (404, "not_found")
