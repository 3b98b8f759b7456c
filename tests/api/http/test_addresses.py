"""Addresses and methods: what each answers, also to a WebSocket and to HEAD and OPTIONS."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
import trio

from api.http.routes.table import ROUTES
from tests.api.http.harness import Server, serving
from tests.api.http.socket_client import SOCKET, connected

PATHS = sorted({route.path for route in ROUTES})


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        item = {"stat": "a", "value": 1, "type": "counter"}
        assert (await server.send("POST", "/v1/ingest", json=item)).status == 202
        yield server


async def refused_socket(server: Server, path: str) -> tuple[int, Any]:
    """Try to open a WebSocket at an address: the status and the problem that come back."""
    async with connected(server, path=path) as socket:
        start, body = await socket.raw(), await socket.raw()
        assert start["type"] == "websocket.http.response.start"
    return start["status"], msgspec.json.decode(body["body"])


@pytest.mark.parametrize("path", PATHS)
async def test_every_address_says_which_methods_it_has(server: Server, path: str) -> None:
    answer = await server.send("OPTIONS", path.replace("{id}", "st_1"), key=None)
    assert (answer.status, answer.body) == (204, b"")
    own = {route.method for route in ROUTES if route.path == path}
    assert own <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nothing", 404, "not_found"),
        ("/v1/live/ws/", 404, "not_found"),
        ("/v1/stats", 400, "invalid_request"),
        ("/v1/stats/st_1/data", 400, "invalid_request"),
        ("/v1/live", 400, "invalid_request"),
    ],
)
async def test_a_socket_where_there_is_none(
    server: Server, path: str, status: int, code: str
) -> None:
    got, problem = await refused_socket(server, path)
    assert (got, problem["code"]) == (status, code)
    assert path in problem["detail"]


async def test_a_plain_request_to_the_socket(server: Server) -> None:
    answer = await server.send("GET", SOCKET)
    assert (answer.status, answer.code) == (426, "upgrade_required")
    assert answer.headers["upgrade"] == "websocket"


async def test_another_method_at_the_socket(server: Server) -> None:
    answer = await server.send("POST", SOCKET, json={})
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


async def head_of(server: Server, path: str) -> tuple[int, set[bytes]]:
    """The status and the names of the headers that go out for HEAD."""
    place, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "HEAD",
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {server.keys['read']}".encode())],
        "client": ("127.0.0.1", 5),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return {"type": "http.request" if not sent else "http.disconnect", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    await server.app(scope, receive, send)
    start = sent[0]
    return start["status"], {bytes(name).lower() for name, _ in start["headers"]}


@pytest.mark.parametrize("path", ["/v1/stats/st_1/export", "/v1/live?stats=st_1"])
async def test_the_head_of_a_stream_says_no_length(server: Server, path: str) -> None:
    status, names = await head_of(server, path)
    assert status == 200
    assert b"content-type" in names
    assert b"content-length" not in names


async def test_the_head_of_an_answer_says_its_length(server: Server) -> None:
    head, whole = [await server.send(method, "/v1/stats/st_1") for method in ("HEAD", "GET")]
    assert head.status == 200
    assert head.headers["content-length"] == str(len(whole.body))
