"""The points applied since the last checkpoint, as one-second rollups and minute histograms.

Pure. Turns are pieces in log order. Readers look a stat up in every piece, and a checkpoint merges
them all; so neighbouring pieces are merged into bigger ones as they come (a log-structured merge:
each row is merged once a level), a little work at a time.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise, starmap

import numpy as np

from engine.histogram import Histograms
from engine.ports import Partials
from engine.rollup import Ints, Rollups
from engine.tiers import M1, PARTIAL_S
from engine.turn import NO_POINTS, Turn

FAN_IN = 32
"""Neighbours that are merged into one: with 8, a row is merged three times before a checkpoint."""

ROWS_A_SLICE = 16_384
"""A checkpoint is merged so many rows at a time, a few milliseconds each; it may have 300,000."""

BYTES_A_ROW = 96
BYTES_A_BIN = 32


class Uncommitted:
    """A growing list of turns that can be read by stat and turned into partials."""

    def __init__(self) -> None:
        # levels[0] holds single turns, levels[n] merges of FAN_IN of the level below; the oldest
        # pieces stand in the highest level.
        self.levels: list[list[Turn]] = [[]]
        self.points = 0
        self.bytes = 0

    def __repr__(self) -> str:
        return f"<Uncommitted {self.points} points, levels {[len(level) for level in self.levels]}>"

    def add(self, turn: Turn, points: int) -> None:
        """Add a turn of that many points."""
        self.points += points
        self.bytes += bytes_of(turn)
        self.levels[0].append(turn)
        place = 0
        while len(self.levels[place]) == FAN_IN:
            if place + 1 == len(self.levels):
                self.levels.append([])
            merged = merge_turns(self.levels[place])
            # Of stats that come again and again one row is left of many.
            self.bytes += bytes_of(merged) - sum(map(bytes_of, self.levels[place]))
            self.levels[place + 1].append(merged)
            self.levels[place] = []
            place += 1

    def pieces(self) -> list[Turn]:
        """All turns in log order, merged into few pieces; each piece is sorted by stat."""
        return [piece for level in reversed(self.levels) for piece in level]


def bytes_of(turn: Turn) -> int:
    """How much memory a turn takes, about."""
    return BYTES_A_ROW * len(turn.seconds) + BYTES_A_BIN * len(turn.histograms)


def merge_turns(turns: list[Turn]) -> Turn:
    """Several turns, oldest first, as one."""
    return Turn(
        Rollups.merged([turn.seconds for turn in turns], 1),
        Histograms.merged([turn.histograms for turn in turns], M1.width_s),
    )


def partials_of(turn: Turn, fine: Collection[int] = ()) -> Partials:
    """What a checkpoint stores of a turn; the stats in `fine` keep their seconds."""
    if not fine:
        return Partials(turn.seconds.widened(PARTIAL_S), turn.histograms)
    kept = np.isin(turn.seconds.stat, np.fromiter(fine, np.int64, len(fine)))
    seconds = turn.seconds.take(kept)
    others = turn.seconds.take(~kept).widened(PARTIAL_S)
    # Different stats: nothing is left to add up.
    return Partials(Rollups.merged([others, seconds], 1), turn.histograms)


def merged_in_slices(
    turns: Sequence[Turn], fine: Collection[int] = (), rows: int = ROWS_A_SLICE
) -> Iterator[tuple[Turn, Partials]]:
    """Turns, oldest first, as one, and what a checkpoint stores of it: about so many rows a time.

    A stat is never cut; those in `fine` keep their seconds.
    """
    for part in _slices(turns, rows):
        turn = merge_turns(part)
        yield turn, partials_of(turn, fine)


def joined_slices(slices: Sequence[tuple[Turn, Partials]]) -> tuple[Turn, Partials]:
    """All of the slices as one."""
    if len(slices) == 1:
        return slices[0]
    seconds = Rollups.joined([turn.seconds for turn, _ in slices])
    rollups = Rollups.joined([partials.rollups for _, partials in slices])
    histograms = Histograms.joined([partials.histograms for _, partials in slices])
    return Turn(seconds, histograms), Partials(rollups, histograms)


def _slices(turns: Sequence[Turn], rows: int) -> Iterator[list[Turn]]:
    """The turns cut into ranges of stats, the lowest first."""
    total = sum(len(turn.seconds) for turn in turns)
    if total <= rows:
        yield list(turns)
        return
    biggest = max((turn.seconds.stat for turn in turns), key=len)
    bounds = np.unique(biggest[:: max(1, rows * len(biggest) // total)])[1:]
    cuts = [(_cut(t.seconds.stat, bounds), _cut(t.histograms.stat, bounds)) for t in turns]
    for number in range(len(bounds) + 1):
        yield [
            Turn(turn.seconds.take(seconds[number]), turn.histograms.take(histograms[number]))
            for turn, (seconds, histograms) in zip(turns, cuts, strict=True)
        ]


def _cut(stat: Ints, bounds: Ints) -> list[slice]:
    """The rows below the first bound, those from there below the second, and so on."""
    places = [0, *np.searchsorted(stat, bounds).tolist(), len(stat)]
    return list(starmap(slice, pairwise(places)))


NO_PARTIALS = partials_of(Turn.of(NO_POINTS))
