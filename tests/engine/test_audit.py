"""The audit recounts every point, and names what is damaged."""

from dataclasses import replace

import numpy as np
import pytest

from engine.audit import FAULTS_MAX, TRIES_MAX, PartitionAudit, audit
from engine.points import Batch
from engine.ports import Chunk, Damaged, DeadLetter, Group, Snapshot, Span
from engine.position import Position
from engine.rollup import Rollups
from engine.tiers import DAY_S, HOUR_S, M1, S10
from tests.engine.faults import FaultyStore
from tests.engine.ledger import Ledger
from tests.engine.model import BEGUN_MS, BEGUN_S, Point, columns

NOW_S = BEGUN_S + 3 * HOUR_S


def points_at(*seconds: int, stat: int = 1) -> list[Point]:
    return [(stat, second * 1000, 0.1 + second % 7) for second in seconds]


async def partition() -> tuple[FaultyStore, Ledger]:
    """Chunks, frames and an entry beyond the checkpoint, of three stats."""
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    for stat in (1, 2):
        await ledger.commit(points_at(*range(BEGUN_S, NOW_S, 77), stat=stat))
    await ledger.history.fold_once(NOW_S + 600)
    assert ledger.history.frames == []
    await ledger.commit(points_at(NOW_S, BEGUN_S + 5, stat=1) + points_at(NOW_S, stat=3))
    late = Batch(columns(points_at(NOW_S + 1)))
    # Everything that was committed went through the log first.
    store.state[0].appended = len(ledger.points)
    await store.append([Group(0, ledger.own.epoch, 1, (late,), BEGUN_MS)])
    return store, ledger


def chunk_of(store: FaultyStore, stat: int, number: int) -> tuple[tuple[int, int], Chunk]:
    chunks = store.state[0].chunks[stat]
    return next((key, chunk) for key, chunk in chunks.items() if key[0] == number)


def spoil(store: FaultyStore, stat: int, number: int, **columns: object) -> int:
    """Change columns of a chunk; returns the start of its first bucket."""
    key, chunk = chunk_of(store, stat, number)
    assert isinstance(chunk.content, Rollups)
    content = replace(chunk.content, **columns)  # type: ignore[arg-type]
    store.state[0].chunks[stat][key] = replace(chunk, content=content)
    return int(chunk.content.start[0])


async def test_everything_is_accounted_for() -> None:
    store, ledger = await partition()
    found = await audit(store, 0, NOW_S)
    assert found == PartitionAudit(0, len(ledger.points) + 1, 0, 0, len(ledger.points) + 1, 3, ())
    assert found.equal
    assert found.missing == 0


async def test_dead_letters_and_purged_stats_are_accounted_for() -> None:
    store, ledger = await partition()
    of_two = sum(1 for stat, _, _ in ledger.points if stat == 2)
    store.state[0].dead.append(DeadLetter(Position(1, 1), "unreadable", 4))
    store.state[0].appended += 4
    for stat, points in ((2, of_two), (3, 1)):  # One in chunks, one in a frame.
        await ledger.commit([], purge=stat)
        store.state[0].purged[stat] = points
    found = await audit(store, 0, NOW_S)
    assert (found.dead, found.purged, found.stats) == (4, of_two + 1, 1)
    assert found.equal


@pytest.mark.parametrize("more", [1, -1])
async def test_what_is_missing_or_double_is_seen(more: int) -> None:
    store, _ = await partition()
    store.state[0].appended += more
    found = await audit(store, 0, NOW_S)
    assert (found.missing, found.equal, found.faults) == (more, False, ())


@pytest.mark.parametrize("name", ["count", "sum", "min", "max"])
async def test_tiers_that_disagree_are_named(name: str) -> None:
    store, _ = await partition()
    _, chunk = chunk_of(store, 2, M1.number)
    column = getattr(chunk.content, name).copy()
    column[0] += 1
    start = spoil(store, 2, M1.number, **{name: column})
    found = await audit(store, 0, NOW_S)
    assert not found.equal
    assert found.faults[0] == f"stat 2: the tiers 10s and 1m differ at {start}"
    assert all(fault.startswith("stat 2") for fault in found.faults)


async def test_a_lost_chunk_is_named() -> None:
    store, _ = await partition()
    key, chunk = chunk_of(store, 2, S10.number)
    del store.state[0].chunks[2][key]
    found = await audit(store, 0, NOW_S)
    assert found.faults == (f"stat 2: the tiers 10s and 1m differ at {chunk.start}",)


async def test_a_bucket_that_moved_is_named() -> None:
    store, _ = await partition()
    _, chunk = chunk_of(store, 1, M1.number)
    moved = chunk.content.start.copy()
    moved[0] += 60
    start = spoil(store, 1, M1.number, start=moved)
    found = await audit(store, 0, NOW_S)
    assert found.faults[0] == f"stat 1: the tiers 10s and 1m differ at {start}"


async def test_damage_is_named_and_the_rest_is_counted() -> None:
    class Damaging(FaultyStore):
        async def chunks(self, partition: int, spans: object) -> list[list[Chunk]]:
            assert isinstance(spans, list)
            if any(isinstance(span, Span) and span.stat == 2 for span in spans):
                raise Damaged("stat 2: a chunk is unreadable")
            return await super().chunks(partition, spans)

    store, ledger = await partition()
    damaged = Damaging()
    damaged.state = store.state
    found = await audit(damaged, 0, NOW_S)
    assert found.faults == ("stat 2: a chunk is unreadable",)
    assert found.counted == 1 + sum(1 for stat, _, _ in ledger.points if stat != 2)


async def test_not_all_of_many_faults_are_named() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    for stat in range(1, FAULTS_MAX + 20):
        await ledger.commit(points_at(BEGUN_S, stat=stat))
    await ledger.history.fold_once(BEGUN_S + 3 * HOUR_S)
    for stat in range(1, FAULTS_MAX + 20):
        spoil(store, stat, M1.number, count=np.array([2]))
    found = await audit(store, 0, NOW_S)
    assert len(found.faults) == FAULTS_MAX


class Folding(FaultyStore):
    """A store in which a fold runs between the snapshot and the first chunks that are read."""

    def __init__(self, ledger: Ledger, times: int) -> None:
        super().__init__()
        self.ledger = ledger
        self.times = times

    async def snapshot(self, partition: int) -> Snapshot:
        snapshot = await super().snapshot(partition)
        if self.times:
            self.times -= 1
            await self.ledger.commit(points_at(BEGUN_S + 9 + self.times, stat=1))
            self.state[0].appended += 1
            await self.ledger.history.fold_once(NOW_S + 600 + TRIES_MAX - self.times)
        return snapshot


async def test_a_fold_that_overtakes_is_waited_for() -> None:
    store, ledger = await partition()
    folding = Folding(ledger, 3)
    folding.state = store.state
    assert (await audit(folding, 0, NOW_S)).equal
    assert folding.times == 0


async def test_a_fold_that_is_always_faster_is_said() -> None:
    store, ledger = await partition()
    folding = Folding(ledger, TRIES_MAX)
    folding.state = store.state
    with pytest.raises(Damaged, match="the fold was faster"):
        await audit(folding, 0, NOW_S)


async def test_tiers_are_compared_only_where_both_are_whole() -> None:
    store, ledger = await partition()
    now_s = NOW_S + 5 * DAY_S
    await ledger.history.fold_once(now_s)
    ledger.history.shortened = 2
    assert await ledger.history.sweep(now_s) > 0
    assert (await audit(store, 0, now_s)).equal


async def test_faults_of_the_snapshot_are_told() -> None:
    class Torn(FaultyStore):
        async def snapshot(self, partition: int) -> Snapshot:
            snapshot = await super().snapshot(partition)
            return replace(snapshot, faults=["a frame is unreadable"])

    torn = Torn()
    torn.state = (await partition())[0].state
    assert (await audit(torn, 0, NOW_S)).faults == ("a frame is unreadable",)


async def test_an_empty_partition_is_equal() -> None:
    store = FaultyStore()
    found = await audit(store, 0, NOW_S)
    assert (found, found.equal) == (PartitionAudit(0, 0, 0, 0, 0, 0, ()), True)


async def test_what_only_the_log_has_is_counted_with_its_stats() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    points = points_at(NOW_S, stat=1) + points_at(NOW_S, NOW_S + 1, stat=2)
    await store.append([Group(0, ledger.own.epoch, 1, (Batch(columns(points)),), BEGUN_MS)])
    found = await audit(store, 0, NOW_S)
    assert (found.counted, found.stats) == (3, 2)
