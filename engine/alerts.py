"""The face of the rules: put, watch, acknowledge, look, explain, test.

Every change is a command in the log: it is answered when it is durable, and applied a moment later.
A rule lives in the partition of the stats it watches; one that watches stats of several partitions
is put into each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine import alert_commands as commands
from engine.alert_actor import AlertActor
from engine.alert_state import State
from engine.judge import Reading, wanted_of
from engine.node import Node
from engine.points import Batch, Command
from engine.position import Position
from engine.rules import Rule, faults_of
from engine.silences import Silence
from engine.transition import Transition, unpack_transition
from engine.turn import NO_POINTS

WATCHES_A_BATCH = 1_000
"""Stats that one entry of the log makes a rule watch."""

HISTORY_STEP = 1_000
"""Transitions that are read at a time while those of one rule are sought."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why an alert is as it is: what it looks at now, and what it waits for.

    `wanted` is the level its window asks for (None: nobody can tell), `compared` the number that
    was compared; `held` names what holds its messages back, `timers` what it waits for.
    """

    rule: Rule
    stat: int
    state: State
    reading: Reading
    compared: float | None
    wanted: int | None
    now_ms: int
    timers: Mapping[str, int]
    held: str | None
    failed: bool


class Alerts:
    """Rules of a node."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return f"<Alerts of {self.node!r}>"

    # Changing

    async def put(self, partition: int, rule: Rule, stats: Sequence[int]) -> None:
        """Put a rule, or change it, and watch these stats too; raises `NotAccepted`."""
        assert not faults_of(rule), "BUG: a rule with faults"
        first = [commands.watch(rule.id, stat) for stat in stats[:WATCHES_A_BATCH]]
        await self._submit(partition, commands.put(rule), *first)
        for place in range(WATCHES_A_BATCH, len(stats), WATCHES_A_BATCH):
            part = stats[place : place + WATCHES_A_BATCH]
            await self._submit(partition, *(commands.watch(rule.id, stat) for stat in part))

    async def drop(self, partition: int, rule: str) -> None:
        """Forget a rule; who was told that it fires is told that it does no more."""
        await self._submit(partition, commands.drop(rule))

    async def watch(self, partition: int, rule: str, stat: int) -> None:
        """Judge a rule at one more stat."""
        await self._submit(partition, commands.watch(rule, stat))

    async def unwatch(self, partition: int, rule: str, stat: int) -> None:
        """Judge a rule at a stat no more."""
        await self._submit(partition, commands.unwatch(rule, stat))

    async def change(self, partition: int, *told: Command) -> None:
        """Send any commands of `engine.alert_commands`: acknowledge, snooze, fail, silence …"""
        await self._submit(partition, *told)

    # Looking

    def rules(self, partition: int) -> dict[str, Rule]:
        """The rules of a partition."""
        return dict(self.node.alerting(partition).rules)

    def silences(self, partition: int) -> dict[str, Silence]:
        """The silences of a partition."""
        return dict(self.node.alerting(partition).silences)

    def states(self, partition: int, rule: str | None = None) -> Iterator[tuple[str, int, State]]:
        """(rule, stat, state) of every instance, or of those of one rule."""
        roster = self.node.alerting(partition).roster
        actors = tuple(roster.actors.values()) if rule is None else roster.of_rule(rule)
        for actor in actors:
            yield actor.rule.id, actor.stat, actor.state

    async def history(
        self,
        partition: int,
        before: Position | None = None,
        limit: int = 100,
        rule: str | None = None,
        stat: int | None = None,
        until_ms: int | None = None,
    ) -> list[tuple[Position, Transition]]:
        """Committed transitions, newest first; `before` is the place of the last one seen.

        With `until_ms` none that happened later.
        """
        found: list[tuple[Position, Transition]] = []
        while len(found) < limit:
            part = await self.node.store.transitions(partition, before, HISTORY_STEP)
            for place, record in part:
                one = unpack_transition(record)
                if until_ms is not None and one.at_ms > until_ms:
                    continue
                if rule in (None, one.rule) and stat in (None, one.stat):
                    found.append((place, one))
            if len(part) < HISTORY_STEP:
                break
            before = part[-1][0]
        return found[:limit]

    def explain(self, partition: int, rule: str, stat: int) -> Explained | None:
        """Why an instance is as it is now; None when there is none."""
        alerting = self.node.alerting(partition)
        actor = alerting.actors.get((rule, stat))
        if actor is None:
            return None
        now_ms = max(self.node.clock.now_ms(), alerting.position.ms)
        held, _ = alerting.held(actor, now_ms)
        return explained(actor, now_ms, held)

    async def _submit(self, partition: int, *told: Command) -> None:
        await self.node.submit(partition, Batch(NO_POINTS, commands=told))


def explained(actor: AlertActor, now_ms: int, held: str | None) -> Explained:
    """What an actor would say of itself at a moment."""
    reading = actor.read(now_ms)
    wanted, compared = wanted_of(actor.rule, actor.state, reading, now_ms)
    level = wanted if isinstance(wanted, int) else None
    return Explained(
        actor.rule, actor.stat, actor.state, reading, compared, level, now_ms,
        actor.waits_for(now_ms), held, actor.failed,
    )  # fmt: skip
