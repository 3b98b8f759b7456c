"""The fold: committed partials become chunks, each written once its span is over.

Law: a chunk at position P holds exactly what frames up to P say about its span, so whatever the
fold did before it was killed, doing it again is right. Order: late partials into closed chunks,
then the spans that have ended, the finest tier first; then how far it came; only then may frames
be forgotten. A span that ends is always written, however old, because the tier above is made from
it; a late partial goes only where the tier still reaches.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import trio

from engine.histogram import Histograms
from engine.ladder import BUCKETS, SPREADS, Ladder
from engine.ports import Chunk, FoldState, Frame, Span, Store
from engine.position import START, Position
from engine.reader import Content, Recent, Wanted, compose
from engine.rollup import Ints, Rollups
from engine.tiers import HISTOGRAMS, STORED, Tier, below

GRACE_S = 30
"""A span is closed this long after its end: what comes later rewrites its chunk."""

STATS_A_SLICE = 64
"""Chunks made between two looks at the scheduler; holds the loop some 3 ms."""

SPANS_ASSUMED_MAX = 2
"""Of so many spans that ended, each active stat is taken to have something in each; after a longer
pause most have nothing in most."""

SPARSE_SCALE = 3
"""Scale of the histograms that are kept for ever: 8 bins per doubling, at most 4.4 % off."""

_CHUNK_BITS = 24
_CHUNK_MASK = (1 << _CHUNK_BITS) - 1
# Chunk numbers of the finest tier fit into this until the year 2129.


def initial_state(now_s: int) -> FoldState:
    """Where the fold of an empty partition begins: all that is over is closed and empty."""
    return FoldState({t.number: _last_end(t, now_s) for t in (*STORED, *HISTOGRAMS)})


class Fold:
    """Folds the frames of one partition; any run may be the first after a kill.

    `closed` tells per tier number until when (epoch seconds) its chunks are written; `gone` holds
    purged stats, whose partials are ignored.
    """

    def __init__(self, store: Store, partition: int, epoch: int, state: FoldState) -> None:
        self.store = store
        self.partition = partition
        self.epoch = epoch
        self.closed = dict(state.closed)
        self.dropped = dict(state.dropped)
        self.gone: set[int] = set()
        self.chunks_written = 0
        self._folded: Position = START
        self._writing = trio.Lock()

    def __repr__(self) -> str:
        return f"<Fold of partition {self.partition}, folded to {self._folded}>"

    async def run(self, frames: Sequence[Frame], now_s: int) -> Position | None:
        """Fold what `frames` (oldest first, all that are kept) make due at `now_s`.

        Returns the position up to which frames are no longer needed, or None.
        """
        through = frames[-1].position if frames else self._folded
        await self._fold_ladder(BUCKETS, frames, through, now_s)
        await self._fold_ladder(SPREADS, frames, through, now_s)
        self._folded = through
        return self._needless(frames)

    async def _fold_ladder(
        self, ladder: Ladder[Content], frames: Sequence[Frame], through: Position, now_s: int
    ) -> None:
        fresh = [ladder.rows(frame) for frame in frames if frame.position > self._folded]
        for tier in ladder.tiers:
            await self._note_passed_over(tier, fresh, now_s)
            closed, oldest = self.closed.get(tier.number, 0), tier.oldest(now_s)
            late = await _places(fresh, tier, oldest, closed)
            await self._write(ladder, tier, tier, late, frames, through)
        for tier in ladder.tiers:
            begun, end = self.closed.get(tier.number, 0), _last_end(tier, now_s)
            if end <= begun:
                continue
            ended = await self._ended(ladder, tier, frames, begun, end)
            await self._write(ladder, tier, below(tier), ended, frames, through)
            await self._write_state({tier.number: end}, {})

    async def note_dropped(self, before: Mapping[int, int]) -> None:
        """Say that chunks which start before `before[tier number]` are about to be forgotten."""
        later = {tier: max(start, self.dropped.get(tier, 0)) for tier, start in before.items()}
        await self._write_state({}, later)

    async def _write_state(self, closed: Mapping[int, int], dropped: Mapping[int, int]) -> None:
        """Note how far we came, in the store first: after a kill only what it knows is so."""
        async with self._writing:
            state = FoldState(self.closed | dict(closed), self.dropped | dict(dropped))
            await self.store.write_fold_state(self.partition, self.epoch, state)
            self.closed.update(closed)
            self.dropped.update(dropped)

    async def _note_passed_over(
        self, tier: Tier, fresh: Sequence[Rollups | Histograms], now_s: int
    ) -> None:
        """Say from when on the tier has everything, where new partials are too old for it.

        Were the clock ahead and set back later, nobody would know that they are missing.
        """
        oldest = tier.oldest(now_s)
        known = oldest <= self.dropped.get(tier.number, 0)
        if not known and any(len(rows) and int(rows.start.min()) < oldest for rows in fresh):
            await self.note_dropped({tier.number: oldest})

    async def _ended(
        self, ladder: Ladder[Content], tier: Tier, frames: Sequence[Frame], begun: int, end: int
    ) -> Ints:
        """The places with a span in [begun, end) that may have anything to hold."""
        found = await _places([ladder.rows(frame) for frame in frames], tier, begun, end)
        finer = below(tier)
        if finer is None:
            return found
        active = [stat for stat, _ in await self.store.active(self.partition, begun)]
        if end - begun > SPANS_ASSUMED_MAX * tier.chunk_s:
            return np.union1d(found, await self._held(finer, tier, sorted(active), begun, end))
        stats = np.array(active, np.int64) << _CHUNK_BITS
        for start in range(tier.chunk(begun), end, tier.chunk_s):
            found = np.union1d(found, stats | (start // tier.chunk_s))
            await trio.lowlevel.checkpoint()
        return found

    async def _held(
        self, finer: Tier, tier: Tier, stats: Sequence[int], begun: int, end: int
    ) -> Ints:
        """The places with a span in [begun, end) of which the finer tier holds something."""
        places: set[int] = set()
        for begin in range(0, len(stats), STATS_A_SLICE):
            part = [Span(stat, finer, begun, end) for stat in stats[begin : begin + STATS_A_SLICE]]
            for chunks in await self.store.chunks(self.partition, part):
                places.update(c.stat << _CHUNK_BITS | c.start // tier.chunk_s for c in chunks)
        return np.array(sorted(places), np.int64)

    async def _write(
        self,
        ladder: Ladder[Content],
        tier: Tier,
        source: Tier | None,
        places: Ints,
        frames: Sequence[Frame],
        through: Position,
    ) -> None:
        """Make chunks from those of the tier `source` (None: there are none) and from frames."""
        for begin in range(0, len(places), STATS_A_SLICE):
            part = self._wanted(tier, places[begin : begin + STATS_A_SLICE])
            if not part:
                continue
            answers: Sequence[Sequence[Chunk]] = [()] * len(part)
            if source is not None:
                spans = [Span(one.stat, source, one.from_s, one.to_s) for one in part]
                answers = await self.store.chunks(self.partition, spans)
            recent = _recent(ladder, frames, part[0].stat, part[-1].stat)
            chunks = []
            for one, found in zip(part, answers, strict=True):
                content = compose(one, found, recent.of_stat(one.stat), ladder.empty)
                if len(content):
                    chunks.append(_chunk(one, content, through))
            await self.store.write_chunks(self.partition, self.epoch, chunks)
            self.chunks_written += len(chunks)
            await trio.lowlevel.checkpoint()

    def _wanted(self, tier: Tier, places: Ints) -> list[Wanted]:
        pairs = ((place >> _CHUNK_BITS, place & _CHUNK_MASK) for place in places.tolist())
        return [
            Wanted(stat, tier, chunk * tier.chunk_s, (chunk + 1) * tier.chunk_s)
            for stat, chunk in pairs
            if stat not in self.gone
        ]

    def _needless(self, frames: Sequence[Frame]) -> Position | None:
        """The last of the oldest frames whose partials all lie in closed spans."""
        last = None
        for frame in frames:
            rollups, histograms = frame.partials.rollups, frame.partials.histograms
            if self._has_open(rollups, STORED[0]) or self._has_open(histograms, HISTOGRAMS[0]):
                return last
            last = frame.position
        return last

    def _has_open(self, rows: Rollups | Histograms, tier: Tier) -> bool:
        return bool(len(rows)) and int(rows.start.max()) >= self.closed.get(tier.number, 0)


def _chunk(wanted: Wanted, content: Rollups | Histograms, through: Position) -> Chunk:
    if isinstance(content, Histograms) and wanted.tier.keep_s is None:
        content = content.downscaled(SPARSE_SCALE)
    return Chunk(wanted.stat, wanted.tier, wanted.from_s, through, content)


def _last_end(tier: Tier, now_s: int) -> int:
    """The end of the newest span of a tier that is over at `now_s`."""
    return tier.chunk(max(0, now_s - GRACE_S))


async def _places(
    parts: Sequence[Rollups | Histograms], tier: Tier, from_s: int, to_s: int
) -> Ints:
    """Where rows belong whose chunk lies in [from_s, to_s): stat and chunk number in one integer.

    Sorted, each once. Looks at one part at a time, because a part may have 100,000 stats.
    """
    found = np.zeros(0, np.int64)
    for rows in parts:
        chunk = rows.start // tier.chunk_s
        inside = (chunk * tier.chunk_s >= from_s) & (chunk * tier.chunk_s < to_s)
        if inside.any():
            found = np.union1d(found, rows.stat[inside] << _CHUNK_BITS | chunk[inside])
            await trio.lowlevel.checkpoint()
    return found


def _recent(
    ladder: Ladder[Content], frames: Sequence[Frame], first: int, last: int
) -> Recent[Content]:
    """The partials of the stats from `first` to `last` in all frames."""
    parts = []
    for frame in frames:
        rows = ladder.rows(frame)
        low, high = np.searchsorted(rows.stat, (first, last + 1)).tolist()
        parts.append((frame.position, rows.take(slice(low, high))))
    return Recent.of(parts, ladder.empty)
