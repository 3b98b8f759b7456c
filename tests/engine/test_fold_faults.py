"""The fold may be killed or refused between any two calls: done again, it gives the same."""

from contextlib import suppress

import pytest

from engine.fold import GRACE_S
from engine.histogram import Histograms
from engine.ports import Chunk, FoldState, Refused, StoreError, Unavailable
from engine.tiers import DAY_S, HISTOGRAMS, HOUR_S, M1, M15, S10
from tests.engine.faults import FaultyStore, Killed
from tests.engine.ledger import Ledger
from tests.engine.model import BEGUN_S, Point, counted, told

LATER_S = BEGUN_S + 3 * HOUR_S
END_S = BEGUN_S + 2 * DAY_S

Content = dict[tuple[int, int, int], object]


def points_at(*seconds: int, stat: int = 1) -> list[Point]:
    return [(stat, second * 1000 + n, 0.5 + n) for n, second in enumerate(seconds)]


async def before_the_fold(store: FaultyStore) -> Ledger:
    """Three hours that are folded, then two days with late points that are not."""
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(*range(BEGUN_S, LATER_S, 1_900)))
    await ledger.history.fold_once(LATER_S)
    await ledger.commit(points_at(*range(LATER_S, END_S, 40_000)))
    await ledger.commit(points_at(BEGUN_S + 9, LATER_S - 4_000) + points_at(END_S - 100, stat=2))
    await ledger.commit(points_at(END_S + 50))
    store.calls.clear()
    return ledger


async def fold_and_sweep(ledger: Ledger) -> None:
    await ledger.history.fold_once(END_S)
    await ledger.history.sweep(END_S)


def chunks_of(store: FaultyStore) -> Content:
    """What every chunk holds, whatever its position."""
    return {
        (stat, number, start): content_of(chunk)
        for stat, chunks in store.state[0].chunks.items()
        for (number, start), chunk in chunks.items()
    }


def content_of(chunk: Chunk) -> object:
    content = chunk.content
    return counted(content) if isinstance(content, Histograms) else told(content)


async def undisturbed() -> tuple[int, Content]:
    """How many calls the fold makes when nothing happens to it, and what it leaves behind."""
    store = FaultyStore()
    ledger = await before_the_fold(store)
    await fold_and_sweep(ledger)
    return len(store.calls), chunks_of(store)


@pytest.mark.parametrize("done", [False, True], ids=["before the step", "after the step"])
async def test_killed_between_any_two_calls_and_done_again(done: bool) -> None:
    calls, wanted = await undisturbed()
    assert calls > 30
    for number in range(calls):
        store = FaultyStore()
        ledger = await before_the_fold(store)
        store.killed_at, store.killed_after = number, done
        with pytest.raises(Killed):
            await fold_and_sweep(ledger)
        await ledger.begin_again(END_S)
        await ledger.check(END_S)
        await fold_and_sweep(ledger)
        assert chunks_of(store) == wanted, f"killed at call {number}"
        await ledger.check(END_S)


@pytest.mark.parametrize("error", [Refused("oom", "full"), None], ids=["refused", "reply lost"])
async def test_a_failed_call_is_made_good_by_the_next_run(error: StoreError | None) -> None:
    calls, _ = await undisturbed()
    for number in range(calls):
        store = FaultyStore()
        ledger = await before_the_fold(store)
        store.fail_at(number, error)
        with suppress(Unavailable, Refused):
            await fold_and_sweep(ledger)
        await ledger.check(END_S)
        await ledger.history.fold_once(END_S + 60)
        await ledger.check(END_S + 60)
        # What the store knows must suffice, whenever the process dies.
        await ledger.begin_again(END_S + 70)
        await ledger.commit(points_at(BEGUN_S + 11, END_S - 99, END_S + 51))
        await ledger.history.fold_once(END_S + 600)
        await ledger.check(END_S + 600)


@pytest.mark.parametrize("number", [0, 1], ids=["rollups", "histograms"])
async def test_frames_are_kept_until_the_store_knows_how_far_the_fold_came(number: int) -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S + GRACE_S)
    await ledger.commit(points_at(BEGUN_S + 1))
    store.fail("write_fold_state", *[None] * number, Unavailable("no answer"))
    with pytest.raises(Unavailable):
        await ledger.history.fold_once(BEGUN_S + 330)
    await ledger.history.fold_once(BEGUN_S + 340)
    assert ledger.history.frames == []
    for tier in (S10, HISTOGRAMS[0]):
        assert (await store.fold_state(0)).closed[tier.number] == BEGUN_S + 300
    await ledger.begin_again(BEGUN_S + 350)
    await ledger.commit(points_at(BEGUN_S + 2))
    await ledger.history.fold_once(BEGUN_S + 360)
    await ledger.check(BEGUN_S + 360)


async def test_what_the_tier_above_has_not_taken_yet_is_not_dropped() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(BEGUN_S + 1, BEGUN_S + 400))
    await ledger.history.fold_once(BEGUN_S + 1000)
    # Down for a week; memory is short before the first fold.
    now_s = BEGUN_S + 8 * DAY_S
    await ledger.begin_again(now_s)
    ledger.history.shortened = 3
    await ledger.history.sweep(now_s)
    await ledger.history.fold_once(now_s)
    ledger.history.shortened = 0
    await ledger.check(now_s)


async def test_what_was_dropped_stays_known_when_there_is_room_again() -> None:
    store, now_s = FaultyStore(), BEGUN_S + DAY_S
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(*range(BEGUN_S, now_s, 300)))
    await ledger.history.fold_once(now_s)
    usual = ledger.history.oldest_kept(now_s)
    ledger.history.shortened = 2
    shortened = ledger.history.oldest_kept(now_s)
    assert shortened[S10.number] > usual[S10.number]
    assert shortened[M1.number] > usual[M1.number]
    assert shortened[M15.number] == usual[M15.number]
    assert await ledger.history.sweep(now_s) > 0
    ledger.history.shortened = 0
    assert ledger.history.oldest_kept(now_s)[S10.number] == shortened[S10.number]
    await ledger.check(now_s)
    await ledger.begin_again(now_s)
    assert ledger.history.oldest_kept(now_s)[M1.number] == shortened[M1.number]
    await ledger.check(now_s)
    later_s = now_s + 7 * HOUR_S
    assert ledger.history.oldest_kept(later_s)[S10.number] == S10.oldest(later_s)


async def test_sweeping_says_first_what_it_drops() -> None:
    store = FaultyStore()
    ledger = await before_the_fold(store)
    await ledger.history.fold_once(END_S)
    store.killed_at = len(store.calls) + 2
    with pytest.raises(Killed, match="drop_chunks"):
        await ledger.history.sweep(END_S)
    dropped = (await store.fold_state(0)).dropped
    assert dropped[S10.number] == S10.oldest(END_S)
    assert dropped[HISTOGRAMS[0].number] == HISTOGRAMS[0].oldest(END_S)


async def test_a_store_without_a_fold_state_begins_one() -> None:
    store = FaultyStore()
    store.fail("frames", Unavailable("no answer"), None)
    store.fail("write_fold_state", Refused("loading", "it loads"))
    ledger = await Ledger.open(store, BEGUN_S)
    assert await store.fold_state(0) == FoldState(ledger.fold.closed)
    assert M1.number in ledger.fold.closed
