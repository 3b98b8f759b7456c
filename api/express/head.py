"""The head of a request: answered here, left to the server behind, or refused. Pure.

Law: what two parsers could read in two ways is refused before anything is done with it; whatever
else is unusual is left to the server behind, whose answer to it is the right one by definition.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import httptools

from api.http.head import head_problem
from api.http.messages import Header

LINE: Final = re.compile(rb"([A-Z]+ [!->@-~]+)(?:\?([!-~]*))? HTTP/1\.1\r?\n")

SPLIT: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)|\r\n[ \t]")
"""Lines that end or go on in a way that not everybody understands alike."""

LENGTHS: Final = re.compile(rb"\ncontent-length[ \t]*:([^\r\n]*)", re.IGNORECASE)

PARSER_ERRORS: Final = (httptools.HttpParserError, httptools.HttpParserUpgrade)

ONCE: Final = frozenset(
    {b"host", b"connection", b"expect", b"content-length", b"transfer-encoding"}
)
"""Headers that say how a request is to be read."""

LAST: Final = {b"keep-alive": False, b"close": True}
"""What a Connection header may say here, and whether it asks to be closed."""

UNUSUAL: Final = -1
"""Instead of a length."""


class Verdict(Enum):
    """What is to be done instead of answering a request."""

    MORE = "wait for more"
    CONTINUE = "say that the body may come"
    OTHER = "hand on to the server behind"
    REFUSED = "refuse and close"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request that is answered here.

    `route` is the method and the path; `length` that of the body, None when it comes in chunks;
    `expects` that the client waits to be told to send it; `last` that it wants no more answers.
    """

    route: bytes
    query: bytes
    headers: tuple[Header, ...]
    length: int | None
    expects: bool
    last: bool


def read_head(head: bytes, routes: Container[bytes]) -> Head | Verdict:
    """Judge a whole head, with the empty line that ends it."""
    line = LINE.match(head)
    if line is None or line[1] not in routes:
        return Verdict.OTHER
    fields = _Fields()
    try:
        httptools.HttpRequestParser(fields).feed_data(head)
    except PARSER_ERRORS:
        return Verdict.REFUSED if _ambiguous(head) else Verdict.OTHER
    return _judged(line[1], line[2] or b"", tuple(fields.headers)) or Verdict.OTHER


def read_start(data: bytes, routes: Container[bytes], starts: tuple[bytes, ...]) -> Verdict:
    """Judge a head that is not complete; `starts` are the beginnings of all `routes`."""
    if b"\n" not in data:
        possible = data.startswith(starts) or any(start.startswith(data) for start in starts)
        return Verdict.MORE if possible else Verdict.OTHER
    line = LINE.match(data)
    if line is None or line[1] not in routes:
        return Verdict.OTHER
    # The last byte may be a CR whose LF is still under way.
    return Verdict.REFUSED if SPLIT.search(data.removesuffix(b"\r")) else Verdict.MORE


class _Fields:
    """Takes what the parser finds."""

    def __init__(self) -> None:
        self.headers: list[Header] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))


def _ambiguous(head: bytes) -> bool:
    lengths = LENGTHS.findall(head)
    return SPLIT.search(head) is not None or len(lengths) > 1 or b"," in b"".join(lengths)


def _judged(route: bytes, query: bytes, headers: tuple[Header, ...]) -> Head | None:
    """The head, unless something about it is unusual."""
    said = dict(headers)
    if b"host" not in said or b"upgrade" in said:
        return None
    once = [name for name, _ in headers if name in ONCE]
    if len(set(once)) < len(once):
        return None
    connection = said.get(b"connection", b"keep-alive").lower()
    expects = said.get(b"expect")
    length = _length(said)
    if connection not in LAST or length == UNUSUAL:
        return None
    if expects is not None and (expects.lower() != b"100-continue" or length is None):
        return None
    if head_problem(route.partition(b" ")[2], query, headers) is not None:
        return None
    return Head(route, query, headers, length, expects is not None, LAST[connection])


def _length(said: Mapping[bytes, bytes]) -> int | None:
    """How long the body is; None when it comes in chunks."""
    coding = said.get(b"transfer-encoding")
    if coding is not None:
        return None if coding == b"chunked" else UNUSUAL
    length = said.get(b"content-length", b"0")
    return int(length) if length.isdigit() else UNUSUAL
