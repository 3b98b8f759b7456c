"""Actors and watches: absolute buckets, however late or often they are asked for."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.ports import Unavailable
from engine.stat_actor import (
    BOARD_BUCKETS_MAX,
    DIRTY_BUCKETS_MAX,
    Change,
    StatActor,
    Watch,
)
from engine.tiers import M1, S1, S10
from tests.engine.model import BEGUN_MS, BEGUN_S, told_of
from tests.engine.stat_home import PARTITION, STAT, Home, running


async def next_change(watch: Watch) -> Change:
    """The one change that the next message has."""
    (change,) = await anext(watch)
    assert (change.partition, change.stat, change.lost) == (PARTITION, STAT, False)
    return change


async def test_a_change_is_the_whole_bucket() -> None:
    async with running() as home:
        home.points.append((STAT, BEGUN_MS + 1000, 5.0))  # Of before anybody listened.
        watch = home.watch()
        home.apply((2, 1.0))
        change = await next_change(watch)
        assert told_of(change.rollups) == home.wanted(S10, 0)
        assert change.rollups.sum.tolist() == [6.0]
        assert (change.position, change.revised) == (home.position, False)


async def test_a_bucket_is_read_once_and_then_added_up() -> None:
    async with running() as home:
        watch = home.watch()
        for value in range(5):
            home.apply((value, float(value)))
            change = await next_change(watch)
            assert told_of(change.rollups) == home.wanted(S10, 0)
            assert change.position == home.position
        assert home.reads == [(S10, BEGUN_S)]


async def test_what_the_reading_contains_already_is_not_added_again() -> None:
    async with running() as home:
        watch = home.watch()
        for value in (1.0, 2.0, 3.0):
            home.apply((0, value))
        change = await next_change(watch)
        assert told_of(change.rollups) == home.wanted(S10, 0)
        assert home.reads == [(S10, BEGUN_S)]


async def test_a_slow_listener_gets_the_newest_of_every_bucket_once() -> None:
    async with running() as home:
        watch = home.watch()
        for second in (0, 11, 3, 22, 12):
            home.apply((second, 1.0))
            await wait_all_tasks_blocked()
        change = await next_change(watch)
        assert told_of(change.rollups) == home.wanted(S10, 0, 10, 20)
        with trio.move_on_after(0) as scope:
            await anext(watch)
        assert scope.cancelled_caught, "there is no more"


async def test_a_late_point_revises() -> None:
    async with running() as home:
        watch = home.watch()
        home.apply((-400, 1.0), (1, 1.0))
        change = await next_change(watch)
        assert change.revised
        assert told_of(change.rollups) == home.wanted(S10, -400, 0)


async def test_each_tier_has_its_own_buckets() -> None:
    async with running() as home:
        fine, coarse, other = home.watch(S1), home.watch(M1), home.watch(M1)
        home.apply((1, 1.0), (2, 2.0))
        home.apply((2, 4.0), (59, 8.0))
        await wait_all_tasks_blocked()
        assert told_of((await next_change(fine)).rollups) == home.wanted(S1, 1, 2, 59)
        for watch in (coarse, other):
            assert told_of((await next_change(watch)).rollups) == home.wanted(M1, 0)
        assert repr(home.actor).startswith("<StatActor 1: 3 watches")
        assert repr(fine) == "<Watch of 1 stats at 1s, 0 moved>"


async def test_what_the_tier_has_no_more_is_not_told() -> None:
    async with running() as home:
        home.kept_from_s = BEGUN_S - 100
        watch = home.watch()
        home.apply((-500, 1.0))
        home.apply((-500, 1.0), (0, 1.0))
        await wait_all_tasks_blocked()
        assert told_of((await next_change(watch)).rollups) == home.wanted(S10, 0)


async def test_what_leaves_the_tier_before_it_is_fetched_is_not_told() -> None:
    async with running() as home:
        watch = home.watch()
        home.apply(*((-10 * n, 1.0) for n in range(BOARD_BUCKETS_MAX + 5)))
        await wait_all_tasks_blocked()
        home.kept_from_s = 2 * BEGUN_S
        assert len((await next_change(watch)).rollups) == BOARD_BUCKETS_MAX


async def test_too_much_to_tell_is_said() -> None:
    async with running() as home:
        watch = home.watch()
        home.apply(*((-10 * n, 1.0) for n in range(DIRTY_BUCKETS_MAX + 1)))
        home.apply((1, 1.0))
        await wait_all_tasks_blocked()
        (change,) = await anext(watch)
        assert (change.lost, len(change.rollups), change.stat) == (True, 0, STAT)
        home.apply((1, 1.0))
        assert told_of((await next_change(watch)).rollups) == home.wanted(S10, 0)


async def test_buckets_that_are_known_no_more_are_read_again(autojump_clock: MockClock) -> None:
    async with running() as home:
        watch = home.watch()
        many = BOARD_BUCKETS_MAX + 40
        home.apply(*((-10 * n, 1.0) for n in range(many)))
        await wait_all_tasks_blocked()
        home.read_s = 0.01
        async with trio.open_nursery() as nursery:

            async def move() -> None:
                for n in range(20):
                    home.apply((-10 * n, 2.0), (-10 * (many + n), 3.0))
                    await trio.sleep(0.02)

            # While the listener fetches, its buckets are pushed out again.
            nursery.start_soon(move)
            found = told_of((await next_change(watch)).rollups)
        starts = range(-10 * (many - 1), 1, 10)
        assert found.keys() >= {BEGUN_S + start for start in starts}
        await wait_all_tasks_blocked()
        found |= told_of((await next_change(watch)).rollups)
        assert found == home.wanted(S10, *range(-10 * (many + 20), 1, 10))


async def test_a_slow_reading_does_not_undo_a_later_one(autojump_clock: MockClock) -> None:
    async with running() as home, trio.open_nursery() as nursery:
        watch = home.watch()
        home.read_s = 1.0
        watch.touch(STAT, [BEGUN_S])
        nursery.start_soon(next_change, watch)
        await trio.sleep(0.5)
        home.read_s = 0.1
        home.apply((0, 1.0))
        await trio.sleep(1)
        assert len(home.reads) == 2
        home.apply((0, 2.0))
        await trio.sleep(1)
        assert len(home.reads) == 2
        assert told_of((await next_change(watch)).rollups) == home.wanted(S10, 0)


async def test_a_failed_actor_ends_its_watches_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as home:
        watch, other = home.watch(), home.watch(M1)
        home.error = Unavailable("no answer")
        home.apply((0, 1.0))
        for one in (watch, other):
            assert [changes async for changes in one] == []
        assert "stat 1: its actor failed" in caplog.text


async def test_a_failed_fetch_is_the_listeners_own_failure() -> None:
    async with running() as home:
        watch = home.watch()
        home.apply(*((-10 * n, 1.0) for n in range(BOARD_BUCKETS_MAX + 1)))
        await wait_all_tasks_blocked()
        home.error = Unavailable("no answer")
        with pytest.raises(Unavailable):
            await anext(watch)


async def test_an_ended_watch_stays_so() -> None:
    async with running() as home:
        watch = home.watch()
        home.apply((0, 1.0))
        await wait_all_tasks_blocked()
        watch.end()
        assert [changes async for changes in watch] == []
        assert [changes async for changes in watch] == []


async def test_whoever_listens_no_more_is_told_nothing() -> None:
    async with running() as home:
        watch, other = home.watch(), home.watch()
        watch.add(PARTITION, STAT)  # Twice is once.
        home.apply((0, 1.0))
        await wait_all_tasks_blocked()
        watch.remove(STAT)
        watch.remove(STAT)
        assert await anext(watch) == []
        assert home.actor.watches == {S10: {other}}
        assert len((await next_change(other)).rollups) == 1
        other.close()
        assert home.actor.watches == {}


async def test_a_stat_that_is_removed_while_it_is_fetched_is_skipped(
    autojump_clock: MockClock,
) -> None:
    first, second = Home(), Home()
    homes = {1: first, 2: second}

    def awaken(watch: Watch, partition: int, stat: int) -> StatActor:
        return homes[stat].awaken(watch, partition, STAT)

    watch = Watch(S10, awaken)
    for stat, home in homes.items():
        home.actor.stat = stat
        home.read_s = 1.0
        watch.add(PARTITION, stat)
        watch.touch(stat, [BEGUN_S])
    async with trio.open_nursery() as nursery:

        async def remove() -> None:
            await trio.sleep(0.5)
            watch.remove(2)

        nursery.start_soon(remove)
        assert [change.stat for change in await anext(watch)] == [1]
    watch.touch(1, [])
    with trio.move_on_after(1) as scope:
        await anext(watch)
    assert scope.cancelled_caught, "nothing moved"
