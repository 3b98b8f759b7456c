"""The window table: the open buckets of every active stat, as columns.

Pure. One row per active stat, one set of columns per tier. A turn folds its seconds into all tiers
by vector steps, several turns at once. The table is a cache: it holds what came since the row
began, partials are the truth. A bucket closes when a newer one opens; points for closed buckets are
late and left to the partials. Points ahead of the turn's clock wait until their time has come, so
that one fast sender clock cannot close the windows of everybody.
"""

from dataclasses import dataclass

import numpy as np

from engine.rollup import Floats, Ints, Rollups, two_sum
from engine.tiers import TIERS, Tier

FOLD_ROWS = 8_192
"""Turns are gathered to this many rows before they are folded, unless somebody looks: a fold costs
some hundred calls of numpy, however few its rows."""

NEVER_MS = np.iinfo(np.int64).max
FIRST_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest point of a stat: its time in epoch milliseconds and its value."""

    at_ms: int
    value: float


class _Columns:
    """The open bucket of every row in one tier; `start` is -1 where nothing is open."""

    def __init__(self, rows: int) -> None:
        self.start: Ints = np.full(rows, -1, np.int64)
        self.count: Ints = np.zeros(rows, np.int64)
        self.sum: Floats = np.zeros(rows)
        self.rest: Floats = np.zeros(rows)
        self.squares: Floats = np.zeros(rows)
        self.min: Floats = np.zeros(rows)
        self.max: Floats = np.zeros(rows)
        self.first_ms: Ints = np.zeros(rows, np.int64)
        self.first: Floats = np.zeros(rows)
        self.last_ms: Ints = np.zeros(rows, np.int64)
        self.last: Floats = np.zeros(rows)

    def grow(self, rows: int) -> None:
        for name, column in vars(self).items():
            wider = np.full(rows, -1 if name == "start" else 0, column.dtype)
            wider[: len(column)] = column
            setattr(self, name, wider)

    def opened(self, row: Ints, part: Rollups) -> None:
        """Replace what is open in `row` by `part`; rows are distinct."""
        for name in vars(self):
            getattr(self, name)[row] = getattr(part, name)

    def added(self, row: Ints, part: Rollups) -> None:
        """Add `part` to the same bucket in `row`; rows are distinct."""
        count = self.count[row] + part.count
        mine, theirs = self.sum[row] + self.rest[row], part.sum + part.rest
        shift = theirs / part.count - mine / self.count[row]
        self.squares[row] += part.squares + shift * shift * self.count[row] * part.count / count
        total, lost = two_sum(self.sum[row], part.sum)
        self.sum[row], self.rest[row] = two_sum(total, lost + self.rest[row] + part.rest)
        self.count[row] = count
        self.min[row] = np.minimum(self.min[row], part.min)
        self.max[row] = np.maximum(self.max[row], part.max)
        earlier, later = part.first_ms < self.first_ms[row], part.last_ms >= self.last_ms[row]
        self.first[row[earlier]] = part.first[earlier]
        self.first_ms[row[earlier]] = part.first_ms[earlier]
        self.last[row[later]] = part.last[later]
        self.last_ms[row[later]] = part.last_ms[later]


class WindowTable:
    """Open buckets by (stat, tier); see the module for what a row holds."""

    def __init__(self) -> None:
        self.row_of: dict[int, int] = {}
        self.stats: Ints = np.zeros(FIRST_ROWS, np.int64)
        self.due_ms: Ints = np.full(FIRST_ROWS, NEVER_MS, np.int64)
        self.tiers = {tier: _Columns(FIRST_ROWS) for tier in TIERS}
        self.newest_ms: Ints = np.zeros(FIRST_ROWS, np.int64)
        self.newest: Floats = np.zeros(FIRST_ROWS)
        self._ahead: list[Rollups] = []
        self._gathered: list[Rollups] = []
        self._gathered_rows = 0

    def __repr__(self) -> str:
        return f"<WindowTable {len(self.row_of)} rows, {sum(map(len, self._ahead))} ahead>"

    def __len__(self) -> int:
        self._fold()
        return len(self.row_of)

    def add(self, seconds: Rollups, clock_ms: int) -> None:
        """Take a turn's one-second rollups (sorted, distinct); seen by whoever looks next."""
        seconds = self._arrived(seconds, clock_ms)
        if len(seconds):
            self._gathered.append(seconds)
            self._gathered_rows += len(seconds)
        if self._gathered_rows >= FOLD_ROWS:
            self._fold()

    def arrive(self, clock_ms: int) -> None:
        """Time passes: points that were ahead of the clock may not be any more."""
        if self._ahead:
            self.add(Rollups.empty(), clock_ms)

    def _fold(self) -> None:
        """Fold what was gathered into every tier's open bucket."""
        if not self._gathered:
            return
        gathered, self._gathered, self._gathered_rows = self._gathered, [], 0
        seconds = gathered[0] if len(gathered) == 1 else Rollups.merged(gathered, 1)
        newest = np.append(np.flatnonzero(np.diff(seconds.stat)), len(seconds) - 1)
        rows = self._rows_for(seconds.stat[newest])
        self._note_newest(rows, seconds.take(newest))
        part = seconds
        for tier, columns in self.tiers.items():
            part = part.widened(tier.width_s)
            # The stats are the same in every tier, so their rows are looked up once a fold.
            which = np.append(0, np.cumsum(part.stat[1:] != part.stat[:-1]))
            _fold(columns, rows[which], part)

    def bucket(self, stat: int, tier: Tier) -> Rollups:
        """What the table holds of the open bucket: one row, or none."""
        self._fold()
        row = self.row_of.get(stat)
        columns = self.tiers[tier]
        if row is None or columns.start[row] < 0:
            return Rollups.empty()
        one = {name: column[row : row + 1].copy() for name, column in vars(columns).items()}
        return Rollups(stat=np.array([stat], np.int64), **one)

    def latest(self, stat: int) -> Newest | None:
        """The newest point since the row began."""
        self._fold()
        row = self.row_of.get(stat)
        if row is None or not self.newest_ms[row]:
            return None
        return Newest(int(self.newest_ms[row]), float(self.newest[row]))

    def set_due(self, stat: int, at_ms: int) -> None:
        """Ask for `stat` to be named by `take_due` once `at_ms` has come."""
        self._rows_for(np.array([stat], np.int64))
        self.due_ms[self.row_of[stat]] = at_ms

    def take_due(self, now_ms: int) -> list[int]:
        """The stats whose time has come; each is named once."""
        rows = np.flatnonzero(self.due_ms[: len(self.row_of)] <= now_ms)
        self.due_ms[rows] = NEVER_MS
        stats: list[int] = self.stats[rows].tolist()
        return stats

    def _arrived(self, seconds: Rollups, clock_ms: int) -> Rollups:
        """Hold back what is ahead of the clock; return what is not, of now and of before."""
        clock_s = clock_ms // 1000
        if len(seconds) and int(seconds.start.max()) > clock_s:
            ahead = seconds.start > clock_s
            self._ahead.append(seconds.take(ahead))
            seconds = seconds.take(~ahead)
        if not self._ahead:
            return seconds
        waiting = Rollups.merged(self._ahead, 1)
        due = waiting.start <= clock_s
        self._ahead = [waiting.take(~due)] if not due.all() else []
        return Rollups.merged([waiting.take(due), seconds], 1) if due.any() else seconds

    def _rows_for(self, stats: Ints) -> Ints:
        for stat in stats.tolist():
            if stat not in self.row_of:
                row = len(self.row_of)
                if row == len(self.stats):
                    self._grow()
                self.row_of[stat] = row
                self.stats[row] = stat
        return np.fromiter(map(self.row_of.__getitem__, stats.tolist()), np.int64, len(stats))

    def _grow(self) -> None:
        rows = 2 * len(self.stats)
        self.stats = np.resize(self.stats, rows)
        self.due_ms = np.append(self.due_ms, np.full(rows // 2, NEVER_MS, np.int64))
        self.newest_ms = np.append(self.newest_ms, np.zeros(rows // 2, np.int64))
        self.newest = np.append(self.newest, np.zeros(rows // 2))
        for columns in self.tiers.values():
            columns.grow(rows)

    def _note_newest(self, row: Ints, newest: Rollups) -> None:
        later = newest.last_ms >= self.newest_ms[row]
        self.newest_ms[row[later]] = newest.last_ms[later]
        self.newest[row[later]] = newest.last[later]


def _fold(columns: _Columns, row: Ints, part: Rollups) -> None:
    """Fold `part` (sorted; several buckets of one row may follow each other) into `columns`."""
    same = part.start == columns.start[row]
    if same.any():
        columns.added(row[same], part.take(same))
    if same.all():
        return
    opens = part.start > columns.start[row]
    # Of several newer buckets of one row only the newest stays open.
    opens[:-1] &= row[:-1] != row[1:]
    if opens.any():
        columns.opened(row[opens], part.take(opens))
