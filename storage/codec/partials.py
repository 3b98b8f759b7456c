"""Partials as a frame of the recent stream: what a checkpoint adds, as columns.

Most rows of many stats hold one point. Of such a row only the stat, the time and the value are
written; it is made again from these.
"""

from typing import Any

import numpy as np

from engine.histogram import SCALES, Histograms
from engine.ports import Partials
from engine.rollup import Flags, Floats, Ints, Rollups
from engine.tiers import PARTIAL_S
from storage.codec.columns import (
    checked_rows,
    exactly,
    pack_floats,
    pack_ints,
    pack_steps,
    unpack_floats,
    unpack_ints,
    unpack_steps,
)
from storage.codec.frame import BadFrame, Form, opened, seal
from storage.codec.patched import (
    pack_patched,
    pack_rests,
    pack_table,
    unpack_patched,
    unpack_rests,
    unpack_table,
)

_VALUES = ("sum", "min", "max", "first", "last")
# Of one point these are its value; rest and squares are zero.


def encode_partials(partials: Partials) -> bytes:
    """One frame of rollups (all to the last bit) and histograms."""
    rollups = partials.rollups
    single = _single(rollups)
    many = rollups.take(~single)
    return seal(
        Form.PARTIALS,
        [
            len(rollups),
            pack_steps(rollups.stat),
            np.packbits(single).tobytes(),
            pack_ints(rollups.first_ms),
            pack_patched(rollups.first[single]),
            _pack_many(many),
            _pack_histograms(partials.histograms),
        ],
    )


def decode_partials(data: bytes) -> Partials:
    """What `encode_partials` encoded; raises BadFrame."""
    with opened(Form.PARTIALS, data) as parts:
        size, stat, bits, first_ms, values, many, histograms = parts
        rows = checked_rows(size)
        flags = np.unpackbits(np.frombuffer(bits, np.uint8))[:rows]
        single: Flags = exactly(rows, flags).astype(np.bool_)
        ones = int(single.sum())
        rollups = _rollups(
            unpack_steps(stat, rows),
            unpack_ints(first_ms, rows),
            single,
            unpack_patched(values, ones),
            _unpack_many(many, rows - ones),
        )
        return Partials(rollups, _unpack_histograms(histograms))


def _single(rollups: Rollups) -> Flags:
    """Rows that can be made again from their stat, time and value alone."""
    seconds = rollups.first_ms // 1000
    single: Flags = (rollups.count == 1) & (rollups.first_ms == rollups.last_ms)
    single &= rollups.start == seconds - seconds % PARTIAL_S
    # Compared by their bits: minus zero is not zero.
    first = rollups.first.view(np.int64)
    for column in (rollups.sum, rollups.min, rollups.max, rollups.last):
        single &= column.view(np.int64) == first
    for column in (rollups.rest, rollups.squares):
        single &= column.view(np.int64) == 0
    return single


def _pack_many(rows: Rollups) -> list[Any]:
    return [
        pack_ints(rows.first_ms - 1000 * rows.start),
        pack_ints(rows.last_ms - rows.first_ms),
        pack_ints(rows.count),
        pack_table([getattr(rows, name) for name in _VALUES]),
        pack_rests(rows.rest, rows.sum),
        pack_floats(rows.squares),
    ]


def _unpack_many(packed: list[Any], rows: int) -> dict[str, Any]:
    offset, length, count, table, rest, squares = packed
    columns = dict(zip(_VALUES, unpack_table(table, rows), strict=True))
    return {
        **columns,
        "start": unpack_ints(offset, rows),
        "last_ms": unpack_ints(length, rows),
        "count": unpack_ints(count, rows),
        "rest": unpack_rests(rest, columns["sum"]),
        "squares": unpack_floats(squares, rows),
    }


def _rollups(
    stat: Ints, first_ms: Ints, single: Flags, values: Floats, many: dict[str, Any]
) -> Rollups:
    """Rows in their order, from those of one point and those of many."""
    seconds = first_ms // 1000
    start = seconds - seconds % PARTIAL_S
    last_ms = first_ms.copy()
    several = ~single
    start[several] = (first_ms[several] - many["start"]) // 1000
    last_ms[several] += many["last_ms"]
    count = np.ones(len(stat), np.int64)
    count[several] = many["count"]
    columns = {}
    for name in (*_VALUES, "rest", "squares"):
        column = np.zeros(len(stat))
        if name in _VALUES:
            column[single] = values
        column[several] = many[name]
        columns[name] = column
    return Rollups(
        stat=stat, start=start, count=count, first_ms=first_ms, last_ms=last_ms, **columns
    )


def _pack_histograms(histograms: Histograms) -> list[Any]:
    return [
        histograms.scale,
        len(histograms),
        pack_steps(histograms.stat),
        pack_ints(histograms.start),
        pack_ints(np.abs(histograms.bin)),
        pack_ints((histograms.bin < 0).astype(np.int64)),
        pack_ints(histograms.count),
    ]


def _unpack_histograms(packed: list[Any]) -> Histograms:
    scale, size, stat, start, bins, negative, count = packed
    rows = checked_rows(size)
    if scale not in SCALES:
        raise BadFrame(f"partials: histograms of scale {scale!r}")
    return Histograms(
        scale,
        unpack_steps(stat, rows),
        unpack_ints(start, rows),
        unpack_ints(bins, rows) * (1 - 2 * unpack_ints(negative, rows)),
        unpack_ints(count, rows),
    )
