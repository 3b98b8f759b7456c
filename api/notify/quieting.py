"""Keeps the engine's silences in step with what people asked for.

A minute is how long a new stat that fits a pattern may still be heard.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from api.notify.quiet import (
    KIND,
    QUIETS_MAX,
    Quiet,
    belongs,
    pack_quiet,
    silences_of,
    unpack_quiet,
)
from api.notify.rulebook import Rulebook
from engine import alert_commands as commands
from engine.intake import NotAccepted
from engine.ports import Clock, StoreError
from engine.rules import Rule
from engine.silences import Silence, covering
from engine.stats import Stat
from storage.directory import Directory
from storage.directory_search import glob
from storage.documents import Documents, Write

log = logging.getLogger("statflow.notify")

LOOK_EVERY_S: Final = 60.0
KEPT_MS: Final = 7 * 86_400_000
"""What is over is still shown for a week."""


class TooManyQuiets(Exception):
    """The account has as many silences as it may."""


class Quieting:
    """Silences and maintenance windows of all accounts."""

    def __init__(
        self, documents: Documents, rulebook: Rulebook, directory: Directory, clock: Clock
    ) -> None:
        self._documents = documents
        self._rulebook = rulebook
        self._directory = directory
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Quieting of {self._rulebook!r}>"

    async def all(self, account: int) -> list[Quiet]:
        """What an account has, the newest first."""
        found = await self._documents.all(KIND, account, self._clock.now_ms())
        quiets = [unpack_quiet(document.body) for document in found]
        return sorted(quiets, key=lambda quiet: (quiet.created_ms, quiet.id), reverse=True)

    async def get(self, account: int, quiet_id: str) -> Quiet | None:
        """One of them."""
        found = await self._documents.get(KIND, account, quiet_id, self._clock.now_ms())
        return None if found is None else unpack_quiet(found.body)

    async def create(self, quiet: Quiet) -> None:
        """Begin to hold back."""
        if len(await self.all(quiet.account)) >= QUIETS_MAX:
            raise TooManyQuiets(f"an account has at most {QUIETS_MAX} silences")
        expires_ms = None if quiet.rrule else quiet.until_ms + KEPT_MS
        write = Write(
            KIND, quiet.account, quiet.id, pack_quiet(quiet), expected=0, expires_ms=expires_ms
        )
        await self._documents.write([write], self._clock.now_ms())
        await self._tell(quiet)

    async def end(self, quiet: Quiet) -> None:
        """Hold back no more."""
        gone = Write(KIND, quiet.account, quiet.id, None)
        await self._documents.write([gone], self._clock.now_ms())
        for partition in self._rulebook.homes(quiet.account):
            known = self._rulebook.alerts.silences(partition)
            told = [commands.unsilence(name) for name in known if belongs(name, quiet.id)]
            if told:
                await self._rulebook.alerts.change(partition, *told)

    def muted(self, quiet: Quiet, limit: int) -> list[tuple[Rule, int]]:
        """(alert, stat) of what it holds back while it lasts."""
        one = next(silences_of(quiet, self._fitting(quiet), quiet.from_ms), None)
        found: list[tuple[Rule, int]] = []
        for rule in self._rulebook.of(quiet.account) if one is not None else ():
            for stat, _ in self._rulebook.instances(rule):
                if one is not None and one.covers(rule, stat, one.from_ms):
                    found.append((rule, stat))
                    if len(found) >= limit:
                        return found
        return found

    async def covering(self, rule: Rule, stat: Stat, at_ms: int) -> Silence | None:
        """What held an alert back at a moment of the last week, unless it was ended early since."""
        times = [
            silence
            for quiet in await self.all(rule.account)
            if quiet.created_ms <= at_ms
            for silence in silences_of(quiet, self._fitting(quiet), at_ms)
        ]
        return covering(times, rule, stat.id, at_ms)

    async def run(self, accounts: Callable[[], Awaitable[Sequence[int]]]) -> None:
        """Make the times that come, for ever."""
        while True:
            try:
                for account in await accounts():
                    for quiet in await self.all(account):
                        await self._tell(quiet)
            except (StoreError, NotAccepted) as error:
                log.info("silences are made later: %s", error)
            await trio.sleep(LOOK_EVERY_S)

    async def _tell(self, quiet: Quiet) -> None:
        """Tell the engine what it does not know yet."""
        wanted = list(silences_of(quiet, self._fitting(quiet), self._clock.now_ms()))
        for partition in self._rulebook.homes(quiet.account) if wanted else ():
            known = self._rulebook.alerts.silences(partition)
            told = [commands.silence(one) for one in wanted if known.get(one.id) != one]
            if told:
                await self._rulebook.alerts.change(partition, *told)

    def _fitting(self, quiet: Quiet) -> list[int]:
        if not quiet.match:
            return []
        fits = glob(quiet.match)
        names = self._directory.names(quiet.account)
        return [stat.id for name, stat in names.items() if fits.fullmatch(name)]
