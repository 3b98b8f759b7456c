"""Buckets and histograms as rows of an export's CSV. Pure.

Law: a number is the shortest text that reads back as the same double, so nothing changes on the way
out and in again.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from engine.histogram import Histograms
from engine.rollup import Floats, Rollups

COLUMNS: Final = (
    "resolution", "t", "count", "sum", "min", "max", "last", "histogram", "first", "first_ms",
    "last_ms", "squares", "rest",
)  # fmt: skip

HEADER: Final = (",".join(COLUMNS) + "\r\n").encode()


def bucket_rows(rollups: Rollups, resolution: str) -> bytes:
    """The buckets of one stat, one a line."""
    columns: tuple[Sequence[object], ...] = (
        rollups.start.tolist(), rollups.count.tolist(), _texts(rollups.sum), _texts(rollups.min),
        _texts(rollups.max), _texts(rollups.last), _texts(rollups.first),
        rollups.first_ms.tolist(), rollups.last_ms.tolist(), _texts(rollups.squares),
        _texts(rollups.rest),
    )  # fmt: skip
    return _lines(
        f"{resolution},{t},{count},{total},{low},{high},{last},,{first},{first_ms},{last_ms},{sq},{rest}"
        for t, count, total, low, high, last, first, first_ms, last_ms, sq, rest in zip(
            *columns, strict=True
        )
    )


def histogram_rows(histograms: Histograms, resolution: str) -> bytes:
    """The histograms of one stat, one bucket a line."""
    rows = zip(
        histograms.start.tolist(), histograms.bin.tolist(), histograms.count.tolist(), strict=True
    )
    before = "," * (COLUMNS.index("histogram") - 1)
    after = "," * (len(COLUMNS) - COLUMNS.index("histogram") - 1)
    return _lines(
        f"{resolution},{t}{before}{histograms.scale} {_bins(counted)}{after}"
        for t, counted in groupby(rows, itemgetter(0))
    )


def _bins(counted: Iterable[tuple[int, int, int]]) -> str:
    return " ".join(f"{place}:{count}" for _, place, count in counted)


def _texts(column: Floats) -> list[str]:
    return [repr(value).removesuffix(".0") for value in column.tolist()]


def _lines(rows: Iterable[str]) -> bytes:
    return "".join(f"{row}\r\n" for row in rows).encode()
