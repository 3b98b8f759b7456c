"""The one-second tier: what was committed in the last minutes, in memory only.

Pure. Blocks of one checkpoint each, sorted by stat; the oldest go first when the time or the
budget is over. It begins anew after a restart.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from engine.points import AHEAD_LIMIT_MS
from engine.position import START, Position
from engine.rollup import Rollups
from engine.tiers import S1
from engine.uncommitted import BYTES_A_ROW

SECONDS_BYTES_MAX = 256 * 2**20
"""Memory for one-second rollups in a process; shared evenly among its partitions."""

AHEAD_STATS_MAX = 10_000
"""When more stats are ahead of the clock than this, it is the clock: then all are treated alike."""

KEEP_S = (S1.keep_s or 0) + AHEAD_LIMIT_MS // 1000
"""A block is kept this long: its points may have been ahead of the clock."""


@dataclass(frozen=True, slots=True)
class _Block:
    position: Position
    taken_s: int
    rollups: Rollups
    first: int
    last: int

    def of_stat(self, stat: int) -> Rollups | None:
        """The rows of a stat, or None where there is none: most blocks are not looked into."""
        if not self.first <= stat <= self.last:
            return None
        rows = self.rollups.of_stat(stat)
        return rows if len(rows) else None


class Seconds:
    """Committed one-second rollups of one partition.

    Everything after the position `begun` is here; before `complete_from_s` something is missing,
    and of some stats longer: of those whose points came ahead of the clock.
    """

    def __init__(self, bytes_max: int, begun: Position, begun_s: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.begun = begun
        self.complete_from_s = begun_s
        self._blocks: deque[_Block] = deque()
        # Of them alone: one fast clock of a sender must not blind everybody.
        self._ahead: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Seconds {len(self._blocks)} blocks, {self.bytes} bytes>"

    def add(self, position: Position, rollups: Rollups, now_s: int) -> None:
        """Keep what a checkpoint committed up to `position`; drops what is old or too much."""
        first, last = (int(rollups.stat[0]), int(rollups.stat[-1])) if len(rollups) else (0, -1)
        self._blocks.append(_Block(position, now_s, rollups, first, last))
        self.bytes += BYTES_A_ROW * len(rollups)
        while self._blocks and (
            self._blocks[0].taken_s < now_s - KEEP_S or self.bytes > self.bytes_max
        ):
            self._forget(self._blocks.popleft())

    def _forget(self, gone: _Block) -> None:
        self.bytes -= BYTES_A_ROW * len(gone.rollups)
        self.begun = gone.position
        self.miss(gone.rollups, gone.taken_s)

    def miss(self, rollups: Rollups, taken_s: int) -> None:
        """Know that points which were committed until `taken_s` (epoch s) are not here."""
        self.complete_from_s = max(self.complete_from_s, taken_s)
        known = {stat: end for stat, end in self._ahead.items() if end > self.complete_from_s}
        ahead = rollups.take(rollups.last_ms // 1000 >= self.complete_from_s)
        # Of each stat the newest: rows are sorted.
        ahead = ahead.take(np.append(ahead.stat[1:] != ahead.stat[:-1], True)[: len(ahead)])
        for stat, last_ms in zip(ahead.stat.tolist(), ahead.last_ms.tolist(), strict=True):
            known[stat] = max(last_ms // 1000 + 1, known.get(stat, 0))
        if len(known) > AHEAD_STATS_MAX:
            self.complete_from_s, known = max(known.values()), {}
        self._ahead = known

    def complete_from(self, stat: int) -> int:
        """From this second (epoch s) on nothing of the stat is missing."""
        return max(self.complete_from_s, self._ahead.get(stat, 0))

    def of_stat(self, stat: int, since: Position = START) -> list[Rollups]:
        """The rows of a stat that were committed after `since`, oldest block first."""
        parts = (b.of_stat(stat) for b in self._blocks if b.position > since)
        return [part for part in parts if part is not None]
