"""A client of a live stream, for tests: reads events as a browser does."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio

from tests.api.http.harness import Server


@dataclass(frozen=True)
class Event:
    """One event; `at_s` is when it came."""

    name: str
    data: Any
    id: str | None
    at_s: float


@dataclass(eq=False)
class Listener:
    """One open stream."""

    connection: trio.MemoryReceiveChannel[bytes]
    buffer: bytes = b""
    comments: list[str] = field(default_factory=list)
    last_id: str | None = None
    ended: bool = False

    async def event(self, within_s: float = 5.0) -> Event:
        """The next event."""
        with trio.fail_after(within_s):
            while True:
                while b"\n\n" not in self.buffer:
                    self.buffer += await self.connection.receive()
                block, _, self.buffer = self.buffer.partition(b"\n\n")
                event = self._read(block)
                if event is not None:
                    return event

    async def events(self, count: int) -> list[Event]:
        """The next few events."""
        return [await self.event() for _ in range(count)]

    async def end(self) -> None:
        """Wait until the server ends the stream."""
        try:
            while True:
                self.buffer += await self.connection.receive()
        except trio.EndOfChannel:
            self.ended = True

    def _read(self, block: bytes) -> Event | None:
        fields: dict[str, str] = {}
        for line in block.decode().split("\n"):
            if line.startswith(":"):
                self.comments.append(line)
            else:
                name, _, value = line.partition(": ")
                fields[name] = value
        if "data" not in fields:
            return None
        self.last_id = fields.get("id", self.last_id)
        data = msgspec.json.decode(fields["data"])
        return Event(fields["event"], data, fields.get("id"), trio.current_time())


@asynccontextmanager
async def listening(
    server: Server, path: str, key: str | None = "read", headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Listener]:
    """A stream that is open; at the end the client is gone."""
    sent = dict(headers or {})
    if key is not None:
        sent["authorization"] = f"Bearer {server.keys[key]}"
    place, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 5),
    }
    gone = trio.Event()
    # As much as a socket holds for a client that does not read.
    parts, taken = trio.open_memory_channel[bytes](4)
    asked = False

    async def receive() -> dict[str, object]:
        nonlocal asked
        if asked:
            await gone.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
            assert (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]
        elif message.get("more_body"):
            await parts.send(message["body"])
        else:
            parts.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.app, scope, receive, send)
        yield Listener(taken)
        gone.set()
