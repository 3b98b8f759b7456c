"""What really is in the log, noted when it was appended, and what must follow from it.

Law: nothing of the engine is used to count. A reading at a position is right if it holds exactly
the points that the log has up to there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.histogram import Histograms
from engine.ports import Entry
from engine.position import START, Position
from engine.rollup import Rollups
from engine.tiers import Tier
from tests.engine.model import Facts, facts

if TYPE_CHECKING:
    from engine.points import Batch, Command


class Row(NamedTuple):
    """One point in the log."""

    position: Position
    stat: int
    at_ms: int
    value: float

    @property
    def point(self) -> tuple[int, int, float]:
        """Stat, time and value, as they were sent."""
        return self.stat, self.at_ms, self.value


class Ledger:
    """The log of every partition as it was written, with nothing ever trimmed.

    `bare` holds each batch without claims as often as it was appended, by the object's identity.
    """

    def __init__(self) -> None:
        self.rows: dict[int, list[Row]] = {}
        self.commands: list[tuple[int, Position, Command]] = []
        self.bare: dict[int, list[Batch]] = {}
        self.entries: dict[int, list[Entry]] = {}

    def __repr__(self) -> str:
        return f"<Ledger of {sum(map(len, self.rows.values()))} points>"

    def append(self, partition: int, entry: Entry) -> None:
        """Note what was appended."""
        points = entry.points
        columns = points.stat.tolist(), points.at_ms.tolist(), points.value.tolist()
        for stat, at_ms, value in zip(*columns, strict=True):
            self.rows.setdefault(stat, []).append(Row(entry.position, stat, at_ms, value))
        self.commands += [(partition, entry.position, command) for command in entry.commands]
        self.entries.setdefault(partition, []).append(entry)

    def cut(self, tails: Sequence[Position]) -> None:
        """Forget what a crash took away: of each partition, what stands after its tail."""
        for stat, rows in self.rows.items():
            tail = tails[stat % len(tails)]
            self.rows[stat] = [row for row in rows if row.position <= tail]
        for partition, entries in self.entries.items():
            self.entries[partition] = [e for e in entries if e.position <= tails[partition]]

    def newest(self, partition: int) -> Position:
        """Where the last points of a partition stand."""
        entries = reversed(self.entries.get(partition, []))
        return next((entry.position for entry in entries if len(entry.points)), START)

    def buckets(
        self, stat: int, tier: Tier, from_s: int, to_s: int, until: Position
    ) -> dict[int, Facts]:
        """The buckets of a stat that start in [from_s, to_s), of the log up to a position."""
        found: dict[int, list[tuple[int, int, float]]] = {}
        for row in self.rows.get(stat, ()):
            start = tier.bucket(row.at_ms // 1000)
            if row.position <= until and from_s <= start < to_s:
                found.setdefault(start, []).append(row.point)
        return {start: facts(points) for start, points in sorted(found.items())}


def facts_of(rollups: Rollups) -> dict[int, Facts]:
    """What rollups of one stat say, by the start of the bucket."""
    names = ("count", "sum", "min", "max", "first_ms", "first", "last_ms", "last")
    columns = [getattr(rollups, name).tolist() for name in names]
    rows = zip(*columns, strict=True)
    return {start: Facts(*row) for start, row in zip(rollups.start.tolist(), rows, strict=True)}


def counts_of(histograms: Histograms) -> dict[int, int]:
    """How many values the histograms of one stat hold, by the start of the bucket."""
    counts: dict[int, int] = {}
    pairs = zip(histograms.start.tolist(), histograms.count.tolist(), strict=True)
    for start, count in pairs:
        counts[start] = counts.get(start, 0) + count
    return counts


def difference(found: dict[int, Facts], expected: dict[int, Facts]) -> str | None:
    """The first bucket that is wrong, in words; None when all are right."""
    for start in sorted(found.keys() | expected.keys()):
        one, other = found.get(start), expected.get(start)
        if one != other:
            return f"bucket {start}: {one}, expected {other}"
    return None
