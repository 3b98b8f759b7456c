"""The store in memory: every step of the real one, as a plain function over plain state.

It is the reference for the scripts in `storage/lua`, the store of every engine test, and what the
simulation lets crash. A step happens at once and whole; `_step` is the only place that waits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import trio

from engine.points import Batch, Points
from engine.ports import (
    TRANSITIONS_KEPT,
    Appended,
    Checkpoint,
    Chunk,
    DeadLetter,
    Entry,
    Fenced,
    FoldState,
    Frame,
    Group,
    Judged,
    Memory,
    Message,
    Ownership,
    Refused,
    Snapshot,
    Span,
    StoreError,
    Totals,
)
from engine.position import START, Position
from engine.usage import day_of
from storage.memory_imports import Imported, copied, found_in, keep_imports, numbers_by_stat

CLAIM_WINDOW_MS = 3_600_000
"""A claim is remembered at least this long."""

T = TypeVar("T")


@dataclass(slots=True)
class PartitionState:
    """All that is kept of one partition."""

    epoch: int = 0
    number: int = 0
    position: Position = START
    tail: Position = START
    serial: tuple[int, int] = (0, 0)
    reply: Appended | None = None
    log: list[Entry] = field(default_factory=list)
    claims: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    chunks: dict[int, dict[tuple[int, int], Chunk]] = field(default_factory=dict)
    active: dict[int, int] = field(default_factory=dict)
    closed: dict[int, int] = field(default_factory=dict)
    dropped: dict[int, int] = field(default_factory=dict)
    imported: Imported = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    purged: dict[int, int] = field(default_factory=dict)
    alerts: dict[str, bytes] = field(default_factory=dict)
    transitions: list[tuple[Position, bytes]] = field(default_factory=list)
    outbox: list[Message] = field(default_factory=list)
    usage: dict[tuple[int, int], int] = field(default_factory=dict)
    told: int = 0
    appended: int = 0

    def copy(self) -> "PartitionState":
        """As it is now; what is inside never changes."""
        twin = PartitionState()
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(twin, name, value.copy() if isinstance(value, (dict, list)) else value)
        twin.chunks = {stat: chunks.copy() for stat, chunks in self.chunks.items()}
        twin.imported = copied(self.imported)
        return twin


def acquire(state: PartitionState, partition: int, seen: int) -> Ownership:
    """Raise the epoch if it still is the one that was seen, so that a late copy fences nobody."""
    if state.epoch != seen:
        raise Refused("taken", f"somebody else took partition {partition} at this moment")
    state.epoch += 1
    return Ownership(partition, state.epoch, state.number, state.position, state.tail)


def append(state: PartitionState, group: Group) -> Appended:
    """Claim and append in one step; the same serial again gets the same reply."""
    if state.reply is not None and state.serial == (group.epoch, group.serial):
        return state.reply
    if state.epoch != group.epoch:
        raise Fenced(f"epoch {group.epoch} is over, {state.epoch} owns the partition")
    if state.serial > (group.epoch, group.serial):
        # A copy that was long on its way, of a group that was answered and has had successors.
        raise Fenced(f"group {group.serial} comes after {state.serial[1]}")
    kept, told = [], []
    for batch in group.batches:
        points, answers = _claimed(state, batch, group.at_ms)
        kept.append(points)
        told.append(answers)
    points = Points.joined(kept)
    commands = tuple(command for batch in group.batches for command in batch.commands)
    if len(points) or commands:
        later = state.tail.ms >= group.at_ms
        state.tail = (
            Position(state.tail.ms, state.tail.seq + 1) if later else Position(group.at_ms, 0)
        )
        state.log.append(Entry(state.tail, points, commands, len(points)))
        state.appended += len(points)
    state.serial = (group.epoch, group.serial)
    state.reply = Appended(state.tail, tuple(told))
    return state.reply


def _claimed(
    state: PartitionState, batch: Batch, now_ms: int
) -> tuple[Points, tuple[bytes | None, ...]]:
    keep = np.ones(len(batch.points), np.bool_)
    answers: list[bytes | None] = []
    covered = (0, -1, b"")  # The rows of the last refused claim, and what it was told.
    for claim in batch.claims:
        if covered[0] <= claim.low and claim.high <= covered[1]:
            # Rows that do not count must not use up another claim.
            answers.append(covered[2])
            continue
        answer, at_ms = state.claims.get(claim.digest, (None, 0))
        if answer is not None and abs(now_ms - at_ms) <= CLAIM_WINDOW_MS:
            answers.append(answer)
            keep[claim.low : claim.high] = False
            covered = (claim.low, claim.high, answer)
        else:
            answers.append(None)
            state.claims[claim.digest] = (claim.answer, now_ms)
    return batch.points.take(keep), tuple(answers)


def commit(state: PartitionState, checkpoint: Checkpoint) -> None:
    """Write a checkpoint if epoch and number are the next; the same one again changes nothing."""
    owned(state, checkpoint.epoch)
    if state.number == checkpoint.number and state.position == checkpoint.position:
        return
    if state.number != checkpoint.number - 1:
        raise Fenced(f"checkpoint {checkpoint.number} after {state.number}")
    state.log = [entry for entry in state.log if entry.position > state.position]
    if len(checkpoint.partials.rollups):
        state.frames.append(Frame(checkpoint.position, checkpoint.partials))
    keep_imports(state.imported, checkpoint.commands)
    for command in checkpoint.commands:
        if command.kind == "stat.put":
            state.records[command.stat] = command.body
        elif command.kind == "stat.purge":
            state.records.pop(command.stat, None)
            state.chunks.pop(command.stat, None)
            state.imported.pop(command.stat, None)
            state.active.pop(command.stat, None)
            # A purge that is repeated after a lost answer finds nothing to count any more.
            state.purged.setdefault(command.stat, int(command.body))
    state.dead += checkpoint.dead
    keep(state, checkpoint.judged)
    day = day_of(checkpoint.position)
    for owner, points in checkpoint.usage.items():
        state.usage[owner, day] = state.usage.get((owner, day), 0) + points
    state.number, state.position = checkpoint.number, checkpoint.position


def keep(state: PartitionState, judged: Judged) -> None:
    """Keep what rules made of a checkpoint's points."""
    for key, document in judged.documents.items():
        if document is None:
            state.alerts.pop(key, None)
        else:
            state.alerts[key] = document
    for record in judged.transitions:
        state.told += 1
        state.transitions.append((Position(state.told, 0), record))
    del state.transitions[:-TRANSITIONS_KEPT]
    for message in judged.messages:
        state.told += 1
        state.outbox.append(replace(message, place=Position(state.told, 0)))


def owned(state: PartitionState, epoch: int) -> None:
    """Raise Fenced unless `epoch` owns the partition."""
    if state.epoch != epoch:
        raise Fenced(f"epoch {epoch} is over, {state.epoch} owns the partition")


class MemoryStore:
    """Everything in this process; gone with it."""

    durable = False

    def __init__(self, partitions: int = 1, limit: int = 2**30) -> None:
        self.partitions = partitions
        self.state = [PartitionState() for _ in range(partitions)]
        self.next_stat = 1
        self.limit = limit
        self.used = 0

    def __repr__(self) -> str:
        return f"<MemoryStore of {self.partitions} partitions>"

    async def _step(self, step: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        return step()

    async def acquire(self, partition: int) -> Ownership:
        def step() -> Ownership:
            state = self.state[partition]
            return acquire(state, partition, state.epoch)

        return await self._step(step)

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        def step() -> list[Appended | StoreError]:
            return [self._append(group) for group in groups]

        return await self._step(step)

    def _append(self, group: Group) -> Appended | StoreError:
        if self.used > self.limit:
            return Refused("oom", "the memory of the store is full")
        try:
            return append(self.state[group.partition], group)
        except StoreError as error:
            return error

    async def read_log(self, partition: int, after: Position, limit: int) -> list[Entry]:
        log = self.state[partition].log
        return await self._step(lambda: [e for e in log if e.position > after][:limit])

    async def commit(self, checkpoint: Checkpoint) -> None:
        await self._step(lambda: commit(self.state[checkpoint.partition], checkpoint))

    async def checkpoint_number(self, partition: int, epoch: int) -> int:
        def step() -> int:
            owned(self.state[partition], epoch)
            return self.state[partition].number

        return await self._step(step)

    async def frames(self, partition: int) -> list[Frame]:
        return await self._step(lambda: list(self.state[partition].frames))

    async def trim_frames(self, partition: int, epoch: int, through: Position) -> None:
        def step() -> None:
            state = self.state[partition]
            owned(state, epoch)
            state.frames = [frame for frame in state.frames if frame.position > through]

        await self._step(step)

    async def chunks(self, partition: int, spans: Sequence[Span]) -> list[list[Chunk]]:
        def step() -> list[list[Chunk]]:
            kept = self.state[partition].chunks
            return [
                sorted(
                    (
                        chunk
                        for (tier, start), chunk in kept.get(span.stat, {}).items()
                        if tier == span.tier.number and span.start <= start < span.end
                    ),
                    key=lambda chunk: chunk.start,
                )
                for span in spans
            ]

        return await self._step(step)

    async def write_chunks(self, partition: int, epoch: int, chunks: Sequence[Chunk]) -> None:
        def step() -> None:
            state = self.state[partition]
            owned(state, epoch)
            for chunk in chunks:
                place, kept = (chunk.tier.number, chunk.start), state.chunks.get(chunk.stat, {})
                if place in kept and kept[place].position > chunk.position:
                    continue  # A copy that was long on its way undoes nothing.
                state.chunks.setdefault(chunk.stat, {})[place] = chunk
                newest = int(chunk.content.start.max())
                state.active[chunk.stat] = max(newest, state.active.get(chunk.stat, 0))

        await self._step(step)

    async def imports(self, partition: int) -> dict[int, tuple[int, ...]]:
        return await self._step(lambda: numbers_by_stat(self.state[partition].imported))

    async def imported(
        self, partition: int, wanted: Sequence[tuple[int, Span]], *, newest: bool = False
    ) -> list[list[Chunk]]:
        kept = self.state[partition].imported
        begin = -1 if newest else 0
        return await self._step(lambda: [found_in(kept, *one)[begin:] for one in wanted])

    async def drop_chunks(
        self, partition: int, epoch: int, before: Mapping[int, int], stats: Sequence[int]
    ) -> int:
        def step() -> int:
            state = self.state[partition]
            owned(state, epoch)
            dropped = 0
            for stat in stats:
                kept = state.chunks.get(stat, {})
                for tier, start in [key for key in kept if key[1] < before.get(key[0], 0)]:
                    del kept[tier, start]
                    dropped += 1
            return dropped

        return await self._step(step)

    async def active(self, partition: int, since_s: int) -> list[tuple[int, int]]:
        active = self.state[partition].active
        return await self._step(lambda: [(s, at) for s, at in active.items() if at >= since_s])

    async def fold_state(self, partition: int) -> FoldState:
        def step() -> FoldState:
            state = self.state[partition]
            return FoldState(dict(state.closed), dict(state.dropped))

        return await self._step(step)

    async def write_fold_state(self, partition: int, epoch: int, state: FoldState) -> None:
        def step() -> None:
            kept = self.state[partition]
            owned(kept, epoch)
            for held, told in ((kept.closed, state.closed), (kept.dropped, state.dropped)):
                for tier, time_s in told.items():
                    held[tier] = max(time_s, held.get(tier, time_s))

        await self._step(step)

    async def totals(self, partition: int) -> Totals:
        def step() -> Totals:
            state = self.state[partition]
            dead = sum(letter.points for letter in state.dead)
            return Totals(state.appended, dead, dict(state.purged))

        return await self._step(step)

    async def snapshot(self, partition: int) -> Snapshot:
        def step() -> Snapshot:
            state = self.state[partition]
            dead = sum(letter.points for letter in state.dead)
            return Snapshot(
                Totals(state.appended, dead, dict(state.purged)),
                state.position,
                list(state.frames),
                [entry for entry in state.log if entry.position > state.position],
                FoldState(dict(state.closed), dict(state.dropped)),
            )

        return await self._step(step)

    async def records(self, partition: int) -> list[tuple[int, bytes]]:
        return await self._step(lambda: list(self.state[partition].records.items()))

    async def alerts(self, partition: int) -> dict[str, bytes]:
        return await self._step(lambda: dict(self.state[partition].alerts))

    async def transitions(
        self, partition: int, before: Position | None, limit: int
    ) -> list[tuple[Position, bytes]]:
        def step() -> list[tuple[Position, bytes]]:
            kept = reversed(self.state[partition].transitions)
            return [one for one in kept if before is None or one[0] < before][:limit]

        return await self._step(step)

    async def outbox(self, partition: int, after: Position, limit: int) -> list[Message]:
        waiting = self.state[partition].outbox
        return await self._step(lambda: [m for m in waiting if m.place > after][:limit])

    async def settle(self, partition: int, places: Sequence[Position]) -> None:
        def step() -> None:
            state, settled = self.state[partition], set(places)
            state.outbox = [one for one in state.outbox if one.place not in settled]

        await self._step(step)

    async def usage(self, partition: int, owner: int, days: Sequence[int]) -> list[int]:
        usage = self.state[partition].usage
        return await self._step(lambda: [usage.get((owner, day), 0) for day in days])

    async def allocate(self, amount: int) -> int:
        def step() -> int:
            first, self.next_stat = self.next_stat, self.next_stat + amount
            return first

        return await self._step(step)

    async def memory(self) -> Memory:
        return await self._step(lambda: Memory(self.used, self.limit))
