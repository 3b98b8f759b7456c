"""A ping address: a job calls it when it is done, and a deadman notices when it does not. Pure.

The address is the secret. Its digest finds the record; the address itself is sealed, so that it can
be looked up again.
"""

import re
from hashlib import sha256
from typing import Final, Literal

import msgspec
from msgspec import Struct

from engine.base62 import DIGITS

KIND: Final = "ping"
"""The kind of the documents."""

PINGS_MAX: Final = 1_000
"""Ping addresses of one account."""

TOKEN_LENGTH: Final = 22
"""Letters and digits of an address: 130 bits."""

TOKEN: Final = re.compile(f"[{DIGITS}]{{{TOKEN_LENGTH}}}")
NAME_LENGTH_MAX: Final = 100

Signal = Literal["done", "start", "fail"]


class Ping(Struct, frozen=True, kw_only=True):
    """What is kept; `stat` counts what is done, `seconds` measures how long it took."""

    id: str
    account: int
    name: str
    stat: int
    seconds: int
    sealed: bytes
    created_ms: int


def digest_of(token: str) -> str:
    """By what an address is found."""
    return sha256(token.encode()).hexdigest()


def signal_of(word: str | None) -> Signal | None:
    """What the last part of an address says: nothing, `start`, `fail`, or an exit code."""
    if word is None or word == "0":
        return "done"
    if word in ("start", "fail"):
        return "start" if word == "start" else "fail"
    if word.isascii() and word.isdigit() and int(word[:4]) <= 255 and len(word) <= 3:
        return "fail"
    return None


def pack_ping(ping: Ping) -> bytes:
    """The ping as it is kept."""
    return msgspec.msgpack.encode(ping)


def unpack_ping(record: bytes) -> Ping:
    """The ping of a record."""
    return msgspec.msgpack.decode(record, type=Ping)
