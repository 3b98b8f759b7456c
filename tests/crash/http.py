"""A client that takes nothing for granted: one connection, and every failure is `Unanswered`.

Small on purpose: what it says about a request must not depend on the retries of a library.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import trio

ANSWER_LIMIT_S = 8.0
HEAD_BYTES_MAX = 64 * 1024


class Unanswered(Exception):
    """The request may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body, understood."""
        said: dict[str, Any] = json.loads(self.body)
        return said


class Client:
    """Asks the server at `port`, one request after the other; connects when it must."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key
        self._stream: trio.SocketStream | None = None
        self._asked = port

    async def ask(
        self, method: str, target: str, body: object = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Send a request and wait for its answer; Unanswered when there is none."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        request = "\r\n".join([*lines, "", ""]).encode() + data
        try:
            with trio.fail_after(ANSWER_LIMIT_S):
                if self._asked != self.port:
                    self.close()
                if self._stream is None:
                    self._asked = self.port
                    self._stream = await trio.open_tcp_stream("127.0.0.1", self.port)
                await self._stream.send_all(request)
                return await self._read(self._stream)
        except (OSError, trio.BrokenResourceError, trio.TooSlowError, Unanswered) as error:
            self.close()
            raise Unanswered(repr(error)) from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._stream is not None:
            self._stream.socket.close()
            self._stream = None

    async def _read(self, stream: trio.SocketStream) -> Answer:
        head, data = b"", b""
        while b"\r\n\r\n" not in data:
            data += await _some(stream)
            if len(data) > HEAD_BYTES_MAX and b"\r\n\r\n" not in data:
                raise Unanswered("a head without end")
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in map(_split, lines)}
        if "content-length" not in headers:
            raise Unanswered(f"an answer of unknown length: {first}")
        length = int(headers["content-length"])
        while len(data) < length:
            data += await _some(stream)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(first.split()[1]), headers, data)


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


async def _some(stream: trio.SocketStream) -> bytes:
    data = await stream.receive_some(1 << 16)
    if not data:
        raise Unanswered("the connection was closed")
    return bytes(data)
