"""The rules of one partition: told every log entry in order, judged at once.

Pure. Law: the log is the only clock. An entry's append stamp lets time pass; what became due before
it is judged first, each at its own moment; then its commands apply and its points enter. So the
log read again makes the same transitions at the same moments. While rules are watched a tick stands
in the log every few seconds: a longer gap between two entries means that no points could come, and
nobody is blamed for it.
"""

import logging
from collections.abc import Collection, Container, Iterator, Mapping, Sequence

import numpy as np

from engine import alert_commands as commands
from engine.active_times import closed_until_ms
from engine.agenda import Agenda
from engine.alert_actor import AlertActor
from engine.alert_applying import apply_command
from engine.alert_records import Gone, Taken, Unwritten
from engine.alert_state import NextMs, shifted, unpack_state
from engine.histogram import Histograms
from engine.judge import Moment
from engine.points import Command
from engine.ports import Judged
from engine.position import START, Position
from engine.ring import LAST_MS, Row, rows_of
from engine.rollup import Ints, Rollups
from engine.roster import Roster, place_of
from engine.rules import Kind, unpack_rule
from engine.silences import Silence, covering, unpack_silence

log = logging.getLogger("statflow.engine")

TICK_EVERY_MS = 5_000
"""So often a tick stands in the log of a partition with rules, if nothing else does."""

GAP_MS = 12_000
"""Entries further apart than this: the ticks between them could not be written either."""


def never(cron: str, tz: str, after_ms: int) -> int:
    """For engines that know no calendar: no cron ever comes."""
    return 0


def forget(partition: int, judged: Judged) -> None:
    """For those who need not know what was judged."""


class Alerting:
    """Rules, states and silences of one partition; without `gaps` no time is our downtime."""

    def __init__(
        self,
        documents: Mapping[str, bytes],
        position: Position,
        next_ms: NextMs,
        gaps: bool = True,
    ) -> None:
        self.roster = Roster()
        self.rules = self.roster.rules
        self.actors = self.roster.actors
        self.silences: dict[str, Silence] = {}
        self.gone: dict[str, Gone] = {}
        self.unwritten = Unwritten()
        self.position = position
        self.next_ms = next_ms
        self._gaps = gaps
        self._agenda = Agenda()
        self._read(documents)

    def __repr__(self) -> str:
        return f"<Alerting {len(self.rules)} rules at {len(self.actors)} stats>"

    def _read(self, documents: Mapping[str, bytes]) -> None:
        for key in sorted(documents):
            kind, _, name = key.partition(" ")
            if kind == "rule":
                self.rules[name] = unpack_rule(documents[key])
            elif kind == "gone":
                at_ms, _, rule = name.partition(" ")
                self.gone[rule] = Gone(int(at_ms), unpack_rule(documents[key]))
            elif kind == "silence":
                self.silences[name] = unpack_silence(documents[key])
            elif kind == "state":
                rule, _, stat = name.partition(" ")
                state = unpack_state(documents[key])
                self.roster.add(AlertActor(self.rules[rule], int(stat), state))

    # What a partition tells

    @property
    def eager(self) -> bool:
        """Whether something waits to be committed at once."""
        return bool(self.unwritten.transitions)

    @property
    def fine(self) -> Collection[int]:
        """The stats whose seconds a restart needs, as they are now."""
        return self.roster.fine

    @property
    def armed(self) -> bool:
        """Whether every rule is judged."""
        return not self.roster.unready

    def watched(self) -> Ints:
        """The stats that rules look at, sorted."""
        return self.roster.watched()

    def unloaded(self) -> list[AlertActor]:
        """The actors whose windows are not known yet."""
        return [actor for actor in self.roster.unready if not actor.loaded]

    def begin(self) -> None:
        """Every window is loaded: note what becomes due from here on."""
        for actor in self.actors.values():
            if actor.state.armed:
                self.roster.unready.pop(actor, None)
            actor.look_ahead(self.position.ms)
            self._ask_again(actor, self.held(actor, self.position.ms)[1])
            self._agenda.note(actor, 0)

    def wanted(self, now_ms: int) -> list[Command]:
        """What should be written into the log now: what is ready to be judged, or time."""
        ready = [
            commands.arm(actor.rule.id, actor.stat)
            for actor in self.roster.unready
            if actor.loaded and not actor.state.armed
        ]
        due = 0 < self._agenda.next_ms <= now_ms
        late = bool(self.actors) and now_ms >= self.position.ms + TICK_EVERY_MS
        return ready or ([commands.tick()] if due or late else [])

    @property
    def next_due_ms(self) -> int:
        """When something is due, about; 0 for never."""
        return self._agenda.next_ms

    def take(self) -> Taken:
        """What was judged since the last time, for a checkpoint."""
        unwritten, self.unwritten = self.unwritten, Unwritten()
        return unwritten.taken()

    def apply(
        self, position: Position, told: Sequence[Command], seconds: Rollups, spread: Histograms
    ) -> None:
        """Apply a log entry; `seconds` and `spread` hold its points, of watched stats at least."""
        gap = self.position > START and position.ms - self.position.ms > GAP_MS
        if self._gaps and gap and self.actors:
            self._excuse(self.position, position)
        self._pass_time(position)
        self.position = position
        for command in told:
            apply_command(self, command)
        if len(seconds) and self.actors:
            self._enter(seconds, spread)

    # Time

    def now(self) -> Moment:
        """The moment of the entry that is being applied."""
        return Moment(self.position.ms, self.position.ms, self.position)

    def _excuse(self, before: Position, position: Position) -> None:
        """No points could come: clocks that count silence stood still, and nobody judged."""
        moment = Moment(position.ms, position.ms, position)
        for place in sorted(self.actors):
            actor = self.actors[place]
            actor.state = shifted(actor.rule, actor.state, before.ms, position.ms, self.next_ms)
            self.unwritten.touched[place] = actor
            self.judge(actor, moment)

    def _pass_time(self, position: Position) -> None:
        while (actor := self._agenda.take(position.ms)) is not None:
            if self.actors.get(place_of(actor)) is actor:
                self.judge(actor, Moment(actor.due_ms, position.ms, position))

    def _ask_again(self, actor: AlertActor, until_ms: int) -> None:
        """Look again when nothing may hold back any more what was not told."""
        if actor.state.untold and until_ms:
            actor.due_ms = min(actor.due_ms or until_ms, until_ms)

    # Points

    def _enter(self, seconds: Rollups, spread: Histograms) -> None:
        moment, now_ms = self.now(), self.position.ms
        moved: dict[AlertActor, Sequence[int]] = {}
        for stat, rows in _by_stat(seconds, self.roster):
            newest_ms = rows[-1][LAST_MS]
            for actor in self.roster.of_stat(stat):
                actor.add(stat, self.position, rows, spread, now_ms)
                if stat == actor.stat:
                    actor.hear(newest_ms, now_ms, self.next_ms)
                told = moved.get(actor, ())
                moved[actor] = [*told, *(row[0] for row in rows)] if actor.rule.looks_back else ()
        for actor, told in moved.items():
            self.judge(actor, moment, told)

    def judge(self, actor: AlertActor, moment: Moment, told: Sequence[int] = ()) -> None:
        """What becomes of an actor at a moment, and when it looks again.

        `told` are the seconds that points told of, for those that look back.
        """
        if actor.failed or not actor.loaded:
            return
        before, before_ms = actor.state, actor.due_ms
        held, until_ms = self.held(actor, moment.now_ms)
        try:
            verdict = actor.judge(moment, held, told)
        except Exception:  # The circle of the actor: one rule must not stop a partition for ever.
            log.exception("%r failed; it is judged again after a restart", actor)
            actor.failed, actor.due_ms = True, 0
            return
        self._ask_again(actor, until_ms)
        # What was taken off the agenda stands there no more, whatever the actor says.
        self._agenda.note(actor, 0 if before_ms <= moment.now_ms else before_ms)
        if actor.state is not before or actor.rule.kind is Kind.DEADMAN:
            self.unwritten.touched[place_of(actor)] = actor
        self.unwritten.transitions += verdict.transitions
        if before.open and not actor.state.open:
            self._release(actor.rule.id, moment)

    def _release(self, parent: str, moment: Moment) -> None:
        """An alert is over: what waited for its end may be told now."""
        children = sorted(rule.id for rule in self.rules.values() if rule.depends_on == parent)
        for child in children:
            for actor in self.roster.of_rule(child):
                if actor.state.untold:
                    self.judge(actor, moment)

    def held(self, actor: AlertActor, now_ms: int) -> tuple[str | None, int]:
        """What holds an actor's messages back, and until when if that is known."""
        rule = actor.rule
        silences = self.silences.values()
        if silences and (silence := covering(silences, rule, actor.stat, now_ms)):
            return f"{silence.kind}:{silence.id}", silence.until_ms
        if now_ms < actor.state.snoozed_ms:
            return "snoozed", actor.state.snoozed_ms
        if rule.depends_on and self.roster.fires(rule.depends_on):
            return f"depends_on:{rule.depends_on}", 0
        if until_ms := closed_until_ms(rule.active_times, rule.tz, now_ms):
            return "active_times", until_ms
        return None, 0


def _by_stat(rollups: Rollups, watched: Container[int]) -> Iterator[tuple[int, list[Row]]]:
    """The rows of each watched stat."""
    first = np.append(0, np.flatnonzero(np.diff(rollups.stat)) + 1).tolist()
    stats, rows = rollups.stat[first].tolist(), rows_of(rollups)
    for stat, low, high in zip(stats, first, [*first[1:], len(rows)], strict=True):
        if stat in watched:
            yield stat, rows[low:high]
