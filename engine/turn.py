"""What a turn makes of the log entries it read. Pure.

Law: an entry counts whole or not at all. If the turn cannot be computed, it is computed entry by
entry, and the culprit becomes a dead letter.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from engine.histogram import Histograms, count_up
from engine.points import Points
from engine.ports import DeadLetter, Entry
from engine.rollup import Ints, Rollups, roll_up

log = logging.getLogger("statflow.engine")

TURN_POINTS_MAX = 16_384
"""Points in one turn: enough that the vector steps pay, few enough to hold the loop some 2 ms."""

ENDING = frozenset(("alert.put", "alert.watch"))
"""Commands after which something must be loaded before the next entry counts: they end a turn."""

NO_POINTS = Points.of((), (), ())


@dataclass(frozen=True, slots=True)
class Turn:
    """The points of a turn, in seconds and as histograms by the minute."""

    seconds: Rollups
    histograms: Histograms

    @classmethod
    def of(cls, points: Points, uncounted: Collection[int] = ()) -> "Turn":
        """Roll points up; the stats in `uncounted`, which may be many, get no histograms."""
        seconds = roll_up(points.stat, points.at_ms, points.value, 1)
        counted = points
        if uncounted:
            off = [stat for stat in dict.fromkeys(seconds.stat.tolist()) if stat in uncounted]
            counted = points.take(~np.isin(points.stat, off)) if off else points
        return cls(seconds, count_up(counted.stat, counted.at_ms, counted.value))

    @overload
    def of_kind(self, empty: Rollups) -> Rollups: ...

    @overload
    def of_kind(self, empty: Histograms) -> Histograms: ...

    def of_kind(self, empty: Rollups | Histograms) -> Rollups | Histograms:
        """The columns of the same kind as `empty`."""
        return self.seconds if isinstance(empty, Rollups) else self.histograms


def turns_of(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut entries into turns; an entry is never cut, and one with an ending command is the last."""
    part: list[Entry] = []
    points = 0
    for entry in entries:
        if part and points + len(entry.points) > TURN_POINTS_MAX:
            yield part
            part, points = [], 0
        part.append(entry)
        points += len(entry.points)
        if any(command.kind in ENDING for command in entry.commands):
            yield part
            part, points = [], 0
    if part:
        yield part


def turns_by_entry(
    entries: Sequence[Entry], turn: Turn, dead: Sequence[DeadLetter], stats: Ints
) -> Iterator[tuple[Entry, Turn]]:
    """Each entry of a turn with what it says of some stats (sorted), and perhaps of others."""
    if len(entries) == 1:
        yield entries[0], turn
        return
    lost = {letter.position for letter in dead}
    for entry in entries:
        told = NO_POINTS
        if len(stats) and len(entry.points) and entry.position not in lost:
            told = entry.points.take(np.isin(entry.points.stat, stats))
        yield entry, Turn.of(told)


def compute(
    entries: Sequence[Entry], uncounted: Collection[int] = ()
) -> tuple[Turn, list[DeadLetter]]:
    """The turn of these entries, and dead letters for those that cannot be counted."""
    dead = [DeadLetter(e.position, e.broken, e.size) for e in entries if e.broken is not None]
    sound = [entry for entry in entries if entry.broken is None]
    try:
        return Turn.of(_points(sound), uncounted), dead
    except Exception:  # The circle of the entry: one bad frame must not stop a partition for ever.
        log.exception("a turn of %d entries cannot be counted; trying each", len(sound))
    counted = [entry for entry in sound if _countable(entry, dead)]
    return Turn.of(_points(counted), uncounted), dead


def _points(entries: Sequence[Entry]) -> Points:
    return Points.joined([entry.points for entry in entries]) if entries else NO_POINTS


def _countable(entry: Entry, dead: list[DeadLetter]) -> bool:
    try:
        Turn.of(entry.points)
    except Exception as error:  # As above.
        dead.append(DeadLetter(entry.position, repr(error), len(entry.points)))
        return False
    return True
