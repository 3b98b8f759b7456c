"""Answers as bytes, exactly as the server behind writes them."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from api.http.gate import sized
from api.http.messages import PLACE_OF_ID, Header, RawReply, SharedReply, StreamReply
from api.http.problems import Problem

CLOSE: Final[Header] = (b"connection", b"close")

LAST: Final = b"Connection: close\r\n"
"""In the spelling of the library below the server behind."""

END: Final = b"0\r\n\r\n"
"""After the last chunk."""

PLACE: Final = PLACE_OF_ID.encode()

SHARED_MAX: Final = 10_000
"""Replies of one second that are kept as bytes, half a kilobyte each."""


class Answers:
    """Writes answers; `server_headers` are those that every one has, such as the date."""

    def __init__(self, server_headers: Callable[[], Iterable[Header]]) -> None:
        self._server_headers = server_headers
        self._second = -1
        self._stamp = b""
        # Of this second.
        self._shared: dict[SharedReply, bytes] = {}

    def __repr__(self) -> str:
        return f"<Answers {self._stamp!r}>"

    def of(self, reply: RawReply, *, last: bool) -> bytes:
        """A reply; `last` when the client has asked for no more."""
        lines = _lines(reply.status, reply.headers)
        lines += [b"content-length: %d\r\n" % len(reply.body), self._now()]
        lines += [LAST if last else b"", b"\r\n", reply.body]
        return b"".join(lines)

    def shared(self, reply: SharedReply, request_id: str) -> bytes:
        """A reply that others get, too, with the id of one request."""
        self._now()
        known = self._shared.get(reply)
        if known is None:
            if len(self._shared) >= SHARED_MAX:
                self._shared.clear()
            known = self._shared[reply] = self.of(reply.reply, last=False)
        return known.replace(PLACE, request_id.encode())

    def head(self, reply: StreamReply, *, last: bool) -> bytes:
        """The head of a reply whose body comes in chunks."""
        lines = _lines(reply.status, reply.headers)
        lines += [self._now(), b"Transfer-Encoding: chunked\r\n", LAST if last else b"", b"\r\n"]
        return b"".join(lines)

    def refusal(self, problem: Problem, request_id: str) -> bytes:
        """A problem with a request that is not read to its end, as the gate answers it."""
        reply = problem.reply(request_id)
        lines = _lines(reply.status, sized(reply, (CLOSE,)))
        return b"".join([*lines, self._now(), b"\r\n", reply.body])

    def proceed(self) -> bytes:
        """What a client hears that waits before it sends a body."""
        return b"HTTP/1.1 100 \r\n%b\r\n" % self._now()

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._shared.clear()
            self._stamp = b"".join(b"%b: %b\r\n" % header for header in self._server_headers())
        return self._stamp


def chunk(part: bytes) -> bytes:
    """A part of a body that comes in chunks; an empty one would end it."""
    return b"%x\r\n%b\r\n" % (len(part), part) if part else b""


def _lines(status: int, headers: Iterable[Header]) -> list[bytes]:
    lines = [b"HTTP/1.1 %d \r\n" % status]
    lines += [b"%b: %b\r\n" % header for header in headers]
    return lines
