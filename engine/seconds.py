"""The one-second tier: what was committed in the last minutes, in memory only.

Pure. Blocks of one checkpoint each, sorted by stat; the oldest go first when the time or the
budget is over. It begins anew after a restart.
"""

from collections import deque
from dataclasses import dataclass

from engine.points import AHEAD_LIMIT_MS
from engine.position import START, Position
from engine.rollup import Rollups
from engine.tiers import S1
from engine.uncommitted import BYTES_A_ROW

SECONDS_BYTES_MAX = 256 * 2**20
"""Memory for one-second rollups in a process; shared evenly among its partitions."""

KEEP_S = (S1.keep_s or 0) + AHEAD_LIMIT_MS // 1000
"""A block is kept this long: its points may have been ahead of the clock."""


@dataclass(frozen=True, slots=True)
class _Block:
    position: Position
    taken_s: int
    rollups: Rollups


class Seconds:
    """Committed one-second rollups of one partition.

    Everything after the position `begun` is here; before `complete_from_s` something is missing.
    """

    def __init__(self, bytes_max: int, begun: Position, begun_s: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.begun = begun
        self.complete_from_s = begun_s
        self._blocks: deque[_Block] = deque()

    def __repr__(self) -> str:
        return f"<Seconds {len(self._blocks)} blocks, {self.bytes} bytes>"

    def add(self, position: Position, rollups: Rollups, now_s: int) -> None:
        """Keep what a checkpoint committed up to `position`; drops what is old or too much."""
        self._blocks.append(_Block(position, now_s, rollups))
        self.bytes += BYTES_A_ROW * len(rollups)
        while self._blocks and (
            self._blocks[0].taken_s < now_s - KEEP_S or self.bytes > self.bytes_max
        ):
            self._forget(self._blocks.popleft())

    def _forget(self, gone: _Block) -> None:
        rollups = gone.rollups
        self.bytes -= BYTES_A_ROW * len(rollups)
        self.begun = gone.position
        end_s = int(rollups.start.max()) + 1 if len(rollups) else 0
        self.complete_from_s = max(self.complete_from_s, gone.taken_s, end_s)

    def of_stat(self, stat: int, since: Position = START) -> list[Rollups]:
        """The rows of a stat that were committed after `since`, oldest block first."""
        parts = [b.rollups.of_stat(stat) for b in self._blocks if b.position > since]
        return [part for part in parts if len(part)]
