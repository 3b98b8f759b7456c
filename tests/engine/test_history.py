"""The committed side: what is kept, what is touched, what is swept."""

import pytest
import trio
from trio.testing import MockClock

from engine.history import SWEEP_STATS
from engine.ports import Unavailable
from engine.position import START, Position
from engine.tiers import DAY_S, HISTOGRAMS, HOUR_S, S10, STORED
from tests.engine.faults import FaultyStore
from tests.engine.ledger import Ledger
from tests.engine.model import BEGUN_S, Point


def points_at(*seconds: int, stat: int = 1) -> list[Point]:
    return [(stat, (BEGUN_S + second) * 1000, 1.0) for second in seconds]


async def test_frames_without_points_are_not_kept() -> None:
    ledger = await Ledger.open(FaultyStore(), BEGUN_S)
    await ledger.commit([])
    assert ledger.history.frames == await ledger.store.frames(0) == []
    await ledger.commit(points_at(1))
    assert [frame.position for frame in ledger.history.frames] == [Position(2, 0)]
    assert "1 frames" in repr(ledger.history)


async def test_what_frames_touched_after_a_position() -> None:
    ledger = await Ledger.open(FaultyStore(), BEGUN_S)
    await ledger.commit(points_at(1, 25))
    await ledger.commit(points_at(27, 3) + points_at(5, stat=2))
    await ledger.commit(points_at(99, stat=2))
    history = ledger.history
    assert history.touched(1, START) == [BEGUN_S, BEGUN_S + 20]
    assert history.touched(1, Position(1, 0)) == [BEGUN_S, BEGUN_S + 20]
    assert history.touched(1, Position(2, 0)) == []
    assert history.touched(2, Position(2, 0)) == [BEGUN_S + 90]


async def test_what_a_forgotten_frame_touched_is_not_known() -> None:
    ledger = await Ledger.open(FaultyStore(), BEGUN_S)
    for second in (1, 2, 400):
        await ledger.commit(points_at(second))
    await ledger.history.fold_once(BEGUN_S + 350)
    assert ledger.history.touched(1, Position(1, 0)) is None
    assert ledger.history.touched(1, Position(2, 0)) == [BEGUN_S + 400]
    await ledger.begin_again(BEGUN_S + 350)
    assert ledger.history.touched(1, Position(2, 0)) is None, "the last frame may be of before"
    assert ledger.history.touched(1, Position(3, 0)) == []


async def test_a_partition_without_frames_begins_at_its_checkpoint() -> None:
    ledger = await Ledger.open(FaultyStore(), BEGUN_S)
    await ledger.commit(points_at(1))
    await ledger.history.fold_once(BEGUN_S + 350)
    await ledger.begin_again(BEGUN_S + 350)
    assert ledger.history.trimmed == Position(1, 0)


async def test_many_stats_are_swept_some_at_a_time() -> None:
    store = FaultyStore()
    ledger = await Ledger.open(store, BEGUN_S)
    stats = 2 * SWEEP_STATS + 1
    await ledger.commit([point for stat in range(stats) for point in points_at(1, stat=stat)])
    await ledger.history.fold_once(BEGUN_S + 400)
    now_s = BEGUN_S + 7 * HOUR_S
    await ledger.history.fold_once(now_s)
    store.calls.clear()
    assert await ledger.history.sweep(now_s) == 2 * stats
    assert store.calls == ["active", "write_fold_state", *["drop_chunks"] * 3]
    assert await ledger.history.sweep(now_s) == 0


async def test_what_is_kept_by_default() -> None:
    ledger = await Ledger.open(FaultyStore(), BEGUN_S)
    oldest = ledger.history.oldest_kept(BEGUN_S)
    assert oldest == {tier.number: tier.oldest(BEGUN_S) for tier in (*STORED, *HISTOGRAMS)}
    assert oldest[S10.number] == BEGUN_S - 6 * HOUR_S


async def test_a_store_that_reads_its_data_is_waited_for(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    for name in ("frames", "fold_state", "write_fold_state", "totals"):
        store.fail(name, *[Unavailable("no answer")] * 3)
    began = trio.current_time()
    ledger = await Ledger.open(store, BEGUN_S)
    assert trio.current_time() - began == pytest.approx(4 * 0.35)
    await ledger.commit(points_at(1))
    await ledger.history.fold_once(BEGUN_S + DAY_S)
    await ledger.check(BEGUN_S + DAY_S)
