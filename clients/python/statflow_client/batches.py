"""Points that travel together, under one key. Pure.

Law: a batch keeps its key, and its bytes, until it is answered: so a server that stored it, and
whose answer was lost, recognises it and counts nothing twice. Keys carry their time (UUIDv7): one
that is too old to be remembered is refused rather than counted again.
"""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from statflow_client.points import Point

BATCH_POINTS_MAX: Final = 1000
"""What the server takes in one request."""

BATCH_BYTES_MAX: Final = 900 * 1024
"""Likewise: 1 MiB, less what surrounds the points."""

TIMELESS: Final = "anytime-"
"""Begins the keys that say no time: for machines whose clock is wrong."""

_HEAD: Final = b'{"items":['
_TAIL: Final = b"]}"

_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Points, the body that says them, and the key of the request.

    `made_s` is when it was made, by a clock that is never set; `tries` how often it was sent.
    """

    points: tuple[Point, ...]
    body: bytes
    key: str
    made_s: float
    tries: int = 0


def take_batch(waiting: deque[Point], key: str, now_s: float) -> Batch:
    """The first points that fit into one request; they are taken away."""
    points: list[Point] = []
    parts: list[bytes] = []
    size = 0
    while waiting and len(points) < BATCH_POINTS_MAX:
        part = _encoded(waiting[0])
        size += len(part) + 1
        if points and size > BATCH_BYTES_MAX:
            break
        points.append(waiting.popleft())
        parts.append(part)
    return Batch(tuple(points), _HEAD + b",".join(parts) + _TAIL, key, now_s)


def batch_of(points: Iterable[Point], key: str, now_s: float) -> Batch:
    """A batch of points that were in one before."""
    points = tuple(points)
    return Batch(points, _HEAD + b",".join(map(_encoded, points)) + _TAIL, key, now_s)


def new_key(now_ms: int, chance: int) -> str:
    """A UUIDv7 of this moment; `chance` are 74 bits of chance."""
    number = (now_ms & (1 << 48) - 1) << 80
    number |= 7 << 76 | (chance >> 62 & 0xFFF) << 64
    number |= 2 << 62 | chance & (1 << 62) - 1
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _encoded(point: Point) -> bytes:
    value = int(point.value) if point.value.is_integer() else point.value
    item = {"stat": point.stat, "value": value, "type": point.kind, "timestamp": point.at_ms}
    return _JSON.encode(item).encode()
