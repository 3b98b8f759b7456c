"""Batches as a log entry: one frame holds the points of all requests of a group, as columns."""

from collections.abc import Iterable, Sequence
from itertools import starmap

import numpy as np

from engine.points import Batch, Command, Points
from storage.codec.columns import (
    checked_rows,
    pack_floats,
    pack_ints,
    unpack_floats,
    unpack_ints,
)
from storage.codec.frame import BadFrame, Form, opened, seal


def encode_log(batches: Sequence[Batch]) -> bytes:
    """One log frame of all points and commands of `batches`, in order."""
    points = Points.joined([batch.points for batch in batches])
    return seal(
        Form.LOG,
        [
            len(points),
            [len(batch.points) for batch in batches],
            pack_ints(points.stat),
            pack_ints(points.at_ms),
            pack_floats(points.value),
            [[c.kind, c.stat, c.body] for batch in batches for c in batch.commands],
        ],
    )


def decode_log(data: bytes, skip: bytes = b"") -> tuple[Points, tuple[Command, ...]]:
    """The points of a log frame but the rows that `skip` masks out, and its commands.

    Raises BadFrame when either cannot be read.
    """
    ranges = decode_skip(skip)
    with opened(Form.LOG, data) as fields:
        size, requests, stat, at_ms, value, commands = fields
        rows = checked_rows(size)
        if sum(requests) != rows:
            raise BadFrame(f"log: requests of {sum(requests)} rows in a frame of {rows}")
        points = Points(
            unpack_ints(stat, rows), unpack_ints(at_ms, rows), unpack_floats(value, rows)
        )
        made = tuple(starmap(_command, commands))
    return _unmasked(points, ranges), made


def encode_skip(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Row ranges [low, high) of a frame as the text `low-high,low-high`."""
    return ",".join(f"{low}-{high}" for low, high in ranges).encode()


def decode_skip(skip: bytes) -> list[tuple[int, int]]:
    """What `encode_skip` made; BadFrame when it is anything else."""
    ranges = []
    for part in skip.split(b",") if skip else ():
        low, dash, high = part.partition(b"-")
        if not (dash and low.isdigit() and high.isdigit() and int(low) <= int(high)):
            raise BadFrame(f"skip: {part!r} is not a range of rows")
        ranges.append((int(low), int(high)))
    return ranges


def _command(kind: object, stat: object, body: object) -> Command:
    if not (isinstance(kind, str) and isinstance(stat, int) and isinstance(body, bytes)):
        raise BadFrame(f"log: {kind!r} is not a command")
    return Command(kind, stat, body)


def _unmasked(points: Points, ranges: Sequence[tuple[int, int]]) -> Points:
    if not ranges:
        return points
    keep = np.ones(len(points), np.bool_)
    for low, high in ranges:
        if high > len(points):
            raise BadFrame(f"skip: row {high} of {len(points)}")
        keep[low:high] = False
    return points.take(keep)
