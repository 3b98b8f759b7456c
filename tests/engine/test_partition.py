"""A partition: checkpoints, replay, dead letters, and what follows when it fails."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.node import open_node
from engine.partition import (
    FOLD_EVERY_S,
    REPLAY_ENTRIES,
    SWEEP_EVERY_S,
    UNCOMMITTED_BYTES_MAX,
)
from engine.points import Batch, Command, Points
from engine.ports import DeadLetter, Fenced, Unavailable
from engine.rollup import Rollups
from engine.tiers import D1, PARTIAL_S, S10
from engine.turn import NO_POINTS
from engine.uncommitted import BYTES_A_ROW
from engine.window import Newest
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, BEGUN_S, Point, expected, expected_of, told
from tests.engine.nodes import read_all, submit, until_killed

STAT = 1
BUCKET_S = float(PARTIAL_S)

MUCH_S = 2_000
MUCH_STATS = np.arange(UNCOMMITTED_BYTES_MAX // BYTES_A_ROW // MUCH_S + 1)
MUCH = Points(
    np.repeat(MUCH_STATS, MUCH_S),
    np.tile(BEGUN_MS - 1000 * np.arange(1, MUCH_S + 1), len(MUCH_STATS)),
    np.ones(MUCH_S * len(MUCH_STATS)),
)
"""A point a second of many stats: more than may stay uncommitted."""


def point(value: float, at_s: float = 0, stat: int = STAT) -> Point:
    return stat, BEGUN_MS + round(1000 * at_s), value


def committed(store: FaultyStore) -> Rollups:
    """All that frames say."""
    return Rollups.merged([frame.partials.rollups for frame in store.state[0].frames], PARTIAL_S)


# Checkpoints


async def test_each_bucket_ends_with_a_checkpoint(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        points = [point(1.0, 2), point(2.0, 3)]
        for one in points:
            await submit(node, one)
        await trio.sleep(BUCKET_S - 0.1)
        assert store.checkpoints == []
        await trio.sleep(0.2)
        (checkpoint,) = store.checkpoints
        assert told(checkpoint.partials.rollups) == expected(points, PARTIAL_S)
        assert (checkpoint.number, checkpoint.applied) == (1, 2)
        assert checkpoint.position == store.state[0].tail == node.cursor(0)
        await trio.sleep(3 * BUCKET_S)
        assert len(store.checkpoints) == 1, "nothing came, nothing is committed"
        await submit(node, point(4.0, 40))
        await trio.sleep(BUCKET_S)
        assert [one.number for one in store.checkpoints] == [1, 2]


async def test_partitions_take_turns_with_their_checkpoints(autojump_clock: MockClock) -> None:
    store = FaultyStore(4)
    async with until_killed(store) as node:
        for number in range(4):
            await submit(node, point(1.0), partition=number)
        seen = []
        await trio.sleep(0.1)
        for _ in range(20):
            await trio.sleep(BUCKET_S / 20)
            seen.append(len(store.checkpoints))
    assert seen[-1] == 4
    assert {1, 2, 3, 4} <= set(seen)


async def test_much_is_committed_before_the_bucket_ends(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        for start in range(3):
            await node.submit(0, Batch(MUCH.take(slice(start, None, 3))))
        await trio.sleep(1)
        assert [one.applied for one in store.checkpoints] == [len(MUCH)]


async def test_a_lost_reply_makes_no_second_checkpoint(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.lose_reply("commit", 2)
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        await node.checkpoint()
        assert [one.number for one in store.checkpoints] == [1, 1, 1]
        assert store.state[0].number == len(store.state[0].frames) == 1
        await submit(node, point(2.0))
        await node.checkpoint()
        assert told(committed(store)) == expected([point(1.0), point(2.0)], PARTIAL_S)


async def test_a_stop_commits_all_that_was_taken(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s |= {"append": 0.3, "commit": 0.3}
    points = [point(float(n)) for n in range(20)]
    async with (
        trio.open_nursery() as nursery,
        open_node(store, TrioClock(BEGUN_MS)) as node,
    ):
        await node.wait_ready()
        for one in points:
            nursery.start_soon(submit, node, one)  # noqa: ASYNC111 - answered while the node ends
        await trio.sleep(0.1)
    assert told(committed(store))[STAT, BEGUN_S].exact == expected(points, 10)[STAT, BEGUN_S].exact
    assert store.state[0].position == store.state[0].tail


# Replay


async def test_what_was_not_committed_is_read_from_the_log(autojump_clock: MockClock) -> None:
    store, told_commands = FaultyStore(), list[Command]()
    points = [point(0.1 * n, n / 100) for n in range(REPLAY_ENTRIES + 50)]
    command = Command("stat.put", STAT, b"record")
    async with until_killed(store) as node:
        for one in points[:10]:
            await submit(node, one)
        await node.checkpoint()
        for one in points[10:]:
            await submit(node, one)
        await node.submit(0, Batch(NO_POINTS, (), (command,)))
    assert len(store.checkpoints) == 1
    async with until_killed(store, told_commands.append) as node:
        await node.wait_ready()
        assert node.ready
        assert node.cursor(0) == store.state[0].tail
        assert told_commands == [command]
        assert await read_all(node, STAT, S10, BEGUN_S) == expected_of(points, STAT, 10)
        assert store.calls.count("read_log") == 2
        assert (node.statistics().partitions[0].applied_points) == len(points) - 10


async def test_a_long_log_is_committed_while_it_is_read(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.fail("commit", *[Unavailable("no answer")] * 1_000)
    async with until_killed(store) as node:
        for start in range(3):
            await node.submit(0, Batch(MUCH.take(slice(start, None, 3))))
    store.heal()
    store.checkpoints.clear()
    async with until_killed(store) as node:
        await node.wait_ready()
        assert [one.applied for one in store.checkpoints] == [len(MUCH)]
        assert len(await read_all(node, 7, S10, BEGUN_S - MUCH_S)) == MUCH_S // 10


async def test_a_log_that_lost_its_end_is_no_reason_to_wait(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        await submit(node, point(2.0, 0.5))
    del store.state[0].log[1]
    async with until_killed(store) as node:
        await node.wait_ready()
        assert await read_all(node, STAT, S10, BEGUN_S) == expected_of([point(1.0)], STAT, 10)


async def test_the_store_is_waited_for_at_the_start(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.fail("acquire", *[Unavailable("no answer")] * 3)
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        assert await read_all(node, STAT, D1) == expected_of([point(1.0)], STAT, 86_400)


# Dead letters


async def test_what_cannot_be_read_is_a_dead_letter_of_the_same_checkpoint(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        for value in (1.0, 2.0, 4.0, 8.0):
            await submit(node, point(value))
    first, second, third, fourth = store.state[0].log
    uneven = Points(third.points.stat, third.points.at_ms, np.zeros(0))
    store.state[0].log = [
        first,
        replace(second, points=NO_POINTS, broken="not a frame"),
        replace(third, points=uneven),
        fourth,
    ]
    async with until_killed(store) as node:
        await submit(node, point(16.0))
        await node.checkpoint()
        assert node.statistics().partitions[0].dead_letters == 2
    checkpoint = store.checkpoints[-1]
    assert told(checkpoint.partials.rollups) == expected([point(1), point(8), point(16)], 10)
    assert checkpoint.applied == 3
    broken, poisoned = checkpoint.dead
    assert broken == DeadLetter(second.position, "not a frame", 1)
    assert (poisoned.position, poisoned.points) == (third.position, 1)
    totals = await store.totals(0)
    assert (totals.appended, totals.dead) == (5, 2)


async def test_a_poisoned_entry_does_not_stop_the_others(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    words: Any = np.array(["one"])
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        await node.submit(0, Batch(Points(np.array([STAT]), np.array([BEGUN_MS]), words)))
        await submit(node, point(2.0))
        await node.checkpoint()
        wanted = expected_of([point(1.0), point(2.0)], STAT, 10)
        assert await read_all(node, STAT, S10, BEGUN_S) == wanted
    assert [letter.points for one in store.checkpoints for letter in one.dead] == [1]


# Failure


async def test_a_partition_that_fails_begins_again_from_its_checkpoint(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [RuntimeError("once"), RuntimeError("twice")]

    def on_command(command: Command) -> None:
        if failures:
            raise failures.pop()

    store, points = FaultyStore(), [point(1.0), point(2.0), point(4.0)]
    async with until_killed(store, on_command) as node:
        await submit(node, points[0])
        await node.checkpoint()
        await submit(node, points[1])
        await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b""),)))
        await trio.sleep(0.1)
        assert (len(failures), node.ready) == (1, False)
        await submit(node, points[2])
        await trio.sleep(5)
        assert node.ready
        assert await read_all(node, STAT, S10, BEGUN_S) == expected_of(points, STAT, 10)
    assert caplog.text.count("starting it again") == 2


async def test_what_was_read_from_the_log_already_is_not_delivered_again(
    autojump_clock: MockClock,
) -> None:
    failures = [RuntimeError("once")]

    def on_command(command: Command) -> None:
        if failures:
            raise failures.pop()

    store = FaultyStore()
    async with until_killed(store, on_command) as node:
        await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b""),)))
        # Its reply is on the way while the partition begins again and finds it in the log.
        store.slow_reply_s["append"] = 1.5
        await submit(node, point(1.0))
        assert store.state[0].epoch == 2
        store.heal()
        await submit(node, point(2.0))
        wanted = expected_of([point(1.0), point(2.0)], STAT, 10)
        assert await read_all(node, STAT, S10, BEGUN_S) == wanted
        assert node.statistics().partitions[0].points_ahead == 0


async def test_a_partition_that_fails_for_ever_ends_the_node(autojump_clock: MockClock) -> None:
    def on_command(command: Command) -> None:
        raise RuntimeError("for ever")

    with pytest.RaisesGroup(RuntimeError, allow_unwrapped=True, flatten_subgroups=True):
        async with open_node(FaultyStore(), TrioClock(BEGUN_MS), on_command=on_command) as node:
            await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b""),)))
            await trio.sleep_forever()


@pytest.mark.parametrize("by", ["checkpoint", "append"])
async def test_another_owner_ends_the_node(autojump_clock: MockClock, by: str) -> None:
    store = FaultyStore()
    with pytest.RaisesGroup(Fenced, allow_unwrapped=True, flatten_subgroups=True):
        async with open_node(store, TrioClock(BEGUN_MS)) as node:
            await submit(node, point(1.0))
            await store.acquire(0)
            if by == "append":
                await submit(node, point(2.0))
            await trio.sleep_forever()
    assert store.state[0].epoch == 2, "nobody takes it back"


# Time


async def test_a_point_ahead_of_the_clock_arrives_when_its_time_comes(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0), point(2.0, 50))
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS, 1.0)}
        assert len(await read_all(node, STAT, S10, BEGUN_S)) == 2, "a query sees it at once"
        await trio.sleep(52)
        assert await node.latest(0, [STAT]) == {STAT: Newest(BEGUN_MS + 50_000, 2.0)}


async def test_the_fold_runs_every_minute_and_forgives_the_store(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0))
        store.fail("write_chunks", Unavailable("no answer"))
        passed_s = 0
        await trio.sleep(0.5)
        while not store.chunks_sent:
            await trio.sleep(FOLD_EVERY_S)
            passed_s += FOLD_EVERY_S
        assert 330 <= passed_s <= 330 + 2 * FOLD_EVERY_S
        await trio.sleep(0.1)
        assert "the fold waits a minute: no answer" in caplog.text
        assert store.state[0].chunks == {}
        await trio.sleep(FOLD_EVERY_S + 1)
        assert store.state[0].chunks.keys() == {STAT}
        assert store.state[0].frames == []
        wanted = expected_of([point(1.0)], STAT, 10)
        assert await read_all(node, STAT, S10, BEGUN_S) == wanted
        assert node.statistics().partitions[0].chunks_written == 2
        assert store.calls.count("drop_chunks") == 0
        await trio.sleep(SWEEP_EVERY_S)
        assert store.calls.count("drop_chunks") == 1
