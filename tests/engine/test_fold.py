"""The fold writes each chunk once, rewrites what late points change, and loses nothing."""

from collections import Counter

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine.fold import GRACE_S, SPARSE_SCALE, initial_state
from engine.histogram import SCALE, Histograms
from engine.position import Position
from engine.rollup import Rollups
from engine.tiers import D1, DAY_S, H1, HISTOGRAMS, HOUR_S, M1, M15, S10, STORED
from tests.engine.faults import FaultyStore
from tests.engine.ledger import Ledger
from tests.engine.model import BEGUN_S, VALUES, Point, told_of

STAT = 1


def points_at(*seconds: int, stat: int = STAT) -> list[Point]:
    """A point at each of these seconds, each with a value and a millisecond of its own."""
    return [(stat, second * 1000 + n, 0.5 + n) for n, second in enumerate(seconds)]


def written(store: FaultyStore) -> Counter[tuple[int, int, int]]:
    """How often each (stat, tier number, start) was written."""
    return Counter((chunk.stat, chunk.tier.number, chunk.start) for chunk in store.chunks_sent)


def test_a_new_partition_begins_with_all_that_is_over() -> None:
    now_s = BEGUN_S + 12_345
    state = initial_state(now_s)
    assert dict(state.dropped) == {}
    for tier in (*STORED, *HISTOGRAMS):
        end = state.closed[tier.number]
        assert end % tier.chunk_s == 0
        assert end + GRACE_S <= now_s < end + GRACE_S + tier.chunk_s
    assert set(initial_state(3).closed.values()) == {0}


async def test_a_span_is_closed_once_it_is_over_and_a_grace_has_passed() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S + GRACE_S)
    await ledger.commit(points_at(BEGUN_S, BEGUN_S + 299))
    await ledger.history.fold_once(BEGUN_S + 300 + GRACE_S - 1)
    assert store.chunks_sent == []
    await ledger.history.fold_once(BEGUN_S + 300 + GRACE_S)
    assert written(store) == {
        (STAT, S10.number, BEGUN_S): 1,
        (STAT, HISTOGRAMS[0].number, BEGUN_S): 1,
    }
    assert ledger.fold.closed[S10.number] == BEGUN_S + 300
    assert ledger.fold.chunks_written == 2
    assert "partition 0" in repr(ledger.fold)
    await ledger.check(BEGUN_S + 400)


@pytest.mark.parametrize(("days", "step_s"), [(2, 300), (130, 12 * HOUR_S)])
async def test_each_chunk_of_each_tier_is_written_once(days: int, step_s: int) -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    points = []
    for now_s in range(BEGUN_S, BEGUN_S + days * DAY_S, step_s):
        fresh = points_at(now_s + step_s // 2, now_s + step_s // 2 + 1) if now_s % 7 else []
        points += fresh
        if fresh:
            await ledger.commit(fresh)
        await ledger.history.fold_once(now_s + step_s + GRACE_S)
    end_s = BEGUN_S + days * DAY_S
    wanted = {
        (STAT, tier.number, tier.chunk(at_ms // 1000))
        for tier in (*STORED, *HISTOGRAMS)
        for _, at_ms, _ in points
        if tier.chunk(at_ms // 1000) + tier.chunk_s <= end_s
    }
    assert written(store) == dict.fromkeys(wanted, 1)
    assert {tier for _, tier, _ in wanted} >= {S10.number, M1.number, M15.number}
    assert (D1.number in {tier for _, tier, _ in wanted}) == (days > 120)
    await ledger.check(end_s)


async def test_a_fold_without_news_does_nothing() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(BEGUN_S))
    await ledger.history.fold_once(BEGUN_S + 400)
    store.calls.clear()
    await ledger.history.fold_once(BEGUN_S + 401)
    assert store.calls == []


async def test_late_points_rewrite_every_chunk_that_still_reaches_them() -> None:
    store, now_s = FaultyStore(), BEGUN_S + HOUR_S
    ledger = await Ledger.open(store, BEGUN_S - 30 * DAY_S)
    await ledger.commit(points_at(now_s - 10 * DAY_S, now_s - 3 * HOUR_S))
    await ledger.history.fold_once(now_s)
    store.chunks_sent.clear()
    # Ten days are too long for the tiers below a quarter of an hour.
    await ledger.commit(points_at(now_s - 10 * DAY_S + 3, now_s - 3 * HOUR_S + 3))
    await ledger.history.fold_once(now_s + 60)
    assert written(store) == {
        (STAT, tier.number, tier.chunk(start)): 1
        for tier, start in [
            (S10, now_s - 3 * HOUR_S),
            (M1, now_s - 3 * HOUR_S),
            (M15, now_s - 10 * DAY_S),
            (H1, now_s - 10 * DAY_S),
            (HISTOGRAMS[0], now_s - 3 * HOUR_S),
            (HISTOGRAMS[1], now_s - 3 * HOUR_S),
            (HISTOGRAMS[2], now_s - 10 * DAY_S),
            (HISTOGRAMS[3], now_s - 10 * DAY_S),
        ]
        if start < ledger.fold.closed[tier.number]
    }
    assert len(written(store)) >= 6
    await ledger.check(now_s + 60)


async def test_frames_go_once_chunks_hold_all_they_say() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    for second in (1, 290, 310, 2, 620):
        await ledger.commit(points_at(BEGUN_S + second))
    kept = []
    for now_s in (BEGUN_S + 320, BEGUN_S + 340, BEGUN_S + 640, BEGUN_S + 940):
        await ledger.history.fold_once(now_s)
        assert [f.position for f in await store.frames(0)] == [
            frame.position for frame in ledger.history.frames
        ]
        kept.append(len(ledger.history.frames))
        await ledger.check(now_s)
    # A late frame waits behind one whose span is still open.
    assert kept == [5, 3, 1, 0]
    assert ledger.history.trimmed == Position(5, 0)


async def test_purged_stats_leave_no_chunks_behind() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(BEGUN_S, stat=1) + points_at(BEGUN_S, stat=2))
    await ledger.commit([], purge=1)
    for begin_again in (False, True):
        if begin_again:
            await ledger.begin_again(BEGUN_S + 200)
            assert ledger.fold.gone == {1}
        await ledger.commit(points_at(BEGUN_S + 1, stat=1))
        await ledger.history.fold_once(BEGUN_S + 400)
        assert store.state[0].chunks.keys() == {2}
    assert ledger.history.frames == []
    await ledger.check(BEGUN_S + 400)


async def test_histograms_that_are_kept_for_ever_are_sparse() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit([(STAT, BEGUN_S * 1000 + n, 1.01**n) for n in range(100)])
    await ledger.history.fold_once(BEGUN_S + 40 * DAY_S)
    kept = {chunk.tier.number: chunk.content for chunk in store.chunks_sent}
    last, before = kept[HISTOGRAMS[-1].number], kept[HISTOGRAMS[-2].number]
    assert isinstance(last, Histograms)
    assert isinstance(before, Histograms)
    assert (last.scale, before.scale) == (SPARSE_SCALE, SCALE)
    assert last.total() == before.total() == 100


async def test_after_a_long_time_down_every_tier_is_made_from_the_one_below() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(*range(BEGUN_S, BEGUN_S + 2 * HOUR_S, 611)))
    await ledger.history.fold_once(BEGUN_S + 2 * HOUR_S + 300)
    # A day of silence; S10 is kept for six hours only, but nothing wider has this yet.
    now_s = BEGUN_S + 20 * DAY_S
    await ledger.begin_again(now_s)
    await ledger.history.fold_once(now_s)
    await ledger.check(now_s)
    assert sum(ledger.points[n][2] for n in range(len(ledger.points))) == sum(
        row.sum
        for chunk in store.chunks_sent
        if chunk.tier is H1 and isinstance(chunk.content, Rollups)
        for row in told_of(chunk.content).values()
    )


@settings(max_examples=25)
@given(
    steps=st.lists(
        st.tuples(
            st.lists(
                st.tuples(
                    st.integers(1, 3),
                    # Ahead, of now, late, very late.
                    st.one_of(
                        st.integers(-300, 60),
                        st.integers(-5 * HOUR_S, 0),
                        st.integers(-100 * DAY_S, 0),
                    ),
                    VALUES,
                ),
                max_size=5,
            ),
            st.sampled_from([10, 60, 600, HOUR_S, 9 * HOUR_S, 3 * DAY_S, 50 * DAY_S]),
            st.booleans(),
        ),
        max_size=8,
    )
)
async def test_nothing_is_lost_whatever_comes_when(
    steps: list[tuple[list[Point], int, bool]],
) -> None:
    now_s = BEGUN_S + 4_000
    ledger = await Ledger.open(FaultyStore(), now_s)
    for points, passed_s, sweeps in steps:
        at = [(stat, (now_s + ago) * 1000, value) for stat, ago, value in points]
        if at:
            await ledger.commit(at)
        now_s += passed_s
        await ledger.history.fold_once(now_s)
        if sweeps:
            await ledger.history.sweep(now_s)
        await ledger.check(now_s)


async def test_a_fold_waits_for_the_one_before_it(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S + GRACE_S)
    await ledger.commit(points_at(BEGUN_S + 1))
    store.slow_s["write_chunks"] = 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ledger.history.fold_once, BEGUN_S + 330)
        await trio.sleep(0.5)
        # The first keeps the second busy while the span of the other is being closed.
        await ledger.commit(points_at(BEGUN_S - 3 * HOUR_S, BEGUN_S + 2))
        nursery.start_soon(ledger.history.fold_once, BEGUN_S + 330)
    await ledger.check(BEGUN_S + 330)
