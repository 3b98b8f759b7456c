"""What is wrong with a request before its body is looked at. Pure.

The servers below us let some of it pass: both length headers at once (of which a proxy in front
might believe the other), heads of any size that arrive at once.
"""

import re
from collections.abc import Sequence
from typing import Final

from api.http.bodies import BODY_LIMIT
from api.http.messages import Header
from api.http.problems import Problem

HEADERS_LIMIT: Final = 16 * 1024
"""Bytes of all header lines."""

URL_LIMIT: Final = 8 * 1024
"""Bytes of path and query."""

PARAMETERS_LIMIT: Final = 64
"""Query parameters of a request."""

KEY_NAMES: Final = re.compile(
    rb"(?:^|&)(?:api[_-]?key|apikey|access_token|authorization)=", re.IGNORECASE
)
KEY_VALUE: Final = re.compile(rb"sf_[0-9A-Za-z]{24}")

UNIQUE: Final = frozenset({b"authorization", b"content-type", b"idempotency-key"})
"""Headers of which two would leave open which one counts."""


def head_problem(
    raw_path: bytes, query: bytes, headers: Sequence[Header], body_limit: int = BODY_LIMIT
) -> Problem | None:
    """The first problem of a request's head; the rest of such a request is not read."""
    if len(raw_path) + len(query) + 1 > URL_LIMIT:
        return _problem("url_too_long", f"At most {URL_LIMIT} bytes.")
    if sum(len(name) + len(value) + 4 for name, value in headers) > HEADERS_LIMIT:
        return _problem("headers_too_large", f"At most {HEADERS_LIMIT} bytes in all.")
    if query.count(b"&") >= PARAMETERS_LIMIT:
        return _problem("too_many_parameters", f"At most {PARAMETERS_LIMIT}.")
    if KEY_NAMES.search(query) or KEY_VALUE.search(query) or KEY_VALUE.search(raw_path):
        return _problem(
            "key_in_url",
            "URLs end up in logs and histories. Send the key as a header:"
            " Authorization: Bearer sf_…; and replace this key, others may have seen it.",
        )
    return _length_problem(headers, body_limit)


def _length_problem(headers: Sequence[Header], body_limit: int) -> Problem | None:
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in seen and name in UNIQUE:
            return _problem("duplicate_header", f"{name.decode('latin1')}: once per request.")
        seen[name] = value
    if b"content-length" in seen and b"transfer-encoding" in seen:
        return _problem("invalid_request", "Content-Length and Transfer-Encoding exclude another.")
    length = seen.get(b"content-length", b"0")
    if not length.isdigit():
        return _problem("invalid_request", "Content-Length is a number.")
    if int(length[:20]) > body_limit:
        return _problem("body_too_large", f"At most {body_limit} bytes.")
    return None


def _problem(code: str, detail: str) -> Problem:
    return Problem(code, detail, close=True)
