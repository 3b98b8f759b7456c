"""A client of a WebSocket, for tests."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import trio

from tests.api.http.harness import Server

SOCKET = "/v1/live/ws"


@dataclass(eq=False)
class Socket:
    """The client's side of a socket."""

    send_channel: trio.MemorySendChannel[dict[str, Any]]
    messages: trio.MemoryReceiveChannel[dict[str, Any]]

    async def say(self, **order: object) -> None:
        """Send an order."""
        await self.send_text(msgspec.json.encode(order).decode())

    async def send_text(self, text: str) -> None:
        """Send anything."""
        await self.send_channel.send({"type": "websocket.receive", "text": text, "bytes": None})

    async def raw(self, within_s: float = 10) -> dict[str, Any]:
        """The next thing that the server does."""
        with trio.fail_after(within_s):
            return await self.messages.receive()

    async def event(self) -> Any:  # ruff: ignore[any-type]
        """The next message."""
        message = await self.raw()
        assert message["type"] == "websocket.send", message
        return msgspec.json.decode(message["text"])


@asynccontextmanager
async def connected(
    server: Server, query: str = "", headers: Mapping[str, str] | None = None, path: str = SOCKET
) -> AsyncGenerator[Socket]:
    """A socket; at the end the client is gone."""
    scope = {
        "type": "websocket",
        "asgi": {"spec_version": "2.3", "version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"stats.example")]
        + [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 5),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    to_server, orders = trio.open_memory_channel[dict[str, Any]](10)
    from_server, messages = trio.open_memory_channel[dict[str, Any]](100)
    await to_server.send({"type": "websocket.connect"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.app, scope, orders.receive, from_server.send)
        yield Socket(to_server, messages)
        await to_server.send({"type": "websocket.disconnect", "code": 1000})


def with_key(server: Server, key: str = "read") -> dict[str, str]:
    """The header that says who asks."""
    return {"authorization": f"Bearer {server.keys[key]}"}
