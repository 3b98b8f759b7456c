"""The points applied since the last checkpoint, as one-second rollups and minute histograms.

Pure. Turns are pieces in log order. Readers look a stat up in every piece, and a checkpoint merges
them all; so neighbouring pieces are merged into bigger ones as they come (a log-structured merge:
each row is merged once a level), a little work at a time.
"""

from collections.abc import Collection

import numpy as np

from engine.histogram import Histograms
from engine.ports import Partials
from engine.rollup import Rollups
from engine.tiers import M1, PARTIAL_S
from engine.turn import Turn

FAN_IN = 32
"""Neighbours that are merged into one: with 8, a row is merged three times before a checkpoint."""
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
        self.bytes += BYTES_A_ROW * len(turn.seconds) + BYTES_A_BIN * len(turn.histograms)
        self.levels[0].append(turn)
        place = 0
        while len(self.levels[place]) == FAN_IN:
            if place + 1 == len(self.levels):
                self.levels.append([])
            self.levels[place + 1].append(merge_turns(self.levels[place]))
            self.levels[place] = []
            place += 1

    def pieces(self) -> list[Turn]:
        """All turns in log order, merged into few pieces; each piece is sorted by stat."""
        return [piece for level in reversed(self.levels) for piece in level]

    def seal(self) -> Turn:
        """Everything as one piece."""
        return merge_turns(self.pieces())


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
