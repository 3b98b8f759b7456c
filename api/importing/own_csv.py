"""Our own files: a CSV of one stat or several, and the folder of a whole account. Pure."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from api.importing.faults import FileFault
from api.importing.found import FoundAlert, FoundStat, Table
from api.importing.own_histograms import ReadHistograms
from api.importing.series import Series, series_of
from api.importing.timeframes import width_of
from api.query.csvout import CsvRow, read_csv
from api.query.errors import QueryError
from engine.rollup import Rollups
from engine.stats import Kind
from engine.tiers import STORED

FORMAT: Final = "statflow-export/1"
CATALOGUE: Final = "catalogue.json"

BUCKET_COLUMNS: Final = ("resolution", "t", "count", "sum", "min", "max", "last")
TOLD_COLUMNS: Final = ("first", "first_ms", "last_ms", "squares", "rest")

_TIERS: Final = {tier.name: tier for tier in STORED}


class ListedStat(Struct, frozen=True):
    """A stat of a catalogue."""

    name: str
    type: Kind
    file: str
    unit: str | None = None
    percentiles: bool = True


class ListedChannel(Struct, frozen=True):
    """A channel of a catalogue."""

    id: str
    type: str
    name: str


class ListedStep(Struct, frozen=True):
    """Whom an alert of a catalogue tells later."""

    after: str | int
    channels: list[str] = []


class ListedReach(Struct, frozen=True):
    """Whom an alert of a catalogue tells."""

    channels: list[str] = []
    escalation: list[ListedStep] = []


_REACH: Final = ListedReach.__struct_fields__


class ListedAlert(Struct, frozen=True):
    """An alert of a catalogue."""

    alert: dict[str, Any]
    id: str = ""


class ListedNote(Struct, frozen=True):
    """An annotation of a catalogue."""

    annotation: dict[str, Any]


class ListedBoard(Struct, frozen=True):
    """A dashboard of a catalogue."""

    board: dict[str, Any]


class ListedSilence(Struct, frozen=True):
    """A silence or maintenance of a catalogue."""

    silence: dict[str, Any]


class Catalogue(Struct, frozen=True):
    """What a whole export has; what is not here comes in by hand."""

    format: str
    stats: list[ListedStat]
    channels: list[ListedChannel] = []
    alerts: list[ListedAlert] = []
    annotations: list[ListedNote] = []
    dashboards: list[ListedBoard] = []
    silences: list[ListedSilence] = []

    def found_stats(self) -> list[FoundStat]:
        """The stats and where their buckets are."""
        return [
            FoundStat(one.name, one.type, one.unit, one.percentiles, [one.file])
            for one in self.stats
        ]

    def found_alerts(self) -> list[FoundAlert]:
        """The alerts, with the channels by type and name."""
        known = {one.id: (one.type, one.name) for one in self.channels}
        return [_alert(one.alert, one.id, known) for one in self.alerts]


def read_catalogue(data: bytes) -> Catalogue:
    """The catalogue of an export; FileFault when it is none that is known here."""
    try:
        found = msgspec.json.decode(data, type=Catalogue)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileFault(f"it is no catalogue of an export: {error}") from None
    if found.format != FORMAT:
        raise FileFault(f"its format is {found.format[:40]!r}, and only {FORMAT} is known here")
    return found


def read_buckets(data: bytes, name: str) -> Table:
    """The buckets and the histograms of one stat of a whole export."""
    rows: dict[str, list[list[float]]] = {}
    spreads = ReadHistograms()
    reader = csv.reader(_text(data).splitlines(), strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in BUCKET_COLUMNS if column not in header]
        if missing:
            raise FileFault(f"its header lacks {', '.join(missing)}")
        told = [column for column in (*BUCKET_COLUMNS, *TOLD_COLUMNS) if column in header]
        place: dict[str, int] = {column: header.index(column) for column in told}
        spread = header.index("histogram") if "histogram" in header else None
        for row in reader:
            if row and row[place["count"]]:
                _add(rows, row, place, reader.line_num)
            elif row and spread is not None and row[spread]:
                spreads.add(row[place["resolution"]], row[place["t"]], row[spread])
    except (csv.Error, IndexError, ValueError, KeyError) as error:
        raise FileFault(f"line {reader.line_num} is no bucket: {error}") from None
    ready = list(starmap(_series, rows.items()))
    return Table(name, None, ready=ready, spreads=spreads.chunks())


def read_series(data: bytes, name: str | None) -> list[Table]:
    """The stats of a CSV as `/v1/stats/{id}/export` writes it; `name` is that of an only one."""
    by_stat: dict[str | None, list[CsvRow]] = {}
    try:
        for row in read_csv(_text(data).splitlines(keepends=True)):
            by_stat.setdefault(row.stat, []).append(row)
    except QueryError as error:
        raise FileFault(f"{error}") from None
    tables = []
    for stat, rows in by_stat.items():
        known = stat if stat is not None else name
        if known is None:
            raise FileFault("it does not say of which stat it is: give its name (stat=)")
        tables.append(_table(known, rows))
    return tables


def _table(name: str, rows: Sequence[CsvRow]) -> Table:
    start = [row.start for row in rows]
    width_s = width_of("", start)
    if not width_s:
        raise FileFault("it has one bucket, and nothing tells how wide that is")
    counts = [row.values.get("count") for row in rows]
    sums = [row.values.get("sum") for row in rows]
    if any(count is None for count in counts) or any(total is None for total in sums):
        told = [(row.start, row.values.get("value")) for row in rows]
        kept = [(at, value) for at, value in told if value is not None]
        return Table(name, None, width_s, [at for at, _ in kept], [value for _, value in kept])
    series = series_of(
        width_s, start, [total or 0.0 for total in sums], Kind.COUNTER,
        [int(count or 0) for count in counts],
    )  # fmt: skip
    return Table(name, None, ready=[_with_extremes(series, rows)])


def _with_extremes(series: Series, rows: Iterable[CsvRow]) -> Series:
    """The series with what the rows say of least, greatest and last values."""
    by_start: Mapping[int, CsvRow] = {row.start: row for row in rows}
    kept = [by_start[at] for at in series.rows.start.tolist()]
    columns = {}
    mean = (series.rows.sum / series.rows.count).tolist()
    for name in ("min", "max", "first", "last"):
        told = [row.values.get(name) for row in kept]
        columns[name] = np.array([m if t is None else t for t, m in zip(told, mean, strict=True)])
    return replace(series, rows=replace(series.rows, **columns))


def _add(
    rows: dict[str, list[list[float]]], row: Sequence[str], place: Mapping[str, int], line: int
) -> None:
    tier = _TIERS[row[place["resolution"]]]
    start = int(row[place["t"]])
    if start % tier.width_s:
        raise FileFault(f"line {line}: {start} is no multiple of {tier.name}")
    told = [float(row[place[name]]) for name in ("count", "sum", "min", "max", "last")]
    more = [row[place[name]] if name in place else "" for name in TOLD_COLUMNS]
    defaults = [told[4], start * 1000, (start + tier.width_s) * 1000 - 1, 0.0, 0.0]
    extra = [float(text) if text else default for text, default in zip(more, defaults, strict=True)]
    rows.setdefault(tier.name, []).append([start, *told, *extra])


def _series(resolution: str, rows: Sequence[Sequence[float]]) -> Series:
    table = np.array(rows)
    if not np.isfinite(table).all() or (table[:, 1] < 1).any():
        raise FileFault(f"a bucket of {resolution} has a number that cannot be counted")
    table = table[np.argsort(table[:, 0], kind="stable")]
    start, count, total, low, high, last, first, first_ms, last_ms, squares, rest = table.T
    ints = np.int64
    found = Rollups(
        np.zeros(len(table), ints), start.astype(ints), count.astype(ints), total, rest, squares,
        low, high, first_ms.astype(ints), first, last_ms.astype(ints), last,
    )  # fmt: skip
    return Series(_TIERS[resolution].width_s, found)


def _alert(
    form: Mapping[str, Any], alert_id: str, known: Mapping[str, tuple[str, str]]
) -> FoundAlert:
    try:
        reach = msgspec.convert(form, ListedReach)
    except msgspec.ValidationError:
        # Left in the form: whoever makes an alert of it says what is wrong.
        return FoundAlert(form, id=alert_id)
    rest = {name: value for name, value in form.items() if name not in _REACH}
    steps = [(step.after, _named(step.channels, known)) for step in reach.escalation]
    return FoundAlert(rest, _named(reach.channels, known), steps, alert_id)


def _named(channels: Iterable[str], known: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [known[one] for one in channels if one in known]


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFault(f"byte {error.start} is not UTF-8") from None
