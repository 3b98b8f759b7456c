"""What Schemathesis does not know by itself: JSON lines, MessagePack, and which stats there are.

It loads this file by its name in SCHEMATHESIS_HOOKS, in a process of its own.
"""

from itertools import count
from typing import Any, Final
from zlib import crc32

import msgspec
import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:  # ruff: ignore[any-type]
    """A list as lines; whatever else it makes up as one line."""
    parts = value if isinstance(value, list) else [value]
    return b"\n".join(map(_json, parts))


@schemathesis.serializer("application/msgpack")
def packed(context: Any, value: Any) -> bytes:  # ruff: ignore[any-type]
    """A value as MessagePack; what that cannot say as JSON, which is a wrong body."""
    try:
        return msgspec.msgpack.encode(value)
    except (OverflowError, TypeError, UnicodeEncodeError):
        return _json(value)


def _json(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (OverflowError, TypeError, UnicodeEncodeError):
        return repr(value).encode(errors="replace")


KNOWN: Final = ("st_1", "st_2", "st_3")
"""Ids of stats that there are, so that questions reach more than the word "no"."""


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:  # ruff: ignore[any-type]
    """Every other time, an id that there is."""
    given = (path_parameters or {}).get("id")
    if isinstance(given, str) and crc32(given.encode(errors="replace")) % 2:
        return {**path_parameters, "id": KNOWN[len(given) % len(KNOWN)]}
    return path_parameters


_clients = count(1)


@schemathesis.hook
def before_call(context: Any, case: Any, *others: Any) -> None:  # ruff: ignore[any-type]
    """Each request comes from another client: guesses of keys are counted by who makes them."""
    number = next(_clients)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
