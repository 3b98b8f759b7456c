"""Mails to owners before and when the points of a month are used up.

Law: an account hears of a level once a month. Whoever is beyond both hears only of the higher one.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from api.notify.mail import Mail
from api.plans.allowances import Allowance, Allowances
from api.plans.forecast import Month
from engine.ports import Clock, StoreError
from storage.documents import Documents, Write

log = logging.getLogger("statflow.plans")

LOOK_EVERY_S: Final = 60.0

LEVELS: Final = (100, 80)
"""Percent of the month's points, the highest first."""

KIND: Final = "usage_warning"

Owners = Callable[[int], Awaitable[Sequence[str]]]
"""From an account to the addresses of its owners."""


class Warnings:
    """Looks at what accounts use and writes to them; `post` takes a mail and never waits."""

    def __init__(
        self,
        allowances: Allowances,
        documents: Documents,
        clock: Clock,
        owners: Owners,
        post: Callable[[Mail], object],
        public_url: str,
    ) -> None:
        self._allowances = allowances
        self._documents = documents
        self._clock = clock
        self._owners = owners
        self._post = post
        self._public_url = public_url

    def __repr__(self) -> str:
        return f"<Warnings of {self._allowances!r}>"

    async def run(self) -> None:
        """Look once a minute, for ever."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except StoreError as error:
                log.info("owners are warned later: %s", error)

    async def look(self) -> None:
        """Write to the owners of every account that has come to another level."""
        for account, allowance in self._allowances.known():
            level = level_of(allowance)
            if level is not None:
                await self._warn(account, allowance, level)

    async def _warn(self, account: int, allowance: Allowance, level: int) -> None:
        now_ms = self._clock.now_ms()
        month = Month.of(now_ms // 1000)
        told = f"{month.name} {level}"
        if await self._documents.get(KIND, account, told, now_ms) is not None:
            return
        for owner in await self._owners(account):
            self._post(letter(owner, allowance, level, month, f"{self._public_url}/settings/plan"))
        written = [
            Write(KIND, account, f"{month.name} {one}", b"", expires_ms=month.to_s * 1000)
            for one in LEVELS
            if one <= level
        ]
        await self._documents.write(written, now_ms)


def level_of(allowance: Allowance) -> int | None:
    """The highest level that was reached."""
    limit = allowance.plan.points_month
    if limit is None:
        return None
    return next((level for level in LEVELS if allowance.used * 100 >= limit * level), None)


def letter(to: str, allowance: Allowance, level: int, month: Month, url: str) -> Mail:
    """What an owner is told."""
    limit = allowance.plan.points_month or 0
    then = {
        "keep": "Existing stats go on counting; new ones are refused until the month ends.",
        "refuse": "Points are refused until the month ends.",
    }[allowance.plan.over]
    when = then if level == 100 else f"When they are used up: {then[:1].lower()}{then[1:]}"
    return Mail(
        to,
        f"StatFlow: {level} % of the points of {month.name} are used",
        f"Of {limit:,} points that the plan {allowance.record.plan} has for {month.name},"
        f" {allowance.used:,} are used.\n\n{when}\n\nUse, forecast and plans:\n\n  {url}\n",
    )
