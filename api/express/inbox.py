"""What a client has sent, cut into requests. Pure.

Law: every byte belongs to one request or to none yet, and is looked at once. What a request is made
of depends on the bytes alone, never on the pieces they came in. Until a request is complete, or its
length is known and plain, everything since the one before can still be handed on. Only on routes
whose clients count characters may a body be longer than it says (`surplus.py`).
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from api.express.chunks import Chunks
from api.express.head import Head, Verdict, read_head, read_start
from api.express.surplus import surplus_of

HEAD_LIMIT: Final = 32 * 1024
"""Bytes of a head; the server behind gives up there, too, and says so."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole request."""

    head: Head
    body: bytes


class Inbox:
    """The bytes of one connection, and how far they are understood."""

    __slots__ = (
        "_at", "_by_characters", "_chunks", "_data", "_head", "_judged", "_missing", "_parts",
        "_routes", "_same", "_starts",
    )  # fmt: skip

    def __init__(
        self,
        routes: Container[bytes],
        starts: tuple[bytes, ...],
        by_characters: Container[bytes] = (),
    ) -> None:
        self._routes = routes
        self._by_characters = by_characters
        self._starts = starts
        self._data: bytes | bytearray = b""
        self._at = 0
        # Programs send the same head again and again: it is judged once.
        self._same = b""
        self._judged: Head | Verdict = Verdict.MORE
        self._head: Head | None = None
        self._missing = 0
        self._parts: list[bytes] = []
        self._chunks: Chunks | None = None

    def __repr__(self) -> str:
        return f"<Inbox {len(self._data) - self._at} bytes, in a body: {self.in_body}>"

    def __bool__(self) -> bool:
        """Whether a request has begun."""
        return self._head is not None or self._at < len(self._data)

    @property
    def in_body(self) -> bool:
        """Whether a head is complete and its body is not."""
        return self._head is not None

    @property
    def body_bytes(self) -> int:
        """So much of an incomplete body is in memory."""
        if self._chunks is not None:
            return len(self._data) - self._at
        length = self._head.length if self._head is not None else None
        return (length or 0) - self._missing

    def rest(self) -> bytes:
        """All that came since the last request that was taken, as it came."""
        return bytes(self._data[self._at :])

    def put(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._chunks is not None:
            self._data += data
        elif self._at == len(self._data):
            self._data, self._at = data, 0
        else:
            self._data, self._at = self.rest() + data, 0

    def next(self) -> Asked | Verdict:
        """The next request, or what is to be done before there is one."""
        head = self._head
        if head is None:
            found = self._next_head()
            if isinstance(found, Verdict):
                return found
            head = self._head = found
            if head.expects:
                return Verdict.CONTINUE
        body = self._plain() if self._chunks is None else self._chunked(self._chunks)
        if isinstance(body, Verdict):
            return body
        if head.length and head.route in self._by_characters:
            body += self._surplus(body)
        self._head = None
        return Asked(head, body)

    def _next_head(self) -> Head | Verdict:
        end = self._data.find(b"\r\n\r\n", self._at) + 4
        if end < 4:
            return self._no_head()
        head = bytes(self._data[self._at : end])
        if head != self._same:
            self._judged = read_head(head, self._routes)
            self._same = head
        found = self._judged
        if isinstance(found, Verdict):
            return found
        if found.length is None:
            self._data = bytearray(self._data[self._at :])
            self._at = 0
            self._chunks = Chunks(len(head))
        else:
            self._at, self._missing = end, found.length
        return found

    def _no_head(self) -> Verdict:
        start = self.rest()
        if len(start) > HEAD_LIMIT:
            return Verdict.OTHER
        return read_start(start, self._routes, self._starts) if start else Verdict.MORE

    def _plain(self) -> bytes | Verdict:
        """A body of known length."""
        part = bytes(self._data[self._at : self._at + self._missing])
        self._at += len(part)
        self._missing -= len(part)
        if not self._missing and not self._parts:
            return part
        self._parts.append(part)
        if self._missing:
            return Verdict.MORE
        parts, self._parts = self._parts, []
        return b"".join(parts)

    def _surplus(self, body: bytes) -> bytes:
        """What belongs to a body beyond its length."""
        rest = self._data[self._at :]
        size = surplus_of(body, rest)
        self._at += size
        return bytes(rest[:size])

    def _chunked(self, chunks: Chunks) -> bytes | Verdict:
        verdict = chunks.read(self._data)
        if verdict is not None:
            return verdict
        self._data, self._at = bytes(self._data[chunks.at :]), 0
        self._chunks = None
        return chunks.body
