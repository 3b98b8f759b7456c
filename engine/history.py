"""What is committed: recent frames in memory and in the store, and chunks in the store.

Law: a frame is forgotten only after the fold says that chunks hold all of it, and a chunk only
after the tier above has what it says.
"""

import logging
from collections.abc import Sequence

from engine.fold import Fold, initial_state
from engine.ports import Frame, Ownership, Store
from engine.position import Position
from engine.reader import Content, Recent
from engine.supervision import patiently
from engine.tiers import HISTOGRAMS, SHORTENED, STORED, above, least_keep_s

log = logging.getLogger("statflow.engine")

SWEEP_STATS = 256
"""Stats whose expired chunks are dropped in one step of the store."""


class History:
    """The committed side of one partition.

    `trimmed` is the position up to which frames may be missing; `shortened` says how many steps
    of `SHORTENED` are kept only as long as the tier above needs them. Frames of the last `kept_s`
    seconds of the log are kept whatever chunks hold: they have seconds, which chunks have not.
    """

    def __init__(self, store: Store, own: Ownership, fold: Fold, frames: list[Frame]) -> None:
        self.store = store
        self.partition = own.partition
        self.epoch = own.epoch
        self.fold = fold
        self.frames = frames
        self.trimmed = frames[0].position if frames else own.position
        self.shortened = 0
        self.kept_s = 0

    def __repr__(self) -> str:
        return f"<History of partition {self.partition}: {len(self.frames)} frames, {self.fold!r}>"

    @classmethod
    async def load(cls, store: Store, own: Ownership, now_s: int) -> "History":
        """What an owner finds in the store; waits until the store answers."""
        number, name = own.partition, f"partition {own.partition}"
        frames = await patiently(name, lambda: store.frames(number))
        state = await patiently(name, lambda: store.fold_state(number))
        if not state.closed:
            state = initial_state(now_s)
            await patiently(name, lambda: store.write_fold_state(number, own.epoch, state))
        totals = await patiently(name, lambda: store.totals(number))
        fold = Fold(store, number, own.epoch, state)
        fold.gone.update(totals.purged)
        return cls(store, own, fold, frames)

    @property
    def closed_s(self) -> int:
        """Until when chunks of the finest tier are written, in epoch seconds."""
        return self.fold.closed.get(STORED[0].number, 0)

    def add(self, frame: Frame) -> None:
        """Keep what a checkpoint has committed."""
        if len(frame.partials.rollups):
            self.frames.append(frame)

    def recent(
        self, stat: int, uncommitted: Sequence[tuple[Position, Content]], empty: Content
    ) -> Recent[Content]:
        """The partials of a stat: those of the frames, then the uncommitted ones."""
        parts: list[tuple[Position, Content]] = [
            (frame.position, frame.partials.of_kind(empty).of_stat(stat)) for frame in self.frames
        ]
        parts.extend(uncommitted)
        return Recent.of(parts, empty)

    def touched(self, stat: int, since: Position) -> list[int] | None:
        """Starts of the 10 s buckets of frames after `since`; None when some may be forgotten."""
        if since < self.trimmed:
            return None
        starts: set[int] = set()
        for frame in self.frames:
            if frame.position > since:
                starts.update(frame.partials.rollups.of_stat(stat).start.tolist())
        return sorted(starts)

    async def fold_once(self, now_s: int) -> None:
        """Fold what is due at `now_s`, then forget the frames that are not needed any more."""
        needless = self._old(await self.fold.run(tuple(self.frames), now_s))
        if needless is not None:
            await self.store.trim_frames(self.partition, self.epoch, needless)
            self.frames = [frame for frame in self.frames if frame.position > needless]
            self.trimmed = max(self.trimmed, needless)

    def _old(self, needless: Position | None) -> Position | None:
        """The last frame up to `needless` that is old enough to be forgotten."""
        if needless is None or not self.kept_s:
            return needless
        until_ms = self.frames[-1].position.ms - 1000 * self.kept_s
        old = [f.position for f in self.frames if f.position <= needless]
        return max((position for position in old if position.ms < until_ms), default=None)

    def oldest_kept(self, now_s: int) -> dict[int, int]:
        """Per tier number, the start (epoch seconds) from which buckets are kept."""
        shorter = {tier for step in SHORTENED[: self.shortened] for tier in step}
        oldest = {}
        for tier in (*STORED, *HISTOGRAMS):
            keep_s = least_keep_s(tier) if tier in shorter else tier.keep_s
            start = 0 if keep_s is None else tier.chunk(max(0, now_s - keep_s))
            # What was dropped when memory was short does not come back when there is room again.
            oldest[tier.number] = max(start, self.fold.dropped.get(tier.number, 0))
        return oldest

    async def sweep(self, now_s: int) -> int:
        """Drop the chunks that are no longer kept, some stats at a time; returns how many."""
        stats = sorted(stat for stat, _ in await self.store.active(self.partition, 0))
        before = self._needless(now_s)
        await self.fold.note_dropped(before)
        dropped = 0
        for place in range(0, len(stats), SWEEP_STATS):
            part = stats[place : place + SWEEP_STATS]
            dropped += await self.store.drop_chunks(self.partition, self.epoch, before, part)
        return dropped

    def _needless(self, now_s: int) -> dict[int, int]:
        """Per tier number, the start before which chunks are old and the tier above has them."""
        before = self.oldest_kept(now_s)
        for tier in (*STORED, *HISTOGRAMS):
            wider = above(tier)
            if wider is not None:
                taken = self.fold.closed.get(wider.number, 0)
                before[tier.number] = min(before[tier.number], taken)
        return before
