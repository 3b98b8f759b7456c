"""Allowances: which plan holds, what of it is used, and who is too fast."""

import pytest
import trio
from trio.testing import MockClock

from api.plans.allowances import REFRESH_EVERY_S, Allowances, MonthSpent, PlanLimit, TooFast
from api.plans.plan import BUILT_IN, Plan
from api.plans.record import GRACE_MS
from engine.clock import TrioClock
from engine.ports import Damaged, Unavailable
from engine.tiers import DAY_S
from storage.documents import Write
from storage.memory_documents import MemoryDocuments

NOON_MS = 1_795_262_400_000 + DAY_S * 500
TODAY = NOON_MS // 1000 // DAY_S

SMALL = Plan(name="small", stats=3, points_month=100, requests_s=2, points_s=50, alerts=1)
HARD = Plan(name="hard", points_month=100, over="refuse")
PLANS = {plan.name: plan for plan in (*BUILT_IN, SMALL, HARD)}


class Metered:
    """A meter that tests turn; `asked` are the days that were read."""

    def __init__(self) -> None:
        self.points: dict[int, int] = {}
        self.asked: list[range] = []

    async def used(self, account: int, days: range) -> list[int]:
        self.asked.append(days)
        return [self.points.get(day, 0) for day in days]


@pytest.fixture
def metered() -> Metered:
    return Metered()


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def allowances(documents: MemoryDocuments, metered: Metered) -> Allowances:
    return Allowances(documents, metered, TrioClock(NOON_MS), PLANS, "small")


async def test_without_a_plan_of_its_own_an_account_has_the_default(
    documents: MemoryDocuments, metered: Metered, autojump_clock: MockClock
) -> None:
    free = Allowances(documents, metered, TrioClock(NOON_MS))
    await free.refresh()
    assert (free.of(7).plan.name, free.of(7).more_stats(10**6)) == ("unlimited", None)
    free.admit(7, "key", 10**9)
    assert metered.asked == []


async def test_limits_of_what_is_kept(allowances: Allowances, autojump_clock: MockClock) -> None:
    allowance = allowances.of(1)
    assert [allowance.more_stats(amount) for amount in (0, 2, 3, 4)] == [3, 1, 0, 0]
    allowance.check("alerts", 0)
    with pytest.raises(PlanLimit, match="the plan allows 1 alerts"):
        allowance.check("alerts", 1)
    allowance.check("dashboards", 10**6)


async def test_requests_and_points_have_rates(
    allowances: Allowances, autojump_clock: MockClock
) -> None:
    for _ in range(20):
        allowances.admit(1, "a", 0)
    with pytest.raises(TooFast, match="requests: the plan allows 2 a second") as raised:
        allowances.admit(1, "b", 0)
    assert raised.value.wait_s == pytest.approx(0.5)
    allowances.admit(2, "c", 500)
    with pytest.raises(TooFast, match="points"):
        allowances.admit(2, "d", 1)
    await trio.sleep(0.5)
    allowances.admit(1, "b", 0)
    allowances.admit(2, "d", 20)


async def test_a_month_that_is_spent_takes_no_new_stats(
    allowances: Allowances, autojump_clock: MockClock, metered: Metered
) -> None:
    metered.points = {TODAY: 60, TODAY - 1: 40}
    assert not allowances.of(1).spent
    await allowances.refresh()
    assert allowances.of(1).spent
    assert allowances.of(1).more_stats(0) == 0
    allowances.admit(1, "a", 1)


async def test_a_plan_may_refuse_what_is_beyond_the_month(
    documents: MemoryDocuments, metered: Metered, autojump_clock: MockClock
) -> None:
    allowances = Allowances(documents, metered, TrioClock(NOON_MS), PLANS, "hard")
    metered.points = {TODAY: 100}
    allowances.of(1)
    await allowances.refresh()
    allowances.admit(1, "a", 0)
    with pytest.raises(MonthSpent, match="the plan's 100 points") as raised:
        allowances.admit(1, "a", 1)
    assert 0 < raised.value.wait_s < 31 * DAY_S


async def test_days_that_are_over_are_read_once(
    allowances: Allowances, autojump_clock: MockClock, metered: Metered
) -> None:
    allowances.of(1)
    await allowances.refresh()
    allowances.of(1)
    metered.asked.clear()
    await allowances.refresh()
    assert metered.asked == [range(TODAY - 1, TODAY + 1)]
    # Yesterday's last points may be committed after midnight.
    metered.points = {TODAY: 1}
    await trio.sleep(DAY_S)
    assert (await allowances.read(1)).used == 1
    metered.points[TODAY] = 5
    assert (await allowances.read(1)).used == 5


async def test_who_did_nothing_is_not_read(
    allowances: Allowances, autojump_clock: MockClock, metered: Metered
) -> None:
    allowances.of(1)
    await allowances.refresh()
    metered.asked.clear()
    await allowances.refresh()
    assert metered.asked == []


async def test_a_change_holds_at_once_and_elsewhere_within_seconds(
    allowances: Allowances,
    autojump_clock: MockClock,
    documents: MemoryDocuments,
    metered: Metered,
    nursery: trio.Nursery,
) -> None:
    other = Allowances(documents, metered, TrioClock(NOON_MS), PLANS, "small")
    await nursery.start(other.run)
    assert (await allowances.change(1, "pro")).plan.name == "pro"
    assert allowances.of(1).plan.name == "pro"
    await trio.sleep(REFRESH_EVERY_S + 1)
    assert other.of(1).plan.name == "pro"
    documents.failure = Unavailable("no answer")
    await trio.sleep(5 * REFRESH_EVERY_S)
    assert other.of(1).plan.name == "pro"
    nursery.cancel_scope.cancel()


async def test_a_smaller_plan_takes_nothing_away_for_a_month(
    allowances: Allowances, autojump_clock: MockClock
) -> None:
    await allowances.change(1, "pro")
    smaller = await allowances.change(1, "small", customer="cus_1")
    assert (smaller.record.plan, smaller.record.before) == ("small", "pro")
    assert smaller.record.customer == "cus_1"
    assert (smaller.plan.stats, smaller.plan.alerts) == (500, 100)
    await trio.sleep(GRACE_MS / 1000)
    await allowances.refresh()
    assert allowances.of(1).plan == SMALL
    # Back and forth: what was larger counts from the last change.
    larger = await allowances.change(1, "unlimited")
    assert larger.record.before is None
    again = await allowances.change(1, "unlimited", customer="cus_2")
    assert again.record.since_ms == larger.record.since_ms


async def test_a_plan_that_is_no_longer_in_the_settings_is_the_default(
    allowances: Allowances, autojump_clock: MockClock, documents: MemoryDocuments
) -> None:
    body = b'{"plan":"gone","since_ms":1}'
    await documents.write([Write("plan", 0, "1", body)], NOON_MS)
    await allowances.refresh()
    assert (allowances.of(1).plan, allowances.of(1).record.plan) == (SMALL, "gone")
    await documents.write([Write("plan", 0, "1", b"[]")], NOON_MS)
    with pytest.raises(Damaged, match="plan of account 1"):
        await allowances.refresh()
