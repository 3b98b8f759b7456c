"""What the tests of the codecs share: columns as odd as they come, and equality to the last bit."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from engine.histogram import Histograms
from engine.points import Points
from engine.rollup import Rollups
from storage.codec import BadFrame

Coded = TypeVar("Coded", Points, Rollups, Histograms)

# Decimals, whole numbers, and whatever else a double can be.
NUMBERS = st.one_of(
    st.integers(-1000, 100_000).map(lambda cents: cents / 100),
    st.integers(-(2**55), 2**55).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 0.1, 1.0, 5e-324, -1e100, 1e100, 2.0**53, 1.7e308]),
)
SMALL = st.integers(0, 300)
IDS = st.one_of(st.integers(1, 5), st.integers(1, 2**62))
COUNTS = st.one_of(st.just(1), st.integers(1, 50), st.integers(1, 2**62))


def column(draw: st.DrawFn, values: st.SearchStrategy[Any], rows: int) -> list[Any]:
    """So many values; sometimes all of them the same."""
    if draw(st.booleans()):
        return [draw(values)] * rows
    return draw(st.lists(values, min_size=rows, max_size=rows))


@st.composite
def rollups(draw: st.DrawFn, keys: Sequence[tuple[int, int]]) -> Rollups:
    """Rows of these (stat, start), sorted; columns may repeat each other."""
    rows = len(keys)
    stat, start = (np.array(part, np.int64) for part in zip(*keys, strict=True))
    numbers = [np.array(column(draw, NUMBERS, rows)) for _ in range(3)]
    pick = st.sampled_from(range(3))
    total, low, high, first, last = (numbers[draw(pick)].copy() for _ in range(5))
    first_ms = 1000 * start + column(draw, st.integers(0, 10**8), rows)
    last_ms = first_ms + column(draw, st.integers(0, 10**8), rows)
    rest = np.array(column(draw, st.one_of(st.just(0.0), NUMBERS), rows))
    if draw(st.booleans()):  # such as sums really leave
        rest = np.spacing(np.minimum(np.abs(total), 1e300)) * column(draw, SMALL, rows) / 1024
    # The squares of values up to 1e100 are far from the largest double, which rounds to infinity.
    squares = np.clip(column(draw, st.one_of(st.just(0.0), NUMBERS), rows), -1e300, 1e300)
    count = np.array(column(draw, COUNTS, rows), np.int64)
    return Rollups(
        stat, start, count, total, rest, squares, low, high, first_ms, first, last_ms, last
    )


def bits(coded: Coded, besides: str = "") -> dict[str, object]:
    """Every column as bytes, so that equal means equal to the last bit and of the same type."""
    return {
        field.name: (value.dtype.str, value.tobytes()) if isinstance(value, np.ndarray) else value
        for field in fields(coded)
        if field.name != besides
        for value in [getattr(coded, field.name)]
    }


def damaged(data: bytes, decode: Callable[[bytes], object]) -> list[str]:
    """What bytes were accepted although one of them had changed, or the end was missing."""
    accepted = []
    cases = [
        (f"byte {n}", data[:n] + bytes((data[n] ^ 0x55,)) + data[n + 1 :]) for n in where(data)
    ]
    cases += [(f"{n} bytes", data[:n]) for n in where(data)]
    cases.append(("one byte more", data + b"\0"))
    for name, bad in cases:
        try:
            decode(bad)
        except BadFrame:
            continue
        accepted.append(name)
    return accepted


def where(data: bytes) -> list[int]:
    """Places to look at: all of the first hundred, some of the others."""
    return [*range(min(100, len(data))), *range(100, len(data), 37)]
