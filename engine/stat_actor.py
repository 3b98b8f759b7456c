"""A stat while somebody listens: its task, and the watches of live clients.

Law: an actor is awake only while it is watched. It gets one message a turn and keeps the absolute
value of the buckets that moved; a bucket it does not know is read once, and the reading's position
says which messages it already contains. Watchers see states, not streams: however late, they get
the newest value of every bucket that was touched.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

import trio

from engine.mailbox import Mailbox
from engine.position import Position
from engine.rollup import Rollups
from engine.tiers import Tier

log = logging.getLogger("statflow.engine")

BOARD_BUCKETS_MAX = 128
"""Buckets of one stat and tier whose value an actor keeps; older ones are read again."""

TOLD_MAX = 16
"""Changes of a stat that an actor keeps for the next who asks; they go when a bucket moves."""

DIRTY_BUCKETS_MAX = 2_000
"""Touched buckets of one stat that a watch remembers; beyond it the client must load anew."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A turn's one-second rollups of one stat, and the position the turn ends at."""

    position: Position
    seconds: Rollups


@dataclass(frozen=True, slots=True)
class Change:
    """Absolute buckets of one stat in the watched tier, as of a log position.

    `revised`: a bucket that was over has changed. `lost`: too much changed to tell; load anew.
    Listeners who ask for the same get the same object, and may keep in `shared` what they made of
    it for each other.
    """

    partition: int
    stat: int
    rollups: Rollups
    position: Position
    revised: bool = False
    lost: bool = False
    shared: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)


Load = Callable[[Tier, int, int], Awaitable[tuple[Rollups, Position] | None]]
"""Read buckets of the actor's stat: (tier, from_s, to_s) → rollups and their position, or None when
the tier does not have all of them any more."""


@dataclass(frozen=True, slots=True)
class _Known:
    rollups: Rollups
    position: Position


class StatActor:
    """Publishes the buckets of one stat to its watches."""

    def __init__(self, partition: int, stat: int, load: Load, now_s: Callable[[], int]) -> None:
        self.partition = partition
        self.stat = stat
        self.mailbox: Mailbox[Wake] = Mailbox()  # One message a turn, taken each time it runs.
        self.watches: dict[Tier, set[Watch]] = {}
        self._boards: dict[Tier, dict[int, _Known]] = {}
        self._told: dict[tuple[Tier, int, frozenset[int]], Change] = {}
        self._load = load
        self._now_s = now_s

    def __repr__(self) -> str:
        watches = sum(map(len, self.watches.values()))
        return f"<StatActor {self.stat}: {watches} watches, {self.mailbox!r}>"

    async def run(self) -> None:
        """Take messages until the mailbox closes; a failure ends the watches, nothing else."""
        try:
            async for messages in self.mailbox:
                for tier in list(self.watches):
                    for message in messages:
                        await self._apply(tier, message)
        except Exception:
            log.exception("stat %d: its actor failed; live clients reconnect", self.stat)
            self.end_watches()

    def leave(self, watch: "Watch") -> None:
        """Forget a listener; with the last one of its tier go the buckets, which grow old now."""
        watches = self.watches.get(watch.tier, set())
        watches.discard(watch)
        if not watches:
            self.watches.pop(watch.tier, None)
            self._boards.pop(watch.tier, None)
            self._told = {}

    def end_watches(self) -> None:
        """Let every watch of this stat end."""
        for watches in self.watches.values():
            for watch in tuple(watches):
                watch.end()

    async def change(self, tier: Tier, starts: set[int]) -> Change:
        """The newest value of the named buckets; made once for all who ask for the same."""
        key = tier, tier.bucket(self._now_s()), frozenset(starts)
        told = self._told.get(key)
        if told is None:
            # Replaced when a bucket moves: what is made of older ones goes where nobody looks.
            kept = self._told
            told = await self._change(tier, key[1], sorted(starts))
            if len(kept) >= TOLD_MAX:
                kept.clear()
            kept[key] = told
        return told

    async def _change(self, tier: Tier, open_start: int, starts: list[int]) -> Change:
        board = self._boards.setdefault(tier, {})
        known = []
        for start in starts:
            one = board.get(start) or await self._read(tier, board, start)
            if one is not None:
                known.append(one)
        self._trim(board)
        # Different buckets in order: nothing is left to add up, for every listener anew.
        rollups = Rollups.joined([one.rollups for one in known]) if known else Rollups.empty()
        position = max((one.position for one in known), default=Position(0, 0))
        revised = bool((rollups.start < open_start).any())
        return Change(self.partition, self.stat, rollups, position, revised)

    async def _apply(self, tier: Tier, message: Wake) -> None:
        board = self._boards.setdefault(tier, {})
        part = message.seconds.widened(tier.width_s)
        starts = part.start.tolist()
        for place, start in enumerate(starts):
            known = board.get(start)
            if known is None:
                await self._read(tier, board, start)
            elif known.position < message.position:
                both = [known.rollups, part.take(slice(place, place + 1))]
                merged = Rollups.merged(both, tier.width_s)
                board[start] = _Known(merged, message.position)
                self._told = {}
        moved = [start for start in starts if start in board]
        self._trim(board)
        for watch in self.watches.get(tier, ()):
            watch.touch(self.stat, moved)

    async def _read(self, tier: Tier, board: dict[int, _Known], start: int) -> _Known | None:
        """The value of a bucket; None when it is too old for the tier."""
        loaded = await self._load(tier, start, start + tier.width_s)
        known = board.get(start)
        if loaded is None:
            return known
        rollups, position = loaded
        if known is None or known.position < position:
            known = board[start] = _Known(rollups, position)
            self._told = {}
        return known

    def _trim(self, board: dict[int, _Known]) -> None:
        while len(board) > BOARD_BUCKETS_MAX:
            del board[next(iter(board))]


class Watch:
    """One listener to any number of stats in one tier; iterate it for lists of changes.

    Ends when the node drains or a partition fails; the listener then starts anew from its cursor.
    """

    def __init__(self, tier: Tier, awaken: Callable[["Watch", int, int], StatActor]) -> None:
        self.tier = tier
        self._awaken = awaken
        self._actors: dict[int, StatActor] = {}
        self._dirty: dict[int, set[int]] = {}
        self._moved = trio.Event()
        self._ended = False

    def __repr__(self) -> str:
        return f"<Watch of {len(self._actors)} stats at {self.tier.name}, {len(self._dirty)} moved>"

    def add(self, partition: int, stat: int) -> None:
        """Listen to a stat; changes from now on are reported."""
        if stat not in self._actors:
            self._actors[stat] = self._awaken(self, partition, stat)

    def remove(self, stat: int) -> None:
        """Listen no more; the actor goes to sleep when it was the last listener."""
        actor = self._actors.pop(stat, None)
        self._dirty.pop(stat, None)
        if actor is not None:
            actor.leave(self)

    def close(self) -> None:
        """Listen to nothing."""
        for stat in tuple(self._actors):
            self.remove(stat)

    def end(self) -> None:
        """End the iteration."""
        self._ended = True
        self._moved.set()

    def touch(self, stat: int, starts: list[int]) -> None:
        """Note that buckets of a stat moved; never waits."""
        if not starts:
            return
        dirty = self._dirty.setdefault(stat, set())
        if len(dirty) <= DIRTY_BUCKETS_MAX:
            dirty.update(starts)
        self._moved.set()

    async def moved(self) -> bool:
        """Wait until something moved; False when the watch has ended."""
        await self._moved.wait()
        return not self._ended

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Change]:
        """What moved since the last time; waits while nothing did."""
        if not await self.moved():
            raise StopAsyncIteration
        dirty, self._dirty, self._moved = self._dirty, {}, trio.Event()
        changes = []
        for stat, starts in dirty.items():
            actor = self._actors.get(stat)
            if actor is None:
                continue
            if len(starts) > DIRTY_BUCKETS_MAX:
                empty = Rollups.empty()
                changes.append(Change(actor.partition, stat, empty, Position(0, 0), lost=True))
            else:
                changes.append(await actor.change(self.tier, starts))
        return changes
