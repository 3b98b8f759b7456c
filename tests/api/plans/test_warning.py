"""Warnings: owners hear of 80 % and of 100 % of a month, each once."""

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock

from api.plans.allowances import Allowance, Allowances
from api.plans.plan import UNLIMITED, Plan
from api.plans.record import PlanRecord
from api.plans.warning import Warnings, level_of
from engine.clock import TrioClock
from engine.tiers import DAY_S
from storage.memory_documents import MemoryDocuments

if TYPE_CHECKING:
    from api.notify.mail import Mail

NOON_MS = 1_795_262_400_000
SMALL = Plan(name="small", points_month=100)
HARD = Plan(name="hard", points_month=100, over="refuse")


class Scene:
    """Accounts that use what a test says; `mails` are those that were sent."""

    def __init__(self, plan: Plan = SMALL) -> None:
        self.points = 0
        self.mails: list[Mail] = []
        self.clock = TrioClock(NOON_MS)
        documents = MemoryDocuments()
        self.allowances = Allowances(documents, self, self.clock, {plan.name: plan}, plan.name)
        self.warnings = Warnings(
            self.allowances, documents, self.clock, self.owners, self.mails.append, "https://x"
        )

    async def used(self, account: int, days: range) -> list[int]:
        today = self.clock.now_ms() // 1000 // DAY_S
        return [self.points if day == today else 0 for day in days]

    async def owners(self, account: int) -> list[str]:
        return [f"{name}{account}@example.org" for name in ("ann", "bob")]

    async def at(self, points: int) -> list[str]:
        """The subjects of the mails that so many points lead to."""
        self.points = points
        self.allowances.of(7)
        await self.allowances.refresh()
        self.mails.clear()
        await self.warnings.look()
        return [mail.subject for mail in self.mails]


def test_levels() -> None:
    record = PlanRecord(plan="small", since_ms=0)
    found = [level_of(Allowance(SMALL, record, used)) for used in (0, 79, 80, 99, 100, 500)]
    assert found == [None, None, 80, 80, 100, 100]
    assert level_of(Allowance(UNLIMITED, record, 10**12)) is None


async def test_each_level_is_told_once(autojump_clock: MockClock) -> None:
    scene = Scene()
    assert await scene.at(79) == []
    assert await scene.at(80) == ["StatFlow: 80 % of the points of 2026-11 are used"] * 2
    assert [mail.to for mail in scene.mails] == ["ann7@example.org", "bob7@example.org"]
    assert "Existing stats go on counting" not in scene.mails[0].text
    assert await scene.at(90) == []
    assert len(await scene.at(150)) == 2
    assert "150 are used" in scene.mails[0].text
    assert await scene.at(150) == []


async def test_who_is_beyond_both_hears_of_the_higher_one() -> None:
    scene = Scene(HARD)
    assert await scene.at(100) == ["StatFlow: 100 % of the points of 2026-11 are used"] * 2
    assert "Points are refused until the month ends." in scene.mails[0].text
    assert await scene.at(85) == []


async def test_the_next_month_begins_anew(autojump_clock: MockClock) -> None:
    scene = Scene()
    assert len(await scene.at(80)) == 2
    await trio.sleep(31 * DAY_S)
    assert await scene.at(80) == ["StatFlow: 80 % of the points of 2026-12 are used"] * 2


async def test_it_looks_by_itself(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.at(10)
    scene.points = 100
    async with trio.open_nursery() as nursery:
        await nursery.start(scene.allowances.run)
        nursery.start_soon(scene.warnings.run)
        for _ in range(30):
            scene.allowances.of(7)
            await trio.sleep(4)
        nursery.cancel_scope.cancel()
    assert len(scene.mails) == 2


@pytest.mark.parametrize("plan", [UNLIMITED])
async def test_without_a_limit_nobody_is_told(plan: Plan) -> None:
    assert await Scene(plan).at(10**12) == []
