"""Long columns as bytes: whole numbers in the narrowest words that fit, anything else as it is.

Made for frames of thousands of rows, where nanoseconds a row count more than the last byte.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.rollup import EXACT_INTEGER, Floats, Ints
from storage.codec.frame import ROWS_MAX, BadFrame

Words = np.dtype[np.unsignedinteger[Any]]

WORDS: dict[int, Words] = {width: np.dtype(f"<u{width}") for width in (1, 2, 4, 8)}
DOUBLES = np.dtype("<f8")


def pack_ints(column: Ints) -> list[Any]:
    """Any whole numbers as [bytes a word, lowest, words above the lowest]."""
    if not len(column):
        return [0, 0, b""]
    low = int(column.min())
    span = int(column.max()) - low
    width = next(width for width in (0, *WORDS) if span < 1 << 8 * width)
    # A span that needs 64 bits wraps around here, and back when it is read.
    words = (column - low).astype(WORDS[width]).tobytes() if width else b""
    return [width, low, words]


def unpack_ints(packed: Sequence[Any], rows: int) -> Ints:
    """What `pack_ints` packed."""
    width, low, words = packed
    if not width:
        return np.full(rows, low, np.int64)
    column: Ints = exactly(rows, np.frombuffer(words, WORDS[width])).astype(np.int64)
    column += low
    return column


def pack_steps(column: Ints) -> list[Any]:
    """Whole numbers that are best told by how they grow from row to row."""
    return [*column[:1].tolist(), *pack_ints(np.diff(column))]


def unpack_steps(packed: Sequence[Any], rows: int) -> Ints:
    """What `pack_steps` packed."""
    column = np.zeros(rows, np.int64)
    if rows:
        column[0] = packed[0]
        column[1:] = unpack_ints(packed[1:], rows - 1)
    return np.cumsum(column)


def pack_floats(column: Floats) -> list[Any]:
    """Any numbers, to the last bit: packed as whole numbers if they are, else as [doubles]."""
    if len(column) and max(-column.min(), column.max()) < EXACT_INTEGER:
        whole = column.astype(np.int64)
        if same_bits(whole.astype(np.float64), column):
            return pack_ints(whole)
    return [column.astype(DOUBLES, copy=False).tobytes()]


def unpack_floats(packed: Sequence[Any], rows: int) -> Floats:
    """What `pack_floats` packed."""
    if len(packed) > 1:
        return unpack_ints(packed, rows).astype(np.float64)
    return exactly(rows, np.frombuffer(packed[0], DOUBLES)).astype(np.float64)


def same_bits(a: Floats, b: Floats) -> bool:
    """Whether two columns are equal to the last bit: minus zero is not zero."""
    return bool((a.view(np.int64) == b.view(np.int64)).all())


def exactly(rows: int, column: NDArray[Any]) -> NDArray[Any]:
    """The column, if it has so many rows; else BadFrame."""
    if len(column) != rows:
        raise BadFrame(f"a column has {len(column)} rows instead of {rows}")
    return column


def checked_rows(rows: object) -> int:
    """A number of rows that one may make columns of; else BadFrame."""
    if not isinstance(rows, int) or not 0 <= rows <= ROWS_MAX:
        raise BadFrame(f"{rows!r} rows, at most {ROWS_MAX}")
    return rows
