"""A dump of any form: what stats and alerts it has, and then the buckets of one stat at a time.

Law: looking through a dump tells all that is wrong with its shape; reading a stat tells what is
wrong with its files. A file that is wrong adds nothing, and the others count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from api.importing.archive import Archive
from api.importing.faults import DumpFault, Fault, FileFault
from api.importing.found import Contents, FoundAlert, FoundStat, Table, stathat_alert
from api.importing.own_csv import CATALOGUE, read_buckets, read_catalogue, read_series
from api.importing.stathat_csv import (
    ALERTS_COLUMNS,
    HEAD_BYTES,
    KINDS,
    STATS_COLUMNS,
    is_data,
    read_data,
    read_table,
    told_by,
)
from api.importing.stathat_json import read_json
from engine.stats import Kind, canonical_name

STATS_MAX: Final = 100_000
"""Stats of one dump."""

OTHERS_MAX: Final = 10_000
"""Alerts, annotations, dashboards and silences, of each kind: no account may have more."""

Reader = Callable[[bytes], Sequence[Table]]


@dataclass(eq=False, slots=True)
class Dump:
    """What was found in an archive; `stats` are in the order in which they are best read."""

    archive: Archive
    stats: list[FoundStat] = field(default_factory=list)
    alerts: list[FoundAlert] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    boards: list[dict[str, Any]] = field(default_factory=list)
    silences: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _readers: dict[str, Reader] = field(default_factory=dict)
    _last: tuple[str, Sequence[Table]] = ("", ())

    def read(self, stat: FoundStat, kind: Kind) -> Contents:
        """What the files of a stat of this kind say."""
        contents = Contents()
        for file in stat.files:
            try:
                tables = self._tables(file)
                mine = [one for one in tables if canonical_name(one.name) == stat.name]
                contents.series += [part for table in mine for part in table.series(kind)]
                contents.spreads += [part for table in mine for part in table.spreads]
            except FileFault as fault:
                contents.faults.append(Fault(file, f"{fault}"))
        return contents

    def _tables(self, file: str) -> Sequence[Table]:
        # A file of many stats is read once: they follow each other.
        if self._last[0] != file:
            self._last = (file, self._readers[file](self.archive.read(file)))
        return self._last[1]

    def add(self, stat: FoundStat, reader: Reader | None = None) -> None:
        """Note that a dump has a stat, with a file if there is a reader for it."""
        if reader is not None:
            self._readers[stat.files[0]] = reader
        self.stats.append(stat)


def open_dump(archive: Archive, name: str | None = None, kind: Kind | None = None) -> Dump:
    """Look through an upload; DumpFault when there is nothing in it that can be imported.

    `name` and `kind` are those of the stat of a file that does not say it.
    """
    dump = Dump(archive)
    catalogue = next((n for n in archive.names if PurePosixPath(n).name == CATALOGUE), None)
    if catalogue is not None:
        _own_export(dump, catalogue)
    else:
        for file in archive.names:
            try:
                _note(dump, file, name, kind)
            except FileFault as fault:
                dump.faults.append(Fault(file, f"{fault}"))
    dump.stats = _joined(dump.stats, dump.faults)
    if not (dump.stats or dump.alerts or dump.notes or dump.boards or dump.silences):
        told = f"; {dump.faults[0].what}: {dump.faults[0].message}" if dump.faults else ""
        raise DumpFault(f"there is nothing in it that can be imported{told}")
    if len(dump.stats) > STATS_MAX:
        raise DumpFault(f"it has more than {STATS_MAX:,} stats")
    others = len(dump.alerts), len(dump.notes), len(dump.boards), len(dump.silences)
    if max(others) > OTHERS_MAX:
        text = f"it has more than {OTHERS_MAX:,} alerts, annotations, dashboards or silences"
        raise DumpFault(text)
    return dump


def _own_export(dump: Dump, file: str) -> None:
    folder = file[: -len(CATALOGUE)]
    try:
        catalogue = read_catalogue(dump.archive.read(file))
    except FileFault as fault:
        raise DumpFault(f"{file}: {fault}") from fault
    dump.alerts = catalogue.found_alerts()
    dump.notes = [one.annotation for one in catalogue.annotations]
    dump.boards = [one.board for one in catalogue.dashboards]
    dump.silences = [one.silence for one in catalogue.silences]
    for stat in catalogue.found_stats():
        path = folder + stat.files[0]
        if path not in dump.archive.sizes:
            dump.faults.append(Fault(path, "the catalogue names it, and it is not there"))
            stat.files.clear()
            dump.add(stat)
            continue
        stat.files[0] = path
        named = stat.name
        dump.add(stat, lambda data, named=named: [read_buckets(data, named)])  # type: ignore[misc]


def _note(dump: Dump, file: str, name: str | None, kind: Kind | None) -> None:
    """Note what a file of StatHat, or a single one of ours, has."""
    archive = dump.archive
    base = PurePosixPath(file).name.lower()
    head = archive.read(file, HEAD_BYTES)
    if base == "stats.csv":
        for row in read_table(archive.read(file), STATS_COLUMNS):
            dump.add(FoundStat(row["name"], KINDS.get(row["type"].lower())))
    elif base == "alerts.csv":
        _note_alerts(dump, file)
    elif is_data(head):
        told, known = told_by(head, file)
        dump.add(FoundStat(told, known or kind, files=[file]), lambda data: [read_data(data, file)])
    elif head.lstrip()[:1] in (b"{", b"["):
        answer = read_json(archive.read(file))
        dump.stats += answer.stats
        dump.alerts += answer.alerts
        for table in answer.tables:
            stat = FoundStat(table.name, table.kind or kind, files=[file])
            dump.add(stat, lambda data: read_json(data).tables)
    elif base.endswith(".csv") or len(archive.names) == 1:
        for table in read_series(archive.read(file), name):
            dump.add(
                FoundStat(table.name, kind, files=[file]), lambda data: read_series(data, name)
            )


def _note_alerts(dump: Dump, file: str) -> None:
    for row in read_table(dump.archive.read(file), ALERTS_COLUMNS):
        try:
            dump.alerts.append(stathat_alert(row, row["stat_name"]))
        except ValueError:
            what = f"{file}: alert {row['id'][:40]}"
            dump.faults.append(Fault(what, "threshold and percentage must be numbers"))


def _joined(stats: Sequence[FoundStat], faults: list[Fault]) -> list[FoundStat]:
    """Each stat once, with all of its files; those of one file follow each other."""
    found: dict[str, FoundStat] = {}
    for one in stats:
        name = canonical_name(one.name)
        known = found.setdefault(name, FoundStat(name, one.kind, one.unit, one.percentiles))
        if one.kind is not None and known.kind is not None and one.kind is not known.kind:
            faults.append(
                Fault((one.files or [name])[0], f"it calls {name} a {one.kind}, others do not")
            )
            continue
        known.kind = known.kind or one.kind
        known.unit = known.unit or one.unit
        known.files += [file for file in one.files if file not in known.files]
    return sorted(found.values(), key=lambda stat: (stat.files[:1], stat.name))
