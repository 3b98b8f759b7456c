"""All that the engine asks of the outside: a store and a clock.

Every method of `Store` is one atomic step: it happens whole or not at all, also when the caller is
killed in the middle. Errors are the kinds of `StoreError`; the engine knows no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, overload

from engine.histogram import Histograms
from engine.points import Batch, Command, Points
from engine.position import START, Position
from engine.rollup import Rollups
from engine.tiers import Tier


class StoreError(Exception):
    """The store could not do it."""


class Unavailable(StoreError):
    """Nobody knows whether it was done: the link broke, or the reply did not come. Ask again."""


class Refused(StoreError):
    """Surely not done: the store is loading, full or read-only. `code` says which."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Damaged(StoreError):
    """What the store holds cannot be read; the text says where."""


class Fenced(StoreError):
    """Surely not done: another owner took the partition, or this one's view of it is stale."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """What acquiring a partition gives: the fencing epoch and the state of the last checkpoint."""

    partition: int
    epoch: int
    number: int
    position: Position
    tail: Position


@dataclass(frozen=True, slots=True)
class Group:
    """Batches appended to one partition as one log entry.

    `serial` counts the groups of one epoch up from 1: a group that is sent again with the same
    serial is recognised and answered, not appended twice.
    """

    partition: int
    epoch: int
    serial: int
    batches: tuple[Batch, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The reply to a group: its position and, per batch, each claim's earlier answer or None."""

    position: Position
    claims: tuple[tuple[bytes | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A log entry as the partition reads it; points of duplicate claims are masked out.

    `broken` names why the entry could not be decoded; it then has no points, and `size` still
    tells how many it was appended with.
    """

    position: Position
    points: Points
    commands: tuple[Command, ...] = ()
    size: int = 0
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Partials:
    """What a checkpoint adds: 10 s rollups, and histograms by minute, of the same points."""

    rollups: Rollups
    histograms: Histograms

    @overload
    def of_kind(self, empty: Rollups) -> Rollups: ...

    @overload
    def of_kind(self, empty: Histograms) -> Histograms: ...

    def of_kind(self, empty: Rollups | Histograms) -> Rollups | Histograms:
        """The columns of the same kind as `empty`."""
        return self.rollups if isinstance(empty, Rollups) else self.histograms


@dataclass(frozen=True, slots=True)
class Frame:
    """Committed partials, stamped with the log position up to which they count."""

    position: Position
    partials: Partials


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A log entry that could not be counted, kept whole with the reason."""

    position: Position
    error: str
    points: int


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told outside about one step of an episode; the dispatcher fans it out.

    `id` is the same whenever the message is read, and no other message has it. Messages of one
    `episode` are told in order. `place` is where it stands in the outbox, once it is there.
    """

    id: str
    episode: str
    at_ms: int
    body: bytes
    place: Position = START


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules of a partition made of the points of a checkpoint.

    `documents` replaces rules and states by their key, None forgets one; `transitions` are the
    records of what changed, oldest first, and `messages` what of it is to be told outside.
    """

    documents: Mapping[str, bytes | None] = field(default_factory=dict)
    transitions: tuple[bytes, ...] = ()
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One atomic write: partials, applied commands, dead letters and the position they reach.

    The store takes it only when `epoch` and `number` - 1 are what it holds. Of the commands it
    knows `stat.put` (keep `body` as the record of the stat), `stat.purge` (forget the record and
    every chunk; `body` is the decimal number of points that go with it) and those of
    `engine.imported`: it puts, then undoes, then purges. What the rules made of the same points
    is part of it, so that data and alert are there together or not at all; so is how many points
    each owner sent (`usage`).
    """

    partition: int
    epoch: int
    number: int
    position: Position
    partials: Partials
    commands: tuple[Command, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    applied: int = 0
    judged: Judged = Judged()
    usage: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The closed buckets of one stat, tier and span; it has absorbed all frames to `position`."""

    stat: int
    tier: Tier
    start: int
    position: Position
    content: Rollups | Histograms


@dataclass(frozen=True, slots=True)
class Span:
    """A request for chunks of one stat and tier whose start lies in [start, end), epoch s."""

    stat: int
    tier: Tier
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FoldState:
    """How far the fold of a partition came, per tier number, in epoch seconds.

    Chunks are written for every span that ends by `closed`; those that start before `dropped`
    may have been forgotten.
    """

    closed: Mapping[int, int] = field(default_factory=dict)
    dropped: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """What the store uses and may use, in bytes; `disk_free` is None when it cannot be known."""

    used: int
    limit: int
    disk_free: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the append and checkpoint steps count in one partition, in points.

    `purged` tells for each purged stat how many points went with it.
    """

    appended: int
    dead: int
    purged: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a partition but its chunks, taken in one step; `faults` names what is damaged."""

    totals: Totals
    position: Position
    frames: Sequence[Frame]
    entries: Sequence[Entry]
    state: FoldState
    faults: Sequence[str] = ()


TRANSITIONS_KEPT = 10_000
"""Records of transitions that a partition keeps; the oldest go first."""

USAGE_DAYS = 400
"""Days for which it is kept who sent how many points."""


class Store(Protocol):
    """Where log, partials and history are kept."""

    @property
    def partitions(self) -> int: ...

    @property
    def durable(self) -> bool: ...

    async def acquire(self, partition: int) -> Ownership:
        """Become the owner: raises the epoch, so that every earlier owner is fenced.

        Refused as `taken` when somebody else did so meanwhile. A copy that arrives late does
        nothing.
        """

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        """Append each group; replies come when they are as durable as the store makes them.

        Groups are of different partitions and succeed or fail each for itself; when the link
        breaks, all of them are `Unavailable`.
        """

    async def read_log(self, partition: int, after: Position, limit: int) -> list[Entry]:
        """At most `limit` entries after a position, oldest first."""

    async def commit(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint and trim the log behind the one before it.

        A checkpoint that is already there changes nothing and is no error; any other surprise in
        epoch or number is `Fenced`.
        """

    async def checkpoint_number(self, partition: int, epoch: int) -> int:
        """The number of the last committed checkpoint; Fenced when `epoch` is not ours."""

    async def frames(self, partition: int) -> list[Frame]:
        """All recent frames, oldest first."""

    async def trim_frames(self, partition: int, epoch: int, through: Position) -> None:
        """Forget the frames up to and including `through`: chunks hold all they say."""

    async def chunks(self, partition: int, spans: Sequence[Span]) -> list[list[Chunk]]:
        """The chunks of each span, oldest first."""

    async def write_chunks(self, partition: int, epoch: int, chunks: Sequence[Chunk]) -> None:
        """Put chunks in the place of those of the same stat, tier and start.

        One that counts less far than the chunk in its place is a copy that was long on its way,
        and changes nothing. Also notes each stat's newest bucket for `active`.
        """

    async def imports(self, partition: int) -> dict[int, tuple[int, ...]]:
        """The imports that each stat has something of, in order, as the last checkpoint left it."""

    async def imported(
        self, partition: int, wanted: Sequence[tuple[int, Span]], *, newest: bool = False
    ) -> list[list[Chunk]]:
        """The chunks that an import (by its number) has in each span, oldest first.

        With `newest` only the last of each.
        """

    async def drop_chunks(
        self, partition: int, epoch: int, before: Mapping[int, int], stats: Sequence[int]
    ) -> int:
        """Forget the chunks of `stats` that start before `before[tier number]`, epoch seconds.

        Returns how many there were.
        """

    async def active(self, partition: int, since_s: int) -> list[tuple[int, int]]:
        """(stat, start of its newest folded bucket) of the stats that have one since then."""

    async def fold_state(self, partition: int) -> FoldState: ...

    async def write_fold_state(self, partition: int, epoch: int, state: FoldState) -> None:
        """Move the times of a fold state on; what is further already stays."""

    async def totals(self, partition: int) -> Totals:
        """Counters kept by the append and checkpoint steps."""

    async def snapshot(self, partition: int) -> Snapshot:
        """What the audit compares with the chunks; `entries` are those beyond the checkpoint."""

    async def records(self, partition: int) -> list[tuple[int, bytes]]:
        """(stat, record) of every stat of the partition, as the last checkpoint left them."""

    async def alerts(self, partition: int) -> dict[str, bytes]:
        """The documents of rules and their states, as the last checkpoint left them."""

    async def transitions(
        self, partition: int, before: Position | None, limit: int
    ) -> list[tuple[Position, bytes]]:
        """At most `limit` kept transitions before a place (None: the end), newest first."""

    async def outbox(self, partition: int, after: Position, limit: int) -> list[Message]:
        """At most `limit` messages behind a place that are not settled, oldest first."""

    async def settle(self, partition: int, places: Sequence[Position]) -> None:
        """Forget messages: they were told, or given up. Once more changes nothing."""

    async def usage(self, partition: int, owner: int, days: Sequence[int]) -> list[int]:
        """Committed points of an owner on each of these days, UTC days since the epoch."""

    async def allocate(self, amount: int) -> int:
        """The first of `amount` consecutive stat ids that nobody ever had."""

    async def memory(self) -> Memory: ...


class Clock(Protocol):
    """Wall time. The engine has no other source of it."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
