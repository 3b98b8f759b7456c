"""What gives way when memory or disk run out: first old detail, in the end new points.

Law: whatever is shortened or refused is said, never silent. Partitions with the most active stats
give way first.
"""

import logging
from collections.abc import Sequence

from engine.intake import Intake
from engine.partition import Partition
from engine.ports import Memory, Store
from engine.tiers import SHORTENED

log = logging.getLogger("statflow.engine")

SHORTEN_AT = 0.70
"""Share of the memory budget above which old detail gives way."""

LENGTHEN_AT = 0.55
READ_ONLY_AT = 0.85
WRITABLE_AT = 0.80
DISK_FREE_LEAST = 2**30
DISK_FREE_AGAIN = 3 * 2**29
"""Ingest stops when less than a gibibyte of disk is free, and goes on at half as much again."""

SETTLE_S = 60
"""After shortening, wait this long before looking whether it was enough."""


class Shedding:
    """Looks at the store's memory and disk, and decides what gives way."""

    def __init__(self, store: Store, intake: Intake, partitions: Sequence[Partition]) -> None:
        self.store = store
        self.intake = intake
        self.partitions = partitions
        self.memory: Memory | None = None
        self._settled_s = 0

    def __repr__(self) -> str:
        return f"<Shedding {self.memory}, read only: {self.intake.read_only}>"

    async def look(self, now_s: int) -> None:
        """Ask the store how full it is, and act."""
        memory = self.memory = await self.store.memory()
        self.intake.read_only = self._read_only(memory)
        share = memory.used / memory.limit if memory.limit else 0.0
        if now_s < self._settled_s:
            return
        if share > SHORTEN_AT:
            await self._shorten(now_s)
        elif share < LENGTHEN_AT:
            for partition in self.partitions:
                partition.history.shortened = 0

    def _read_only(self, memory: Memory) -> str | None:
        already = self.intake.read_only is not None
        share = memory.used / memory.limit if memory.limit else 0.0
        if share > (WRITABLE_AT if already else READ_ONLY_AT):
            return f"the store's memory is {share:.0%} full; raise maxmemory or keep less"
        least = DISK_FREE_AGAIN if already else DISK_FREE_LEAST
        if memory.disk_free is not None and memory.disk_free < least:
            return f"only {memory.disk_free >> 20} MiB of disk are free; make room"
        return None

    async def _shorten(self, now_s: int) -> None:
        """Take the next step in the biggest partition that has gone the fewest."""
        able = [
            partition
            for partition in self.partitions
            if partition.ready.is_set() and partition.history.shortened < len(SHORTENED)
        ]
        if not able:
            return
        able.sort(key=lambda partition: (partition.history.shortened, -len(partition.table)))
        history = able[0].history
        history.shortened += 1
        dropped = await history.sweep(now_s)
        log.warning("memory is short: %r keeps less detail, %d chunks gone", history, dropped)
        self._settled_s = now_s + SETTLE_S // len(self.partitions)
