"""Answers as bytes, exactly as the server behind writes them."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from api.http.gate import sized
from api.http.messages import Header, RawReply
from api.http.problems import Problem

CLOSE: Final[Header] = (b"connection", b"close")


class Answers:
    """Writes answers; `server_headers` are those that every one has, such as the date."""

    def __init__(self, server_headers: Callable[[], Iterable[Header]]) -> None:
        self._server_headers = server_headers
        self._second = -1
        self._stamp = b""

    def __repr__(self) -> str:
        return f"<Answers {self._stamp!r}>"

    def of(self, reply: RawReply, *, last: bool) -> bytes:
        """A reply; `last` when the client has asked for no more."""
        length = b"%d" % len(reply.body)
        lines = [b"HTTP/1.1 %d \r\n" % reply.status]
        lines += [b"%b: %b\r\n" % header for header in reply.headers]
        lines += [b"content-length: ", length, b"\r\n", self._now()]
        # In the spelling of the library below the server behind.
        lines += [b"Connection: close\r\n\r\n" if last else b"\r\n", reply.body]
        return b"".join(lines)

    def refusal(self, problem: Problem, request_id: str) -> bytes:
        """A problem with a request that is not read to its end, as the gate answers it."""
        reply = problem.reply(request_id)
        lines = [b"HTTP/1.1 %d \r\n" % reply.status]
        lines += [b"%b: %b\r\n" % header for header in sized(reply, (CLOSE,))]
        return b"".join([*lines, self._now(), b"\r\n", reply.body])

    def proceed(self) -> bytes:
        """What a client hears that waits before it sends a body."""
        return b"HTTP/1.1 100 \r\n%b\r\n" % self._now()

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._stamp = b"".join(b"%b: %b\r\n" % header for header in self._server_headers())
        return self._stamp
