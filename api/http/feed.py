"""What a live client is told: a snapshot, then every bucket that moves, as absolute values.

Law: a client that continues from the cursor it saw last misses nothing. It may be told something
twice, which changes nothing, because buckets are absolute. The cursor trails by one message: the
actors of a partition do not publish a turn in one step, and what one of them has not published yet
must not seem known.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import msgspec
import trio

from api.http.context import Context
from api.http.cursors import format_cursor
from api.http.problems import Problem
from api.http.wanted import LIVE_STATS_LIMIT
from api.query.reply import whole
from engine.position import START, Position
from engine.rollup import Rollups
from engine.stat_actor import Change, Watch
from engine.stats import Kind, Stat, public_id
from engine.tiers import Tier

PACE_S: Final = 0.05
"""Between two messages of changes: at most 20 a second for one client, fewer while many listen."""

SNAPSHOT_BUCKETS: Final = 120
"""Buckets of a stat in a snapshot, at most."""

SNAPSHOT_POINTS: Final = 12_000
"""Buckets in all snapshots at the beginning of a stream, at most."""

JSON: Final = "json"
"""Under this name the data of a change is shared."""

EventName = Literal["snapshot", "change", "revise", "alert", "annotation", "data", "bye"]


class LivePoint(msgspec.Struct, frozen=True, gc=False):
    """One bucket: `t` is its start in epoch seconds, `value` the sum or the average."""

    t: int
    value: int | float
    count: int
    sum: int | float
    min: int | float
    max: int | float


class LiveData(msgspec.Struct, frozen=True, omit_defaults=True):
    """The buckets of one stat; before `complete_from` (epoch s) a snapshot may lack some."""

    stat: str
    resolution: str
    points: list[LivePoint]
    complete_from: int | None = None


class Bye(msgspec.Struct, frozen=True):
    """The stream ends; come back with the cursor."""

    reason: str


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One thing to tell, its data as JSON; `cursor` only where everything before is known then."""

    name: EventName
    data: bytes
    cursor: str | None = None

    @classmethod
    def of(cls, name: EventName, data: object, cursor: str | None = None) -> Self:
        """An event of which the data is not JSON yet."""
        return cls(name, msgspec.json.encode(data), cursor)


Tell = Callable[[list[LiveEvent]], Awaitable[None]]


@dataclass(eq=False, slots=True)
class Feed:
    """The live view of one client: some stats in one tier."""

    context: Context
    tier: Tier
    watch: Watch
    tell: Tell
    stats: dict[int, Stat] = field(default_factory=dict)
    _known: dict[int, Position] = field(default_factory=dict)
    _trailing: dict[int, Position] = field(default_factory=dict)
    _opened: dict[int, tuple[Position, int]] = field(default_factory=dict)

    @property
    def cursor(self) -> str:
        """Up to where the client knows everything."""
        return format_cursor(self._known)

    def check_room(self, stats: Iterable[Stat]) -> None:
        """Raise Problem when the client would listen to too many."""
        if len(self.stats.keys() | {stat.id for stat in stats}) > LIVE_STATS_LIMIT:
            raise Problem("too_many_stats", f"At most {LIVE_STATS_LIMIT} stats a stream.")

    async def add(self, stats: Iterable[Stat], since: dict[int, Position] | None = None) -> None:
        """Begin to listen to stats; tells where they stand, or what moved after `since`."""
        new = [stat for stat in stats if stat.id not in self.stats]
        for stat in new:
            self.stats[stat.id] = stat
            # Listen first: what moves while we read is told afterwards.
            self.watch.add(stat.partition, stat.id)
        buckets = max(2, min(SNAPSHOT_BUCKETS, SNAPSHOT_POINTS // max(1, len(new))))
        known: dict[int, Position] = {}
        events = []
        for stat in new:
            event, position = await self._opening(stat, (since or {}).get(stat.partition), buckets)
            known[stat.partition] = min(position, known.get(stat.partition, position))
            if event is not None:
                events.append(event)
        for partition, position in known.items():
            self._known[partition] = min(position, self._known.get(partition, position))
        if events:
            await self.tell(self._stamped(events))

    def remove(self, stats: Iterable[int]) -> None:
        """Listen to some stats no more."""
        for stat in stats:
            if self.stats.pop(stat, None) is not None:
                self._opened.pop(stat, None)
                self.watch.remove(stat)

    async def run(self) -> None:
        """Tell what moves until the watch ends."""
        await self._turn()
        async for changes in self.watch:
            told_at = trio.current_time()
            events = [event for change in changes for event in await self._events(change)]
            self._known |= self._trailing
            self._trailing = _newest(changes)
            if events:
                await self.tell(self._stamped(events))
            await trio.sleep_until(told_at + PACE_S)
            await self._turn()

    async def _turn(self) -> None:
        """Wait for something to tell, and then for the others: it is looked up after that."""
        if await self.watch.moved():
            await self.context.streams.turn()

    async def _events(self, change: Change) -> list[LiveEvent]:
        stat = self.stats.get(change.stat)
        if stat is None:
            return []
        if change.lost:
            return [(await self._snapshot(stat, SNAPSHOT_BUCKETS))[0]]
        name: EventName = "revise" if change.revised else "change"
        position, start = self._opened.get(stat.id, (START, 0))
        data: bytes | None
        if change.position <= position:
            # Found before the snapshot was read, told after it: only older buckets are news.
            data = self._data(stat, change.rollups.between(0, start))
        elif (data := change.shared.get(JSON)) is None:
            # The same bytes for all who are told of this change.
            data = change.shared[JSON] = self._data(stat, change.rollups)
        return [LiveEvent(name, data)] if data else []

    def _data(self, stat: Stat, rollups: Rollups) -> bytes:
        """Buckets as JSON; empty when there are none."""
        if not len(rollups):
            return b""
        data = LiveData(public_id(stat.id), self.tier.name, live_points(stat, rollups))
        return msgspec.json.encode(data)

    async def _opening(
        self, stat: Stat, since: Position | None, buckets: int
    ) -> tuple[LiveEvent | None, Position]:
        """What moved since the client's cursor, or a snapshot when nobody knows."""
        node = self.context.node
        # Before asking what moved: what moves while we read is told by the watch.
        known = node.cursor(stat.partition)
        touched = None
        # A cursor ahead of the log is one of another log, such as that before a backup came back.
        if since is not None and since <= known:
            touched = node.touched(stat.partition, stat.id, since, self.tier)
        if touched is None:
            return await self._snapshot(stat, buckets)
        if not touched:
            return None, known
        until = touched[-1] + self.tier.width_s
        reading = await node.read(stat.partition, stat.id, self.tier, touched[0], until)
        if reading.tier is not self.tier:
            return await self._snapshot(stat, buckets)
        wanted = set(touched)
        points = [point for point in live_points(stat, reading.rollups) if point.t in wanted]
        data = LiveData(public_id(stat.id), self.tier.name, points)
        return LiveEvent.of("change", data), known

    async def _snapshot(self, stat: Stat, buckets: int) -> tuple[LiveEvent, Position]:
        now_s = self.context.clock.now_ms() // 1000
        until = self.tier.bucket(now_s) + self.tier.width_s
        start = until - buckets * self.tier.width_s
        reading = await self.context.node.read(stat.partition, stat.id, self.tier, start, until)
        self._opened[stat.id] = reading.position, start
        complete = reading.complete_from
        data = LiveData(
            public_id(stat.id),
            reading.tier.name,
            live_points(stat, reading.rollups),
            complete if complete is not None and complete > start else None,
        )
        return LiveEvent.of("snapshot", data), reading.position

    def _stamped(self, events: list[LiveEvent]) -> list[LiveEvent]:
        """The last event carries the cursor: after it, everything before is known."""
        last = events[-1]
        return [*events[:-1], LiveEvent(last.name, last.data, self.cursor)]


def live_points(stat: Stat, rollups: Rollups) -> list[LivePoint]:
    """Buckets as they are told."""
    rows = zip(
        rollups.start.tolist(),
        rollups.count.tolist(),
        rollups.sum.tolist(),
        rollups.min.tolist(),
        rollups.max.tolist(),
        strict=True,
    )
    counter = stat.kind is Kind.COUNTER
    return [
        LivePoint(
            start,
            whole(total if counter else total / count),
            count,
            whole(total),
            whole(low),
            whole(high),
        )
        for start, count, total, low, high in rows
    ]


def _newest(changes: Sequence[Change]) -> dict[int, Position]:
    newest: dict[int, Position] = {}
    for change in changes:
        if not change.lost:
            known = newest.get(change.partition, change.position)
            newest[change.partition] = max(known, change.position)
    return newest
