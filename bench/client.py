"""A keep-alive connection that asks once and tells what happened, and a stream of events.

Small on purpose: the generator shares its core with nothing, and must be cheaper than what it
measures. Nothing is sent twice.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import httptools
import trio

ANSWER_LIMIT_S: Final = 10.0
"""Longer than any server says that it may take."""

IDLE_LIMIT_S: Final = 4.0
"""What was idle for longer is opened anew: servers close it after 5 s, perhaps at this moment."""

RECEIVE_BYTES: Final = 64 * 1024
EVENT_BYTES_MAX: Final = 2**20


class Lost(Exception):
    """There was no answer: the connection broke, was closed, or was silent for too long."""


@dataclass(slots=True)
class _Reading:
    """What httptools tells of the answer that arrives; `stays`: the connection is left open."""

    body: bytes = b""
    complete: bool = False
    stays: bool = False
    parser: httptools.HttpResponseParser = field(init=False)

    def __post_init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True
        # A moment later the parser has forgotten what the headers said.
        self.stays = self.parser.should_keep_alive()


class Connection:
    """One connection to a port of the loopback address; opened when it is needed."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self.port = port
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.common = f"Host: 127.0.0.1:{port}\r\n{lines}"
        self._stream: trio.SocketStream | None = None
        self._used_s = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave without a word."""
        if self._stream is not None:
            self._stream.socket.close()
            self._stream = None

    async def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of the answer; Lost when there is none."""
        head = f"{method} {target} HTTP/1.1\r\n{self.common}Content-Length: {len(body)}\r\n\r\n"
        reading = _Reading()
        parser = reading.parser
        try:
            with trio.fail_after(ANSWER_LIMIT_S):
                stream = await self._opened()
                await stream.send_all(head.encode() + body)
                while not reading.complete:
                    parser.feed_data(await _some(stream))
        except (
            OSError, trio.BrokenResourceError, trio.TooSlowError, httptools.HttpParserError, Lost,
        ) as error:  # fmt: skip
            self.close()
            raise Lost(repr(error)) from error
        except trio.Cancelled:
            self.close()
            raise
        self._used_s = trio.current_time()
        if not reading.stays:
            self.close()
        return parser.get_status_code(), reading.body

    async def events(self, target: str) -> AsyncGenerator[tuple[str, bytes]]:
        """Name and data of each Server-Sent Event, as they come; Lost when the stream ends."""
        reading = _Reading()
        parser = reading.parser
        stream = await self._opened()
        await stream.send_all(f"GET {target} HTTP/1.1\r\n{self.common}\r\n".encode())
        while not reading.complete:
            parser.feed_data(await _some(stream))
            while b"\n\n" in reading.body:
                event, _, reading.body = reading.body.partition(b"\n\n")
                lines = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
                if b"event" in lines:
                    yield lines[b"event"].decode(), lines[b"data"]
            if len(reading.body) > EVENT_BYTES_MAX:
                raise Lost("an event without end")
        raise Lost("the stream ended")

    async def _opened(self) -> trio.SocketStream:
        if trio.current_time() - self._used_s > IDLE_LIMIT_S:
            self.close()
        if self._stream is None:
            self._stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        return self._stream


async def _some(stream: trio.SocketStream) -> bytes:
    data = await stream.receive_some(RECEIVE_BYTES)
    if not data:
        raise Lost("the connection was closed")
    return bytes(data)
