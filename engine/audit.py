"""The audit: recount instead of comparing two counters of the same code.

Law: every point that was appended is in exactly one place: dead letters, purged stats, chunks,
frames, or the log beyond the last checkpoint. And wherever two tiers cover the same time, they
agree: counts, minima and maxima exactly, sums to the last bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.ports import Damaged, Snapshot, Span, Store
from engine.position import START
from engine.reader import Recent, Wanted, compose, spans_of
from engine.rollup import Rollups
from engine.tiers import FAR_S, STORED, Tier

STATS_A_STEP = 16
"""Stats whose chunks are read in one step of the store: a few thousand chunks."""

TRIES_MAX = 10
"""A pass that a fold overtook is repeated this often."""

FAULTS_MAX = 100
"""Faults that are named; more are only counted by the last."""


@dataclass(frozen=True, slots=True)
class PartitionAudit:
    """What was found in one partition; all numbers are points, `faults` are sentences.

    `imported` are the buckets of imports: no points, counted apart.
    """

    partition: int
    appended: int
    dead: int
    purged: int
    counted: int
    stats: int
    faults: tuple[str, ...]
    imported: int = 0

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
        self.ladder = list(self._ladder())

    async def run(self, active: Sequence[int]) -> PartitionAudit:
        frames, totals = self.snapshot.frames, self.snapshot.totals
        stats = set(active).union(*(f.partials.rollups.stat.tolist() for f in frames))
        counted = sum(entry.size for entry in self.snapshot.entries)
        ordered = sorted(stats - totals.purged.keys())
        for place in range(0, len(ordered), STATS_A_STEP):
            counted += await self._count(ordered[place : place + STATS_A_STEP])
        imported = await self._imported()
        purged = sum(totals.purged.values())
        # What only the log has is counted too: so are its stats.
        stats.update(*(entry.points.stat.tolist() for entry in self.snapshot.entries))
        known = len(stats - totals.purged.keys())
        return PartitionAudit(
            self.partition, totals.appended, totals.dead, purged, counted, known,
            tuple(self.faults), imported,
        )  # fmt: skip

    async def _count(self, stats: Sequence[int]) -> int:
        """The points of some stats; notes what is damaged and where two tiers differ."""
        try:
            tiers = await self._read(
                [Wanted(s, t, f, FAR_S) for s in stats for t, f in self.ladder]
            )
        except Damaged as error:
            if len(stats) > 1:
                return sum([await self._count([stat]) for stat in stats])
            self._fault(str(error))
            return 0
        size = len(self.ladder)
        for place, stat in enumerate(stats):
            self._compare(stat, tiers[place * size : (place + 1) * size])
        return sum(int(rollups.count.sum()) for rollups in tiers[size - 1 :: size])

    async def _imported(self) -> int:
        """The buckets of all imports; notes what of them is damaged."""
        buckets = 0
        for stat, numbers in (await self.store.imports(self.partition)).items():
            wanted = [(n, Span(stat, tier, 0, FAR_S)) for n in numbers for tier in STORED]
            try:
                found = await self.store.imported(self.partition, wanted)
            except Damaged as error:
                self._fault(str(error))
                continue
            buckets += sum(len(chunk.content) for part in found for chunk in part)
        return buckets

    async def _read(self, wanted: Sequence[Wanted]) -> list[Rollups]:
        """What chunks and frames say, in one step of the store."""
        spans = [spans_of(one, self.snapshot.state.closed) for one in wanted]
        answers = iter(await self.store.chunks(self.partition, [s for part in spans for s in part]))
        found = [[chunk for _ in part for chunk in next(answers)] for part in spans]
        last = self.snapshot.frames[-1].position if self.snapshot.frames else START
        last = max(last, self.snapshot.position)
        if any(chunk.position > last for chunks in found for chunk in chunks):
            raise _Overtaken
        recent = {one.stat: self._recent(one.stat) for one in wanted}
        return [
            compose(one, chunks, recent[one.stat], Rollups.empty())
            for one, chunks in zip(wanted, found, strict=True)
        ]

    def _recent(self, stat: int) -> Recent[Rollups]:
        frames = self.snapshot.frames
        parts = [(frame.position, frame.partials.rollups.of_stat(stat)) for frame in frames]
        return Recent.of(parts, Rollups.empty())

    def _compare(self, stat: int, tiers: Sequence[Rollups]) -> None:
        """Note a fault for each two neighbours of the ladder that differ."""
        for (finer, one), (wider, other) in pairwise(zip(STORED, tiers, strict=True)):
            from_s = self._shared_from(finer, wider)
            where = _difference(
                one.between(from_s, FAR_S).widened(wider.width_s), other.between(from_s, FAR_S)
            )
            if where is not None:
                self._fault(
                    f"stat {stat}: the tiers {finer.name} and {wider.name} differ at {where}"
                )

    def _ladder(self) -> Iterator[tuple[Tier, int]]:
        """Each stored tier, and from when on (epoch seconds) it is needed; all of the widest."""
        begin = FAR_S
        for finer, wider in pairwise(STORED):
            shared = self._shared_from(finer, wider)
            yield finer, min(begin, shared)
            begin = shared
        yield STORED[-1], 0

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
