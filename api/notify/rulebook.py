"""The rules of every account: where they stand, which stats they watch, and new stats that fit.

A rule stands in every partition in which its account may have stats, because stats that fit its
pattern may yet come. New ones are noticed within a second.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import trio

from engine.alert_state import State
from engine.alerts import Alerts
from engine.intake import NotAccepted
from engine.points import Command
from engine.ports import StoreError
from engine.rules import Rule
from engine.stats import Stat
from storage.directory import Directory
from storage.directory_search import glob

log = logging.getLogger("statflow.notify")

RULES_MAX: Final = 10_000
"""Rules of one account."""

LOOK_EVERY_S: Final = 1.0
NAMES_A_SLICE: Final = 5_000
"""Names looked at before others get a turn; some 2 ms."""


class Rulebook:
    """Rules by account, over all partitions; `spread` tells over how many an account is spread."""

    def __init__(
        self, alerts: Alerts, directory: Directory, spread: Callable[[int], int] = lambda _: 1
    ) -> None:
        self.alerts = alerts
        self._directory = directory
        self._spread = spread
        self._changes = 0

    def __repr__(self) -> str:
        return f"<Rulebook of {self.alerts!r}>"

    def homes(self, account: int) -> list[int]:
        """The partitions in which an account may have stats."""
        partitions, first = self.alerts.node.partitions, self._directory.home(account)
        spread = min(self._spread(account), partitions)
        return [(first + step) % partitions for step in range(spread)]

    def find(self, rule_id: str) -> Rule | None:
        """A rule by its id, also one that was dropped a moment ago."""
        node = self.alerts.node
        alertings = [node.alerting(partition) for partition in range(node.partitions)]
        rules = (alerting.rules.get(rule_id) for alerting in alertings)
        found = next((rule for rule in rules if rule is not None), None)
        gone = (alerting.gone[rule_id] for alerting in alertings if rule_id in alerting.gone)
        return found or next((one.rule for one in gone), None)

    def get(self, account: int, rule_id: str) -> Rule | None:
        """A rule of an account."""
        node = self.alerts.node
        for partition in self.homes(account):
            rule = node.alerting(partition).rules.get(rule_id)
            if rule is not None and rule.account == account:
                return rule
        return None

    def of(self, account: int) -> list[Rule]:
        """The rules of an account, the oldest first."""
        found = self._of(account).values()
        return sorted(found, key=lambda rule: (rule.extra.get("created_ms", 0), rule.id))

    def amount(self, account: int) -> int:
        """How many rules an account has."""
        return len(self._of(account))

    def _of(self, account: int) -> dict[str, Rule]:
        alertings = [self.alerts.node.alerting(partition) for partition in self.homes(account)]
        rules = [rule for alerting in alertings for rule in alerting.rules.values()]
        return {rule.id: rule for rule in rules if rule.account == account}

    def instances(self, rule: Rule) -> Iterator[tuple[int, State]]:
        """(stat, state) of every stat that a rule is judged at."""
        for partition in self.homes(rule.account):
            for _, stat, state in self.alerts.states(partition, rule.id):
                yield stat, state

    async def put(self, rule: Rule, stats: Sequence[Stat]) -> None:
        """Put a rule, or change it, and watch exactly these stats; raises `NotAccepted`."""
        wanted = {stat.id for stat in stats}
        for partition in self.homes(rule.account):
            here = [stat.id for stat in stats if stat.partition == partition]
            await self.alerts.put(partition, rule, here)
            for _, stat, _ in tuple(self.alerts.states(partition, rule.id)):
                if stat not in wanted:
                    await self.alerts.unwatch(partition, rule.id, stat)
        await self._applied(rule.account)

    async def drop(self, rule: Rule) -> None:
        """Forget a rule; who was told that it fires is told that it does no more."""
        for partition in self.homes(rule.account):
            await self.alerts.drop(partition, rule.id)
        await self._applied(rule.account)

    async def change(self, stat: Stat, *commands: Command) -> None:
        """Send commands to where a stat lives."""
        await self.alerts.change(stat.partition, *commands)

    async def change_all(self, account: int, commands: Sequence[Command]) -> None:
        """Send commands to every partition of an account."""
        for partition in self.homes(account):
            await self.alerts.change(partition, *commands)

    async def run(self) -> None:
        """Let new stats join the rules whose patterns they fit, for ever."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            changes = self._directory.changes
            if changes == self._changes:
                continue
            try:
                for stat in await self._arrived():
                    await self._join(stat)
            except (NotAccepted, StoreError) as error:
                log.info("new stats join their rules later: %s", error)
            else:
                self._changes = changes

    async def _arrived(self) -> list[Stat]:
        """The live stats that changed since the last look, and fit a pattern of their account."""
        changed = self._directory.changed_since(self._changes)
        if changed is None:
            changed = [stat for account in self._accounts() for stat in self._all_of(account)]
        return [stat for stat in changed if stat.state == "live"]

    async def _join(self, stat: Stat) -> None:
        alerting = self.alerts.node.alerting(stat.partition)
        for rule in tuple(alerting.rules.values()):
            if rule.account != stat.account or (rule.id, stat.id) in alerting.actors:
                continue
            if fits(rule, stat.name):
                await self.alerts.watch(stat.partition, rule.id, stat.id)

    def _accounts(self) -> set[int]:
        node = self.alerts.node
        partitions = range(node.partitions)
        return {r.account for p in partitions for r in tuple(node.alerting(p).rules.values())}

    def _all_of(self, account: int) -> Iterable[Stat]:
        return tuple(self._directory.names(account).values())

    async def _applied(self, account: int) -> None:
        """A change is seen by whoever asks after it was answered."""
        node = self.alerts.node
        for partition in self.homes(account):
            # A question waits until what was acknowledged is applied.
            await node.latest(partition, [])


def fits(rule: Rule, name: str) -> bool:
    """Whether a stat of that name is watched by the pattern of a rule."""
    pattern = rule.extra.get("match")
    return pattern is not None and glob(pattern).fullmatch(name) is not None
