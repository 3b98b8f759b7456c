"""The content of rollup chunks: columns that repeat each other are named, the others packed.

Measured numbers have few decimals, sums of them are a last digit off at most, and what a sum lost
by rounding is a small multiple of a small power of two: so nearly all of it is small whole numbers.
The chunks of a batch are worked on together, as segments of long columns.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from engine.rollup import EXACT_INTEGER, Floats, Ints, Rollups
from storage.codec.columns import checked_rows
from storage.codec.patched import DECIMALS_MAX, POWERS, decimals_of, from_units, in_units, scaled
from storage.codec.planes import pack_planes, unpack_planes
from storage.codec.segments import Segments

ULPS_MAX = 1 << 15
"""A sum that is further than this many last digits from a decimal number is none."""

VALUES = ("min", "max", "first", "last", "sum")
"""Columns of values in stored order. Before them comes the count, which they may repeat."""

_UNIT_BITS = 52
_SHORT_BITS = 29

Told = tuple[Ints, Ints]
# Per segment how a column is told, and the column as whole numbers.


class How(IntEnum):
    """How a column of numbers is told; less than these: by the place of the one that it repeats."""

    CONSTANT = 6  # the value follows
    DECIMAL = 7
    NEARLY_DECIMAL = 8  # a column of last digits follows
    BITS = 9
    UNITS = 10  # how many bits all units lack follows
    SHORT = 11


def pack_rollups(chunks: Sequence[tuple[Rollups, int, int]]) -> Iterator[list[Any]]:
    """Of each (content, start of chunk, width of buckets) [rows, place, decimals, how, planes]."""
    filled = [chunk for chunk in chunks if len(chunk[0])]
    packed = _pack_filled(filled) if filled else iter(())
    for content, _, _ in chunks:
        yield [len(content), *(next(packed) if len(content) else ())]


def unpack_rollups(packed: Sequence[Any], stat: int, chunk_start: int, width_s: int) -> Rollups:
    """What was packed of one chunk."""
    rows = checked_rows(packed[0])
    if not rows:
        return Rollups.empty()
    _, place, decimals, how, planes = packed
    columns = iter(unpack_planes(planes, rows))
    count, first_ms, last_ms = next(columns), next(columns), next(columns)
    if place is None:
        start = next(columns)
        start += chunk_start
    else:
        first = chunk_start + place
        start = np.arange(first, first + rows * width_s, width_s)
    base = 1000 * start
    first_ms += base
    last_ms += base
    told = [count.astype(np.float64)]
    steps = iter(how)
    for _ in range(len(VALUES) + 2):
        told.append(_unpack(steps, columns, told, decimals))
    _, low, high, first_value, last, total, rest, squares = told
    return Rollups(
        np.full(rows, stat, np.int64), start, count, total, rest, squares, low, high,
        first_ms, first_value, last_ms, last,
    )  # fmt: skip


def _pack_filled(chunks: Sequence[tuple[Rollups, int, int]]) -> Iterator[Sequence[Any]]:
    rows = Rollups.joined([content for content, _, _ in chunks])
    segments = Segments.of([len(content) for content, _, _ in chunks])
    offset = rows.start - segments.spread(np.array([start for _, start, _ in chunks]))
    place = _places(offset, np.array([width_s for _, _, width_s in chunks]), segments)
    base = 1000 * rows.start
    values = np.array([getattr(rows, name) for name in VALUES])
    how, decimals, lines = _tell_values(rows.count, values, segments)
    rest_how, rest, lacking = _tell_rest(rows.rest, rows.sum, segments)
    squares_how, squares = _tell_squares(rows.squares, segments)
    matrix = np.array(
        [rows.count, rows.first_ms - base, rows.last_ms - base, offset, *lines, rest, squares]
    )
    used = np.ones((len(matrix), len(chunks)), np.bool_)
    used[3] = [one is None for one in place]
    used[4:9] = how > How.CONSTANT
    used[9] = how[-1] == How.NEARLY_DECIMAL
    used[10] = rest_how > How.CONSTANT
    used[11] = squares_how > How.CONSTANT
    steps = _steps(
        np.vstack([how, rest_how, squares_how]).T.tolist(),
        values[:, segments.first].T.tolist(),
        lacking.tolist(),
    )
    planes = pack_planes(matrix, segments, used)
    return zip(place, decimals.tolist(), steps, planes, strict=True)


def _places(offset: Ints, width_s: Ints, segments: Segments) -> list[int | None]:
    """Per chunk the offset of its first bucket, if the others follow it without a gap."""
    follows = np.diff(offset, prepend=0) == segments.spread(width_s)
    follows[segments.first] = True
    dense = segments.all(follows).tolist()
    first = offset[segments.first].tolist()
    return [at if whole else None for at, whole in zip(first, dense, strict=True)]


def _tell_values(count: Ints, values: Floats, segments: Segments) -> tuple[Ints, Ints, Ints]:
    """How each column of values is told, the decimals, and lines of whole numbers.

    There is one line more than there are columns: the last digits of sums.
    """
    bits = np.vstack([count.astype(np.float64), values]).view(np.int64)
    how = np.where(segments.constant(bits[1:]), How.CONSTANT, How.BITS)
    for column in range(1, len(bits)):
        equal = segments.all(bits[:column] == bits[column])
        how[column - 1] = np.where(equal.any(axis=0), equal.argmax(axis=0), how[column - 1])
    decimals, whole, fits = _in_decimals(values, how, segments)
    how[(how == How.BITS) & fits] = How.DECIMAL
    # The check above had to fail for the sums: they are what was added up, not what was measured.
    near = (whole[-1] / POWERS[segments.spread(decimals)]).view(np.int64)
    ulps = bits[-1] - near
    close = (np.abs(whole[-1]) < EXACT_INTEGER) & (ulps < ULPS_MAX) & (ulps > -ULPS_MAX)
    how[-1, (how[-1] == How.BITS) & segments.all(close)] = How.NEARLY_DECIMAL
    told = segments.spread((how == How.DECIMAL) | (how == How.NEARLY_DECIMAL))
    lines = np.where(told, np.where(told, whole, 0).astype(np.int64), bits[1:])
    return how, decimals, np.vstack([lines, ulps])


def _in_decimals(values: Floats, how: Ints, segments: Segments) -> tuple[Ints, Floats, Any]:
    """Per chunk the decimals that most columns get by with, and which columns do."""
    plain = how == How.BITS
    middle = np.where(plain, values[:, segments.first + segments.size // 2], 0.0)
    decimals = np.array([max(map(_few, column)) for column in middle.T.tolist()])
    while True:
        whole, fits = scaled(values, segments.spread(decimals))
        good = segments.all(fits)
        more = decimals.copy()
        for line, at in np.argwhere(plain & ~good).tolist():
            part = segments.slice(at)
            odd = float(values[line, part][fits[line, part].argmin()])
            more[at] = max(more[at], _few(odd))
        if (more == decimals).all():
            return decimals, whole, good
        decimals = more


def _few(value: float) -> int:
    """The decimals of a number, or none if they are many."""
    decimals = 0 if value.is_integer() else decimals_of(value)
    return decimals if decimals <= DECIMALS_MAX else 0


def _tell_rest(rest: Floats, total: Floats, segments: Segments) -> tuple[Ints, Ints, Ints]:
    """How the rests are told, as which whole numbers, and how many bits all of a chunk lack."""
    bits = rest.view(np.int64)
    none = np.zeros_like(segments.first)
    if not bits.any():
        return none + How.CONSTANT, bits, none
    whole, fits = in_units(rest, total, _UNIT_BITS)
    good = segments.all(fits)
    told = segments.spread(good)
    units = np.where(told, whole, 0).astype(np.int64)
    union = np.bitwise_or.reduceat(units, segments.first)
    lacking = np.maximum(np.frexp((union & -union).astype(np.float64))[1] - 1, 0)
    how = np.where(segments.all(bits == 0), How.CONSTANT, np.where(good, How.UNITS, How.BITS))
    return how, np.where(told, units >> segments.spread(lacking), bits), lacking


def _tell_squares(squares: Floats, segments: Segments) -> Told:
    bits = squares.view(np.int64)
    how = np.where(segments.all(bits == 0), How.CONSTANT, How.SHORT)
    return how, (bits + (1 << _SHORT_BITS - 1)) >> _SHORT_BITS


def _steps(
    how: list[list[int]], values: list[list[float]], lacking: list[int]
) -> Iterator[list[Any]]:
    """Per chunk the codes of its columns, each with what follows it."""
    for codes, firsts, bits in zip(how, values, lacking, strict=True):
        flat: list[Any] = []
        for code, value in zip(codes, [*firsts, 0.0, 0.0], strict=True):
            flat.append(code)
            if code == How.CONSTANT:
                flat.append(_shortest(value))
            elif code == How.UNITS:
                flat.append(bits)
        yield flat


def _shortest(value: float) -> int | float:
    whole = abs(value) < EXACT_INTEGER and value.is_integer() and str(value) != "-0.0"
    return int(value) if whole else value


def _unpack(
    how: Iterator[Any], columns: Iterator[Ints], told: list[Floats], decimals: int
) -> Floats:
    """The next column of numbers; `told` are those before it."""
    code = next(how)
    if code < How.CONSTANT:
        known: Floats = told[code]
        return known
    if code == How.CONSTANT:
        return np.full(len(told[0]), next(how), np.float64)
    column = next(columns)
    if code == How.DECIMAL:
        return np.asarray(column / POWERS[decimals])
    if code == How.NEARLY_DECIMAL:
        near: Floats = column / POWERS[decimals]
        return (near.view(np.int64) + next(columns)).view(np.float64)
    if code == How.UNITS:
        return from_units(column << next(how), told[len(VALUES)], _UNIT_BITS)
    if code == How.SHORT:
        column <<= _SHORT_BITS
    return column.view(np.float64)
