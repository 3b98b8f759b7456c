"""A server on real sockets, and a client that says anything and reads until it is closed."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from api.http.gate import REQUEST, App, Gate, Receive, Scope, Send
from api.http.meters import Meters
from api.http.room import BodyRoom
from api.http.server import Lane, listen, serve_http

PATIENCE_S = 60.0
PIECE_S = 0.002


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how long the body is; `/stream` never ends, a socket takes everything."""
    request = scope[REQUEST]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while request.path == "/stream":
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    body = b"%d bytes" % len(request.body)
    await send({"type": "http.response.body", "body": body, "more_body": False})


@dataclass(frozen=True)
class Served:
    """A server at a port; `stop` tells it to end."""

    port: int
    stop: trio.Event

    async def talk(
        self, data: bytes, then: bytes = b"", every_s: float = 0.2, pieces: int = 1
    ) -> "Talk":
        """Send, perhaps in pieces, go on sending, and read until the server closes."""
        began = trio.current_time()
        found = bytearray()
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream, trio.open_nursery() as nursery:
            nursery.start_soon(_send, stream, _cut(data, pieces), then, every_s)
            with trio.fail_after(PATIENCE_S):
                try:
                    while part := await stream.receive_some():
                        found += part
                except trio.BrokenResourceError:
                    found += b"<reset>"
            nursery.cancel_scope.cancel()
        return Talk(bytes(found), trio.current_time() - began)


@dataclass(frozen=True)
class Talk:
    """What the server said until it closed, and after how many seconds."""

    text: bytes
    seconds: float

    @property
    def status(self) -> int:
        """The status of the first answer."""
        return int(self.text.split(b" ", 2)[1])


def _cut(data: bytes, pieces: int) -> list[bytes]:
    size = len(data) // pieces + 1
    return [data[at : at + size] for at in range(0, len(data), size)]


async def _send(stream: trio.SocketStream, data: list[bytes], then: bytes, every_s: float) -> None:
    try:
        for piece in data:
            await stream.send_all(piece)
            # So that the next one arrives apart.
            await trio.sleep(PIECE_S)
        while then:
            await trio.sleep(every_s)
            await stream.send_all(then)
    except trio.BrokenResourceError:
        pass  # The server has closed the connection, which is what the tests are about.


@asynccontextmanager
async def served(
    behind: App | None = None, lane: Lane | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Served]:
    """A server around the gate and the application above, or others."""
    sockets = listen("127.0.0.1", 0)
    stop = trio.Event()
    server = behind or Gate(app, Meters(), BodyRoom())
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, server, sockets, stop.wait, tls, lane)
        yield Served(sockets[0].getsockname()[1], stop)
        stop.set()
