"""The store on a Redis or Valkey server: one script a step.

Law: nothing is decided here; each method is one script or one pipeline of reads, and the scripts
are the steps of `storage/memory.py`. Replies of a link are decoded in the thread that received
them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import starmap
from struct import Struct
from typing import TypeAlias, TypeVar

import redis

from engine.ports import (
    Appended,
    Checkpoint,
    Chunk,
    Damaged,
    Entry,
    FoldState,
    Frame,
    Group,
    Memory,
    Message,
    Ownership,
    Refused,
    Snapshot,
    Span,
    StoreError,
    Totals,
)
from engine.position import Position
from engine.turn import NO_POINTS
from storage.codec import (
    BadFrame,
    decode_chunk,
    decode_log,
    decode_partials,
    encode_chunks,
    encode_log,
)
from storage.keys import NEXT_STAT, Keys, score
from storage.link import Link
from storage.redis_alerts import read_alerts, read_outbox, read_transitions, settle
from storage.redis_commit import commit_call
from storage.redis_imports import read_imported, read_imports
from storage.redis_usage import read_usage
from storage.scripts import Argument, Call, Reply, run_script, told

CLAIM_WINDOW_MS = 3_600_000
CLAIM_LIFE_S = 3 * 3_600
"""A window of claims is looked at in its own hour and in the next; the clock may jump an hour."""

CLAIM_SHARDS = 1_024
"""Small hashes are stored compactly: 33 bytes a claim instead of 123."""

POSITION = Struct(">QQ")
"""Before each chunk stands its position, so that a script can compare it."""

T = TypeVar("T")

Scripts: TypeAlias = Callable[[Sequence[Call]], Awaitable[list[Reply]]]
"""Runs scripts together: the reply to each is a value, or an exception for `told`."""


class RedisStore:
    """The engine's store on the server behind the links.

    Appends and checkpoints have connections of their own, so that neither waits for a long read;
    so have questions for chunks, so that whoever asks hears in time that there is no answer.
    """

    def __init__(
        self,
        partitions: int,
        appends: Scripts,
        commits: Link,
        reads: Link,
        questions: Link,
        durable: bool = True,
        disk_free: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.partitions = partitions
        self.durable = durable
        self.keys = [Keys.of(number, partitions) for number in range(partitions)]
        self._appends = appends
        self._commits = commits
        self._reads = reads
        self._questions = questions
        self._disk_free = disk_free

    def __repr__(self) -> str:
        return f"<RedisStore of {self.partitions} partitions, durable: {self.durable}>"

    async def acquire(self, partition: int) -> Ownership:
        meta = self.keys[partition].meta

        def step(client: redis.Redis) -> Reply:
            # What arrives when its sender is long dead must not fence who came after.
            seen: Reply = client.hget(meta, "epoch")
            return run_script(client, ("acquire", [meta], [int(seen or 0)]))

        reply = await self._fenced(self._commits, step)
        if not reply:
            raise Refused("taken", f"somebody else took partition {partition} at this moment")
        epoch, number, position, tail = reply
        return Ownership(
            partition, int(epoch), int(number), Position.parse(position), Position.parse(tail)
        )

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        try:
            replies = await self._appends([self._append_call(group) for group in groups])
        except StoreError as error:
            return [error] * len(groups)
        return list(starmap(_appended, zip(groups, replies, strict=True)))

    def _append_call(self, group: Group) -> Call:
        keys = self.keys[group.partition]
        rows = sum(len(batch.points) for batch in group.batches)
        commands = sum(len(batch.commands) for batch in group.batches)
        arguments: list[Argument] = [
            group.epoch, group.serial, group.at_ms // CLAIM_WINDOW_MS, CLAIM_LIFE_S,
            encode_log(group.batches), rows, commands,
        ]  # fmt: skip
        before = 0
        for batch in group.batches:
            for claim in batch.claims:
                shard = int.from_bytes(claim.digest[:2]) % CLAIM_SHARDS
                arguments += [
                    claim.digest, shard, b"=" + claim.answer,
                    before + claim.low, before + claim.high,
                ]  # fmt: skip
            before += len(batch.points)
        return "append", [keys.meta, keys.log, keys.claims], arguments

    async def read_log(self, partition: int, after: Position, limit: int) -> list[Entry]:
        log = self.keys[partition].log

        def step(client: redis.Redis) -> list[Entry]:
            entries: Reply = client.xrange(log, min=f"({after}", count=limit)
            return list(starmap(_entry, entries))

        return await self._reads.run(step)

    async def commit(self, checkpoint: Checkpoint) -> None:
        keys = self.keys[checkpoint.partition]

        def step(client: redis.Redis) -> None:
            run_script(client, commit_call(keys, checkpoint))

        await self._fenced(self._commits, step)

    async def _fenced(self, link: Link, step: Callable[[redis.Redis], T]) -> T:
        def translating(client: redis.Redis) -> T:
            try:
                return step(client)
            except redis.exceptions.ResponseError as error:
                raise told(error) from error

        return await link.run(translating)

    async def checkpoint_number(self, partition: int, epoch: int) -> int:
        meta = self.keys[partition].meta

        def step(client: redis.Redis) -> int:
            held, number = client.hmget(meta, ["epoch", "number"])
            if int(held or 0) != epoch:
                raise told(Exception(f"FENCED {int(held or 0)}"))
            return int(number or 0)

        return await self._commits.run(step)

    async def frames(self, partition: int) -> list[Frame]:
        recent = self.keys[partition].recent

        def step(client: redis.Redis) -> list[Frame]:
            entries: Reply = client.xrange(recent)
            return [_frame(partition, name, fields) for name, fields in entries]

        return await self._reads.run(step)

    async def trim_frames(self, partition: int, epoch: int, through: Position) -> None:
        keys = self.keys[partition]
        least = str(Position(through.ms, through.seq + 1))
        call: Call = ("trim_frames", [keys.meta, keys.recent], [epoch, least])
        await self._fenced(self._commits, lambda client: run_script(client, call))

    async def chunks(self, partition: int, spans: Sequence[Span]) -> list[list[Chunk]]:
        history = self.keys[partition].history

        def step(client: redis.Redis) -> list[list[Chunk]]:
            with client.pipeline(transaction=False) as pipeline:
                for span in spans:
                    low = score(span.tier.number, span.start)
                    high = score(span.tier.number, span.end)
                    pipeline.zrangebyscore(f"{history}:{span.stat}", low, f"({high}")
                answers = pipeline.execute()
            return [
                [_chunk(span, member) for member in members]
                for span, members in zip(spans, answers, strict=True)
            ]

        return await self._questions.run(step)

    async def write_chunks(self, partition: int, epoch: int, chunks: Sequence[Chunk]) -> None:
        if not chunks:
            return
        keys = self.keys[partition]

        def step(client: redis.Redis) -> None:
            arguments: list[Argument] = [epoch]
            for chunk, member in zip(chunks, encode_chunks(chunks), strict=True):
                newest = int(chunk.content.start.max())
                place = score(chunk.tier.number, chunk.start)
                arguments += [chunk.stat, place, newest, POSITION.pack(*chunk.position) + member]
            run_script(client, ("write_chunks", [keys.meta, keys.active, keys.history], arguments))

        await self._fenced(self._commits, step)

    async def imports(self, partition: int) -> dict[int, tuple[int, ...]]:
        keys = self.keys[partition]
        return await self._reads.run(lambda client: read_imports(client, keys))

    async def imported(
        self, partition: int, wanted: Sequence[tuple[int, Span]], *, newest: bool = False
    ) -> list[list[Chunk]]:
        keys = self.keys[partition]
        return await self._questions.run(
            lambda client: read_imported(client, keys, wanted, newest=newest)
        )

    async def drop_chunks(
        self, partition: int, epoch: int, before: Mapping[int, int], stats: Sequence[int]
    ) -> int:
        keys = self.keys[partition]
        arguments: list[Argument] = [epoch, len(before)]
        for tier, start in before.items():
            arguments += [score(tier, 0), score(tier, start)]
        call: Call = ("drop_chunks", [keys.meta, keys.history], [*arguments, *stats])
        return int(await self._fenced(self._commits, lambda client: run_script(client, call)))

    async def active(self, partition: int, since_s: int) -> list[tuple[int, int]]:
        active = self.keys[partition].active

        def step(client: redis.Redis) -> list[tuple[int, int]]:
            found: Reply = client.zrangebyscore(active, since_s, "+inf", withscores=True)
            return [(int(stat), int(start)) for stat, start in found]

        return await self._reads.run(step)

    async def fold_state(self, partition: int) -> FoldState:
        fold = self.keys[partition].fold

        def step(client: redis.Redis) -> FoldState:
            return _fold_state(client.hgetall(fold))

        return await self._reads.run(step)

    async def write_fold_state(self, partition: int, epoch: int, state: FoldState) -> None:
        keys = self.keys[partition]
        arguments: list[Argument] = [epoch]
        for letter, times in (("c", state.closed), ("d", state.dropped)):
            for tier, time_s in times.items():
                arguments += [f"{letter}{tier}", time_s]
        call: Call = ("write_fold_state", [keys.meta, keys.fold], arguments)
        await self._fenced(self._commits, lambda client: run_script(client, call))

    async def totals(self, partition: int) -> Totals:
        keys = self.keys[partition]

        def step(client: redis.Redis) -> Totals:
            appended, dead = client.hmget(keys.meta, ["appended", "dead"])
            return _totals(appended, dead, client.hgetall(keys.purged))

        return await self._reads.run(step)

    async def snapshot(self, partition: int) -> Snapshot:
        keys = self.keys[partition]

        def step(client: redis.Redis) -> Snapshot:
            with client.pipeline(transaction=True) as pipeline:
                pipeline.hmget(keys.meta, ["appended", "dead", "position"])
                pipeline.hgetall(keys.purged)
                pipeline.hgetall(keys.fold)
                pipeline.xrange(keys.recent)
                pipeline.xrange(keys.log)
                return _snapshot(partition, *pipeline.execute())

        return await self._reads.run(step)

    async def records(self, partition: int) -> list[tuple[int, bytes]]:
        records = self.keys[partition].records

        def step(client: redis.Redis) -> list[tuple[int, bytes]]:
            found: Reply = client.hgetall(records)
            return [(int(stat), record) for stat, record in found.items()]

        return await self._reads.run(step)

    async def alerts(self, partition: int) -> dict[str, bytes]:
        keys = self.keys[partition]
        return await self._reads.run(lambda client: read_alerts(client, keys))

    async def transitions(
        self, partition: int, before: Position | None, limit: int
    ) -> list[tuple[Position, bytes]]:
        keys = self.keys[partition]
        return await self._reads.run(lambda client: read_transitions(client, keys, before, limit))

    async def outbox(self, partition: int, after: Position, limit: int) -> list[Message]:
        keys = self.keys[partition]
        return await self._reads.run(lambda client: read_outbox(client, keys, after, limit))

    async def settle(self, partition: int, places: Sequence[Position]) -> None:
        keys = self.keys[partition]
        await self._commits.run(lambda client: settle(client, keys, list(map(str, places))))

    async def usage(self, partition: int, owner: int, days: Sequence[int]) -> list[int]:
        keys = self.keys[partition]
        return await self._reads.run(lambda client: read_usage(client, keys, owner, days))

    async def allocate(self, amount: int) -> int:
        last = await self._commits.run(lambda client: int(client.incrby(NEXT_STAT, amount)))
        return last - amount + 1

    async def memory(self) -> Memory:
        def step(client: redis.Redis) -> Memory:
            info: Reply = client.info("memory")
            limit = int(info["maxmemory"]) or int(info["total_system_memory"]) // 2
            return Memory(int(info["used_memory"]), limit, self._disk_free())

        return await self._reads.run(step)


def _appended(group: Group, reply: Reply) -> Appended | StoreError:
    if isinstance(reply, Exception):
        return told(reply)
    answers = iter([answer[1:] if answer else None for answer in reply[1:]])
    claims = tuple(tuple(next(answers) for _ in batch.claims) for batch in group.batches)
    return Appended(Position.parse(reply[0]), claims)


def _totals(appended: Reply, dead: Reply, purged: Reply) -> Totals:
    gone = {int(stat): int(points) for stat, points in purged.items()}
    return Totals(int(appended or 0), int(dead or 0), gone)


def _fold_state(fields: Reply) -> FoldState:
    closed, dropped = (
        {int(name[1:]): int(time_s) for name, time_s in fields.items() if name[:1] == letter}
        for letter in (b"c", b"d")
    )
    return FoldState(closed, dropped)


def _snapshot(
    partition: int, meta: Reply, purged: Reply, fold: Reply, recent: Reply, log: Reply
) -> Snapshot:
    appended, dead, position = meta
    at = Position.parse(position or b"0-0")
    frames, faults = [], []
    for name, fields in recent:
        try:
            frames.append(_frame(partition, name, fields))
        except Damaged as error:
            faults.append(str(error))
    entries = [entry for entry in starmap(_entry, log) if entry.position > at]
    totals = _totals(appended, dead, purged)
    return Snapshot(totals, at, frames, entries, _fold_state(fold), faults)


def _entry(name: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    position, size = Position.parse(name), int(fields.get(b"n", b"0"))
    try:
        points, commands = decode_log(fields.get(b"b", b""), fields.get(b"s", b""))
    except BadFrame as error:
        return Entry(position, NO_POINTS, (), size, str(error))
    return Entry(position, points, commands, len(points))


def _frame(partition: int, name: bytes, fields: Mapping[bytes, bytes]) -> Frame:
    try:
        return Frame(Position.parse(name), decode_partials(fields.get(b"b", b"")))
    except BadFrame as error:
        where = f"partition {partition}: the partials of the checkpoint at {name.decode()}"
        raise Damaged(f"{where} are damaged: {error}") from error


def _chunk(span: Span, member: bytes) -> Chunk:
    try:
        return decode_chunk(span.stat, member[POSITION.size :])
    except BadFrame as error:
        where = f"stat {span.stat}: a chunk of the {span.tier.name} tier in"
        raise Damaged(f"{where} [{span.start}, {span.end}) is damaged: {error}") from error
