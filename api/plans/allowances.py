"""What each account may do now: its plan, what of it is used, and how fast it may go.

Law: `of` and `admit` look into memory and wait for nothing. What they see is a few seconds old; the
meter itself is exact.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import trio

from api.plans.changing import KIND, change_plan
from api.plans.forecast import Month
from api.plans.plan import UNLIMITED, Plan, laxer
from api.plans.rates import Rates
from api.plans.record import PlanRecord, unpack_plan
from engine.ports import Clock, StoreError
from engine.supervision import patiently
from engine.tiers import DAY_S
from storage.documents import Documents

log = logging.getLogger("statflow.plans")

REFRESH_EVERY_S: Final = 5.0


class TooFast(Exception):
    """More than the plan allows in a second; it could be taken `wait_s` later."""

    def __init__(self, what: str, per_s: int, wait_s: float) -> None:
        super().__init__(f"{what}: the plan allows {per_s:,} a second")
        self.wait_s = wait_s


class MonthSpent(Exception):
    """The points of the month are used up; the next begins in `wait_s`."""

    def __init__(self, limit: int, wait_s: float) -> None:
        super().__init__(f"the plan's {limit:,} points of this month are used up")
        self.wait_s = wait_s


class PlanLimit(Exception):
    """The plan allows no more of something that is kept."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"the plan allows {limit:,} {what}")


class Usage(Protocol):
    """Where the meter of points is read."""

    async def used(self, account: int, days: range) -> list[int]:
        """Points of an account on each of these UTC days, counted from the epoch."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one account may: the limits that hold now, and the points used this month."""

    plan: Plan
    record: PlanRecord
    used: int = 0

    @property
    def spent(self) -> bool:
        """Whether the points of the month are used up."""
        return self.plan.points_month is not None and self.used >= self.plan.points_month

    def check(self, what: str, amount: int) -> None:
        """Raise PlanLimit when there are as many of `what`, a limit's name, as there may be."""
        limit = getattr(self.plan, what)
        if limit is not None and amount >= limit:
            raise PlanLimit(what, limit)

    def more_stats(self, amount: int) -> int | None:
        """How many stats may be made when there are so many; None: as many as one likes."""
        if self.spent:
            return 0
        return None if self.plan.stats is None else max(0, self.plan.stats - amount)

    def oldest_ms(self, now_ms: int) -> int:
        """Nothing before this is shown or taken, epoch ms."""
        days = self.plan.retention_days
        return 0 if days is None else now_ms - days * DAY_S * 1000


class Allowances:
    """The allowances of all accounts; `run` keeps them fresh."""

    def __init__(
        self,
        documents: Documents,
        usage: Usage,
        clock: Clock,
        plans: Mapping[str, Plan] | None = None,
        default: str = UNLIMITED.name,
    ) -> None:
        self.plans = {UNLIMITED.name: UNLIMITED} if plans is None else dict(plans)
        self.default = self.plans[default]
        self._documents = documents
        self._usage = usage
        self._clock = clock
        self._records: dict[int, PlanRecord] = {}
        self._known: dict[int, Allowance] = {}
        self._asked: set[int] = set()
        self._used: dict[int, tuple[int, int, int]] = {}
        self._requests, self._points = Rates(), Rates()

    def __repr__(self) -> str:
        return f"<Allowances {len(self._records)} accounts with a plan of their own>"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Read plans and usage again and again, for ever; started once that was done."""
        await patiently("plans", self.refresh)
        task_status.started()
        while True:
            await trio.sleep(REFRESH_EVERY_S)
            try:
                await self.refresh()
            except StoreError as error:
                log.debug("plans are as they were: %s", error)

    async def refresh(self) -> None:
        """Read which plan each account is on, and what those used that did anything lately."""
        now_ms = self._clock.now_ms()
        found = await self._documents.all(KIND, 0, now_ms)
        self._records = {int(one.id): unpack_plan(one.id, one.body) for one in found}
        asked, self._asked = self._asked, set()
        known: dict[int, Allowance] = {}
        for account in asked:
            known[account] = await self._read(account, now_ms)
        self._known = known

    def of(self, account: int) -> Allowance:
        """What an account may; of one that was silent what it used is not known at once."""
        self._asked.add(account)
        known = self._known.get(account)
        if known is None:
            known = self._known[account] = self._allowance(account, self._clock.now_ms(), 0)
        return known

    def known(self) -> list[tuple[int, Allowance]]:
        """The accounts that did anything lately, and what they may."""
        return list(self._known.items())

    async def read(self, account: int) -> Allowance:
        """What an account may, as it is at this moment."""
        return await self._read(account, self._clock.now_ms())

    async def used(self, account: int, days: range) -> list[int]:
        """Points of an account by UTC day."""
        return await self._usage.used(account, days)

    def admit(self, account: int, key: str, points: int) -> None:
        """Let a request with so many points pass, or raise TooFast or MonthSpent."""
        allowance = self.of(account)
        plan = allowance.plan
        if plan.requests_s is not None:
            self._take(self._requests, "requests", plan.requests_s, account, key, 1)
        if not points:
            return
        if allowance.spent and plan.over == "refuse":
            now_s = self._clock.now_ms() // 1000
            raise MonthSpent(plan.points_month or 0, Month.of(now_s).to_s - now_s)
        if plan.points_s is not None:
            self._take(self._points, "points", plan.points_s, account, key, points)

    async def change(self, account: int, name: str, **fields: object) -> Allowance:
        """Put an account on another plan; other `fields` of its record change with it."""
        now_ms = self._clock.now_ms()
        self._records[account] = await change_plan(
            self._documents, self.plans, self.default, account, name, now_ms, **fields
        )
        self._known[account] = await self._read(account, now_ms)
        return self._known[account]

    def _take(
        self, rates: Rates, what: str, per_s: int, account: int, key: str, amount: int
    ) -> None:
        now_s = trio.current_time()
        for caller in (account, (account, key)) if key else (account,):
            if wait_s := rates.wait_s(caller, amount, per_s, now_s):
                raise TooFast(what, per_s, wait_s)

    async def _read(self, account: int, now_ms: int) -> Allowance:
        allowance = self._allowance(account, now_ms, 0)
        if allowance.plan.points_month is None:
            return allowance
        return self._allowance(account, now_ms, await self._used_this_month(account, now_ms))

    async def _used_this_month(self, account: int, now_ms: int) -> int:
        """Days that are long over are read once; yesterday may still be committed."""
        first = Month.of(now_ms // 1000).days[0]
        today = now_ms // 1000 // DAY_S
        recent = max(first, today - 1)
        known = self._used.get(account)
        if known is None or known[:2] != (first, recent):
            before = sum(await self._usage.used(account, range(first, recent)))
            known = self._used[account] = first, recent, before
        return known[2] + sum(await self._usage.used(account, range(recent, today + 1)))

    def _allowance(self, account: int, now_ms: int, used: int) -> Allowance:
        record = self._record(self._records.get(account))
        plan = self._plan(record.plan)
        if record.before is not None and now_ms < record.grace_ms:
            plan = laxer(plan, self._plan(record.before))
        return Allowance(plan, record, used)

    def _record(self, record: PlanRecord | None) -> PlanRecord:
        return PlanRecord(plan=self.default.name, since_ms=0) if record is None else record

    def _plan(self, name: str) -> Plan:
        """A plan that the settings no longer have allows what the default does."""
        return self.plans.get(name, self.default)
