"""The audit: recount instead of comparing two counters of the same code.

Law: every point that was appended is in exactly one place: dead letters, purged stats, chunks,
frames, or the log beyond the last checkpoint. And wherever two tiers cover the same time, they
agree: counts, minima and maxima exactly, sums to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.ports import Chunk, Damaged, Snapshot, Store
from engine.position import Position
from engine.reader import Recent, Wanted, compose, spans_of
from engine.rollup import Rollups
from engine.tiers import D1, STORED, Tier

FAR_S = 2**38
"""Later than any bucket, in epoch seconds."""

TRIES_MAX = 10
"""A pass that a fold overtook is repeated this often."""

FAULTS_MAX = 100
"""Faults that are named; more are only counted by the last."""


@dataclass(frozen=True, slots=True)
class PartitionAudit:
    """What was found in one partition; all numbers are points, `faults` are sentences."""

    partition: int
    appended: int
    dead: int
    purged: int
    counted: int
    stats: int
    faults: tuple[str, ...]

    @property
    def missing(self) -> int:
        """Points that were appended and are nowhere; negative when some are counted twice."""
        return self.appended - self.dead - self.purged - self.counted

    @property
    def equal(self) -> bool:
        """Whether everything appended is accounted for and nothing is damaged."""
        return not self.faults and not self.missing


class _Overtaken(Exception):
    """A chunk is newer than the snapshot."""


async def audit(store: Store, partition: int, now_s: int) -> PartitionAudit:
    """Recount a partition at `now_s` (epoch seconds), also while it works."""
    for _ in range(TRIES_MAX):
        snapshot = await store.snapshot(partition)
        active = await store.active(partition, 0)
        try:
            return await _Recount(store, partition, snapshot, now_s).run([s for s, _ in active])
        except _Overtaken:
            continue
    raise Damaged(f"partition {partition}: the fold was faster {TRIES_MAX} times; try again")


class _Recount:
    """One pass over a snapshot and the chunks that belong to it."""

    def __init__(self, store: Store, partition: int, snapshot: Snapshot, now_s: int) -> None:
        self.store = store
        self.partition = partition
        self.snapshot = snapshot
        self.now_s = now_s
        self.faults = list(snapshot.faults)

    async def run(self, active: Sequence[int]) -> PartitionAudit:
        frames, totals = self.snapshot.frames, self.snapshot.totals
        stats = set(active).union(*(f.partials.rollups.stat.tolist() for f in frames))
        stats -= totals.purged.keys()
        counted = sum(entry.size for entry in self.snapshot.entries)
        for stat in sorted(stats):
            try:
                counted += await self._count(stat)
            except Damaged as error:
                self._fault(str(error))
        purged = sum(totals.purged.values())
        return PartitionAudit(
            self.partition, totals.appended, totals.dead, purged, counted, len(stats),
            tuple(self.faults),
        )  # fmt: skip

    async def _count(self, stat: int) -> int:
        """The points of a stat; notes a fault where two tiers disagree."""
        frames = self.snapshot.frames
        parts = [(f.position, f.partials.rollups.of_stat(stat)) for f in frames]
        recent = Recent.of(parts, Rollups.empty())
        total = await self._read(Wanted(stat, D1, 0, FAR_S), recent)
        for finer, wider in pairwise(STORED):
            from_s = self._shared_from(finer, wider)
            one = await self._read(Wanted(stat, finer, from_s, FAR_S), recent)
            other = await self._read(Wanted(stat, wider, from_s, FAR_S), recent)
            where = _difference(one.widened(wider.width_s), other)
            if where is not None:
                self._fault(
                    f"stat {stat}: the tiers {finer.name} and {wider.name} differ at {where}"
                )
        return int(total.count.sum())

    async def _read(self, wanted: Wanted, recent: Recent[Rollups]) -> Rollups:
        spans = spans_of(wanted, self.snapshot.state.closed)
        answers = await self.store.chunks(self.partition, spans)
        chunks: list[Chunk] = [chunk for answer in answers for chunk in answer]
        last = self.snapshot.frames[-1].position if self.snapshot.frames else Position(0, 0)
        if any(chunk.position > max(last, self.snapshot.position) for chunk in chunks):
            raise _Overtaken
        return compose(wanted, chunks, recent, Rollups.empty())

    def _shared_from(self, finer: Tier, wider: Tier) -> int:
        """The first start, in epoch seconds, from which both tiers hold everything."""
        oldest = max(finer.oldest(self.now_s), self.snapshot.state.dropped.get(finer.number, 0))
        return -(-oldest // wider.width_s) * wider.width_s

    def _fault(self, text: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)


def _difference(one: Rollups, other: Rollups) -> int | None:
    """The start of the first bucket in which they differ, or None."""
    if len(one) != len(other):
        odd = np.setxor1d(one.start, other.start)
        return int(odd[0]) if len(odd) else int(one.start[0])
    names = ("start", "count", "sum", "min", "max")
    wrong = np.any([getattr(one, name) != getattr(other, name) for name in names], axis=0)
    return int(one.start[np.argmax(wrong)]) if wrong.any() else None
