"""A body that comes in chunks. Pure.

Law: sizes are plain hexadecimal and lines end with CR LF. Extensions and trailers, which nobody
sends to be counted, are left to the server behind, as is whatever is wrong.
"""

import re
from typing import Final

from api.express.head import Verdict
from api.http.bodies import BODY_LIMIT

SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,6})\r\n")
SIZE_BYTES: Final = 8
"""A size that can be within the limit, with the end of its line."""

RAW_LIMIT: Final = 2 * BODY_LIMIT
"""Bytes of all chunks as they are sent; tiny ones are mostly sizes."""


class Chunks:
    """Reads chunks out of a buffer that grows; `at` is how far it has come."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.size = 0
        self._began = at
        self._parts: list[bytes] = []

    def __repr__(self) -> str:
        return f"<Chunks {self.size} bytes>"

    @property
    def body(self) -> bytes:
        """All of it, once it is there."""
        return b"".join(self._parts)

    def read(self, data: bytes | bytearray) -> Verdict | None:
        """Go on; None when the body is complete and `at` behind its end."""
        while True:
            if len(data) - self._began > RAW_LIMIT:
                return Verdict.OTHER
            line = SIZE.match(data, self.at)
            if line is None:
                rest = bytes(data[self.at : self.at + SIZE_BYTES])
                return Verdict.MORE if _may_be_size(rest) else Verdict.OTHER
            size = int(line[1], 16)
            end = line.end() + size
            if self.size + size > BODY_LIMIT:
                return Verdict.OTHER
            tail = data[end : end + 2]
            if len(tail) < 2:
                return Verdict.MORE if b"\r\n".startswith(tail) else Verdict.OTHER
            if tail != b"\r\n":
                return Verdict.OTHER
            self.at = end + 2
            if size == 0:
                return None
            self.size += size
            self._parts.append(bytes(data[line.end() : end]))


def _may_be_size(text: bytes) -> bool:
    """Whether more could make a size of it."""
    return len(text) < SIZE_BYTES and SIZE.fullmatch(_completed(text)) is not None


def _completed(text: bytes) -> bytes:
    if not text:
        return b"0\r\n"
    return text + b"\n" if text.endswith(b"\r") else text + b"\r\n"
