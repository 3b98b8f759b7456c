"""Answers as CSV, and the same CSV read back.

Pure. RFC 4180: UTF-8, CRLF, a header, a decimal point; an empty cell is "no data". Numbers are the
shortest text that reads back as the same double, so what is written can be imported unchanged.
Text that a spreadsheet would run as a formula gets a leading apostrophe, and so does text that
begins with one; reading takes it off again.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from math import isfinite
from zoneinfo import ZoneInfo

from api.query.errors import QueryError, quote
from api.query.series import Series
from engine.rollup import Floats

TIME_COLUMNS = ("time", "timestamp")
"""ISO 8601 with offset, and epoch seconds, of the start of the bucket."""

STAT_COLUMN = "stat"
NAME_CHARACTERS = 80
"""Characters of a stat's name in the name of a file."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One bucket read back: start in epoch seconds; None is "no data"."""

    stat: str | None
    start: int
    values: Mapping[str, float | None]


def csv_header(columns: Sequence[str], *, with_stat: bool = False) -> bytes:
    """The first line: `stat` for files of several stats, the times, then `columns`."""
    stat = (STAT_COLUMN,) if with_stat else ()
    return _lines([(*stat, *TIME_COLUMNS, *map(safe_text, columns))])


def csv_rows(series: Series, zone: ZoneInfo, stat: str | None = None) -> bytes:
    """One line a bucket, with the columns of `series` in their order."""
    start = series.start.tolist()
    times = [datetime.fromtimestamp(at, UTC).astimezone(zone).isoformat() for at in start]
    cells = [_cells(column) for column in series.columns.values()]
    if stat is not None:
        return _lines(zip([safe_text(stat)] * len(start), times, start, *cells, strict=True))
    return _lines(zip(times, start, *cells, strict=True))


def read_csv(lines: Iterable[str]) -> Iterator[CsvRow]:
    """The buckets of a file written here, also when it has LF or a byte order mark.

    Raises QueryError with the number of the line at the first thing that is not such a file.
    """
    reader = csv.reader(_without_mark(lines), strict=True)
    header: list[str] | None = None
    try:
        for row in reader:
            if header is None:
                header = _checked_header(row)
            elif row:
                yield _row(header, row, reader.line_num)
    except csv.Error as error:
        raise _bad(reader.line_num, str(error)) from error
    if header is None:
        raise _bad(1, "the file is empty")


def safe_text(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def plain_text(cell: str) -> str:
    """The text that `safe_text` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell


def file_name(name: str, from_s: int, to_s: int, resolution: str, suffix: str) -> str:
    """A name for a download, such as `page.views_20261122_20261123_1h.csv`."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:NAME_CHARACTERS].lstrip("._-") or "stat"
    days = (datetime.fromtimestamp(at, UTC).strftime("%Y%m%d") for at in (from_s, to_s))
    return f"{stem}_{'_'.join(days)}_{resolution}.{suffix}"


_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")


def _cells(column: Floats) -> list[str]:
    return ["" if x != x else repr(x).removesuffix(".0") for x in column.tolist()]


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _checked_header(row: list[str]) -> list[str]:
    header = [plain_text(cell) for cell in row]
    if "timestamp" not in header:
        raise _bad(1, "there is no column timestamp")
    if len(set(header)) != len(header):
        raise _bad(1, "a column occurs twice")
    return header


def _row(header: Sequence[str], row: Sequence[str], line: int) -> CsvRow:
    if len(row) != len(header):
        raise _bad(line, f"{len(row)} cells under {len(header)} columns")
    cells = dict(zip(header, row, strict=True))
    cells.pop("time", None)
    stat = cells.pop(STAT_COLUMN, None)
    start = cells.pop("timestamp")
    if not _WHOLE.fullmatch(start):
        raise _bad(line, f"timestamp {quote(start)} is not whole seconds")
    return CsvRow(
        None if stat is None else plain_text(stat),
        int(start),
        {name: _number(cell, name, line) for name, cell in cells.items()},
    )


_WHOLE = re.compile(r"[0-9]{1,12}")


def _number(cell: str, name: str, line: int) -> float | None:
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _bad(line, f"{name} {quote(cell)} is not a number")
    return number


def _bad(line: int, why: str) -> QueryError:
    return QueryError("csv_invalid", "file", f"line {line}: {why}")
