"""A clock that was ahead for a while: what the fold passed over then is not claimed afterwards."""

import pytest

from engine.audit import audit
from engine.tiers import HOUR_S, MINUTE_S
from storage.memory import MemoryStore
from tests.engine.ledger import Ledger
from tests.engine.model import BEGUN_S, Point

NOW_S = BEGUN_S + 8 * HOUR_S


def points_at(*seconds: int) -> list[Point]:
    return [(1, second * 1000 + n, 0.5 + n) for n, second in enumerate(seconds)]


@pytest.mark.parametrize("late_s", [30 * MINUTE_S, 5 * HOUR_S, 5 * HOUR_S + 40 * MINUTE_S])
async def test_late_points_while_the_clock_was_ahead(late_s: int) -> None:
    store = MemoryStore()
    ledger = await Ledger.open(store, BEGUN_S)
    await ledger.commit(points_at(*range(BEGUN_S, NOW_S, 400)))
    await ledger.history.fold_once(NOW_S)
    await ledger.commit(points_at(NOW_S - late_s))
    await ledger.history.fold_once(NOW_S + HOUR_S)
    await ledger.check(NOW_S)
    assert (await audit(store, 0, NOW_S)).faults == ()
    await ledger.begin_again(NOW_S)
    await ledger.check(NOW_S)
    await ledger.history.fold_once(NOW_S + 10 * MINUTE_S)
    await ledger.check(NOW_S + 10 * MINUTE_S)
    assert (await audit(store, 0, NOW_S + 10 * MINUTE_S)).faults == ()


async def test_a_steady_clock_passes_nothing_over_that_is_claimed() -> None:
    store = MemoryStore()
    ledger = await Ledger.open(store, BEGUN_S)
    for now_s in range(BEGUN_S + 7 * HOUR_S, NOW_S, 7 * MINUTE_S):
        await ledger.commit(points_at(now_s, now_s - 5 * HOUR_S, now_s - 6 * HOUR_S + 100))
        await ledger.history.fold_once(now_s)
        await ledger.check(now_s)
        assert (await audit(store, 0, now_s)).faults == ()
