"""The folder that `stathat-export` wrote: `stats.csv`, `alerts.csv`, `data/*.csv`. Pure.

The name of a stat stands in its file; the name of the file is what a file system made of it.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import PurePosixPath
from typing import Final

from api.importing.faults import FileFault
from api.importing.found import Table
from api.importing.timeframes import width_of
from engine.stats import Kind

HEAD_BYTES: Final = 4_096
"""The comments and the header lie within these."""

STATS_COLUMNS: Final = ("id", "name", "type")
ALERTS_COLUMNS: Final = ("id", "stat_name", "kind", "time_window")
DATA_COLUMNS: Final = ("timestamp", "value")

NOTHING: Final = frozenset({"", "null", "NULL", "None"})
"""How exporters write that a bucket has no number."""

KINDS: Final[Mapping[str, Kind]] = {
    "counter": Kind.COUNTER, "count": Kind.COUNTER, "true": Kind.COUNTER,
    "value": Kind.VALUE, "false": Kind.VALUE,
}  # fmt: skip


def is_data(head: bytes) -> bool:
    """Whether a file that begins so has the buckets of a stat."""
    text = head.decode("utf-8-sig", "replace").lstrip()
    return text.startswith(("# stat_", '"# stat_', "timestamp,datetime,value"))


def told_by(head: bytes, file: str) -> tuple[str, Kind | None]:
    """Name and kind of the stat of a file that begins so."""
    notes: dict[str, str] = {}
    for row in _rows(head[: head.rfind(b"\n") + 1]):
        if not _noted(row, notes):
            break
    return _name(notes, file), KINDS.get(notes.get("stat_type", ""))


def read_data(data: bytes, file: str) -> Table:
    """The buckets of a file; FileFault says in which line it is wrong."""
    notes: dict[str, str] = {}
    rows = list(_rows(data))
    header = next((n for n, row in enumerate(rows) if row and not _noted(row, notes)), len(rows))
    if header == len(rows):
        raise FileFault("it has no line timestamp,datetime,value")
    at, number = _columns(rows[header], DATA_COLUMNS)
    start, value = _told(rows, header + 1, at, number)
    width_s = width_of(notes.get("timeframe", ""), start)
    if not width_s and start:
        raise FileFault("nothing tells how wide its bucket is: a line # timeframe: 1 year @ 1 day")
    kind = KINDS.get(notes.get("stat_type", ""))
    return Table(_name(notes, file), kind, width_s, start, value)


def read_table(data: bytes, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a file whose first line names at least these columns."""
    rows = _rows(data)
    header = next(rows, [])
    _columns(header, columns)
    found = []
    for line, row in enumerate(rows, 2):
        if len(row) not in (0, len(header)):
            raise FileFault(f"line {line} has {len(row)} cells, not {len(header)}")
        if row:
            found.append(dict(zip(header, row, strict=True)))
    return found


def _rows(data: bytes) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFault(f"byte {error.start} is not UTF-8") from None
    try:
        yield from csv.reader(text.splitlines(keepends=True), strict=True)
    except csv.Error as error:
        raise FileFault(f"it is no CSV: {error}") from None


def _told(
    rows: Sequence[Sequence[str]], begin: int, at: int, number: int
) -> tuple[list[int], list[float]]:
    """Times and values of the rows from `begin` on."""
    try:
        # Most files are plain, and there are thousands of them.
        start = [int(row[at]) for row in rows[begin:]]
        value = [float(row[number]) for row in rows[begin:]]
        if all(map(isfinite, value)):
            return start, value
    except (ValueError, IndexError):
        pass
    start, value = [], []
    for line, row in enumerate(rows[begin:], begin + 1):
        if not row:
            continue
        if len(row) <= max(at, number):
            raise FileFault(f"line {line} has {len(row)} cells")
        if row[number] not in NOTHING:
            start.append(_time(row[at], line))
            value.append(_number(row[number], line))
    return start, value


def _noted(row: list[str], notes: dict[str, str]) -> bool:
    """Take a comment such as `# stat_id: VP6Z`; False when the row is none."""
    if not row or not row[0].startswith("#"):
        return False
    # Names have commas, and not every exporter quotes them.
    name, _, text = ",".join(row)[1:].partition(":")
    notes[name.strip()] = text.strip()
    return True


def _name(notes: Mapping[str, str], file: str) -> str:
    return notes.get("stat_name") or PurePosixPath(file).stem


def _columns(header: list[str], wanted: tuple[str, ...]) -> tuple[int, ...]:
    missing = [name for name in wanted if name not in header]
    if missing:
        raise FileFault(f"its header lacks {', '.join(missing)}")
    return tuple(header.index(name) for name in wanted)


def _time(text: str, line: int) -> int:
    try:
        return int(text)
    except ValueError:
        return int(_number(text, line))


def _number(text: str, line: int) -> float:
    try:
        found = float(text)
    except ValueError:
        raise FileFault(f"line {line}: {text[:40]!r} is no number") from None
    if not isfinite(found):
        raise FileFault(f"line {line}: {text[:40]!r} is no number that can be counted")
    return found
