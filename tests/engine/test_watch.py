"""Watching stats through a node: what is told is what a question answers, and always in time."""

import pytest
import trio
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.node import Node, open_node
from engine.partition import WAKES_A_SLICE
from engine.points import Batch, Command
from engine.ports import Unavailable
from engine.tiers import HOUR_S, M1, S1, S10
from engine.turn import NO_POINTS
from tests.engine.faults import FaultyStore
from tests.engine.model import BEGUN_MS, BEGUN_S, Point
from tests.engine.nodes import now_ms, submit, until_killed

STAT = 1


def point(value: float, at_s: float = 0, stat: int = STAT) -> Point:
    return stat, BEGUN_MS + round(1000 * at_s), value


async def test_watches_say_what_a_question_answers(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore(2)) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            watch.add(1, 2)
            for round_number in range(30):
                value = round_number / 10
                late_s = -100 if round_number % 5 == 4 else 0
                await submit(node, point(value, round_number + late_s))
                await submit(node, point(value, round_number, 2), partition=1)
                await trio.sleep(1)
                changes = {change.stat: change for change in await anext(watch)}
                assert changes.keys() == {STAT, 2}
                assert changes[STAT].revised == bool(late_s)
                for change in changes.values():
                    (start,) = change.rollups.start.tolist()
                    reading = await node.read(change.partition, change.stat, S10, start, start + 10)
                    assert reading.rollups.sum.tolist() == change.rollups.sum.tolist()
                    assert change.position == node.cursor(change.partition)


async def test_a_watch_may_begin_before_the_node_is_ready(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s["acquire"] = 5
    async with until_killed(store) as node:
        with node.watch(S1) as watch:
            watch.add(0, STAT)
            await trio.sleep(1)
            assert not node.ready
            await node.wait_ready()
            await submit(node, point(1.0))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [1.0]


async def test_what_is_too_old_for_a_tier_is_not_told_as_something_else(
    autojump_clock: MockClock,
) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(1.0, -7 * HOUR_S), point(2.0, -7 * HOUR_S + 30), point(4.0))
            (change,) = await anext(watch)
            assert change.rollups.start.tolist() == [BEGUN_S]


async def test_seconds_of_before_a_start_are_not_told_in_part(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with open_node(store, TrioClock(BEGUN_MS)) as node:
        await submit(node, point(1.0, 1))
    await trio.sleep(30)
    async with until_killed(store) as node:
        await node.wait_ready()
        with node.watch(S1) as fine, node.watch(S10) as coarse:
            fine.add(0, STAT)
            coarse.add(0, STAT)
            await submit(node, point(2.0, 1), (STAT, now_ms(), 4.0))
            (change,) = await anext(fine)
            assert change.rollups.sum.tolist() == [4.0]
            (change,) = await anext(coarse)
            assert change.rollups.sum.tolist() == [3.0, 4.0]


async def test_live_clients_are_sent_away_before_the_node_stops(
    autojump_clock: MockClock,
) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(S10) as before:
            node.end_watches()
            with node.watch(S10) as after:
                for watch in (before, after):
                    watch.add(0, STAT)
                    assert [changes async for changes in watch] == []
        await submit(node, point(1.0))


async def test_a_stat_sleeps_when_nobody_listens(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(M1) as one, node.watch(S10) as other:
            one.add(0, STAT)
            other.add(0, STAT)
            assert awake(node) == 1
            one.remove(STAT)
            await trio.sleep(3)
            assert awake(node) == 1
        await trio.sleep(3)
        assert awake(node) == 0
        with node.watch(M1) as again:
            again.add(0, STAT)
            await submit(node, point(1.0))
            (change,) = await anext(again)
            assert change.rollups.sum.tolist() == [1.0]


def awake(node: Node) -> int:
    return node.statistics().partitions[0].awake


async def test_an_actor_that_failed_is_replaced(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FaultyStore()
    async with until_killed(store) as node:
        await submit(node, point(1.0, -HOUR_S))
        await node.checkpoint()
        await node.fold(BEGUN_S)
        store.fail("chunks", Unavailable("no answer"))
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(2.0, -HOUR_S))
            assert [changes async for changes in watch] == []
            assert "its actor failed" in caplog.text
            with node.watch(S10) as another:
                another.add(0, STAT)
                await submit(node, point(4.0, -HOUR_S))
                (change,) = await anext(another)
                assert change.rollups.sum.tolist() == [7.0]
        assert awake(node) <= 1


async def test_listeners_may_leave_while_they_are_told(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        stats = range(8 * WAKES_A_SLICE)
        with node.watch(S10) as watch, node.watch(S10) as other:
            for stat in stats:
                watch.add(0, stat)
            other.add(0, stats[-1])
            async with trio.open_nursery() as nursery:
                nursery.start_soon(submit, node, *(point(1.0, 0, stat) for stat in stats))
                told = await anext(watch)
                watch.close()
                node._partitions[0].tick(now_ms())
            assert 0 < len(told) < len(stats)
            assert [change.stat for change in await anext(other)] == [stats[-1]]
            assert awake(node) == 1


async def test_a_stat_that_is_due_has_nothing_new_to_tell(autojump_clock: MockClock) -> None:
    async with until_killed(FaultyStore()) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            for stat in (STAT, 2):
                node._partitions[0].table.set_due(stat, BEGUN_MS + 500)
            await trio.sleep(2)
            await submit(node, point(1.0))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [1.0]


async def test_watches_end_when_their_partition_fails(autojump_clock: MockClock) -> None:
    failures = [RuntimeError("once")]

    def on_command(command: Command) -> None:
        if failures:
            raise failures.pop()

    async with until_killed(FaultyStore(), on_command) as node:
        await node.wait_ready()
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(1.0))
            assert len(await anext(watch)) == 1
            await submit_command(node)
            assert [changes async for changes in watch] == []
        with node.watch(S10) as watch:
            watch.add(0, STAT)
            await submit(node, point(2.0))
            (change,) = await anext(watch)
            assert change.rollups.sum.tolist() == [3.0]


async def submit_command(node: Node) -> None:
    await node.submit(0, Batch(NO_POINTS, (), (Command("stat.put", STAT, b"record"),)))


async def test_watches_end_when_the_node_stops(autojump_clock: MockClock) -> None:
    ended = []

    async def listen(node: Node) -> None:
        for _ in range(2):  # A client that comes back is sent away again.
            with node.watch(S10) as watch:
                watch.add(0, STAT)
                ended.append([changes async for changes in watch])

    async with (
        trio.open_nursery() as nursery,
        open_node(FaultyStore(), TrioClock(BEGUN_MS)) as node,
    ):
        await node.wait_ready()
        nursery.start_soon(listen, node)  # noqa: ASYNC111 - listens until the node ends
        await trio.sleep(1)
        assert node.statistics().watches == 1
    assert ended == [[], []]
