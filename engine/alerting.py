"""The rules of one partition: told every log entry in order, judged at once.

Pure. Law: the log is the only clock. An entry's append stamp lets time pass; what became due before
it is judged first, each at its own moment; then its commands apply and its points enter. So the
log read again makes the same transitions at the same moments. While rules are watched a tick stands
in the log every few seconds: a longer gap between two entries means that no points could come, and
nobody is blamed for it.
"""

import heapq
import logging
from bisect import insort
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from engine import alert_commands as commands
from engine.alert_actor import AlertActor
from engine.alert_changes import changed
from engine.alert_records import Unwritten, state_key
from engine.alert_state import NextMs, State, deadline_ms, shifted, unpack_state
from engine.histogram import Histograms
from engine.judge import Moment
from engine.points import Command
from engine.ports import Judged
from engine.position import START, Position
from engine.rollup import Ints, Rollups
from engine.rules import Kind, Rule, pack_rule, unpack_rule
from engine.silences import Silence, covering, pack_silence, unpack_silence

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
        self.rules: dict[str, Rule] = {}
        self.actors: dict[tuple[str, int], AlertActor] = {}
        self.silences: dict[str, Silence] = {}
        self.unwritten = Unwritten()
        self.position = position
        self._next_ms = next_ms
        self._gaps = gaps
        self._of_stat: dict[int, list[AlertActor]] = {}
        self._of_rule: dict[str, dict[int, AlertActor]] = {}
        self._unready: dict[AlertActor, None] = {}
        self._stats: Ints | None = None
        self._fine: frozenset[int] | None = None
        self._due: list[tuple[int, str, int, int, AlertActor]] = []
        self._order = count()
        self._read(documents)

    def __repr__(self) -> str:
        return f"<Alerting {len(self.rules)} rules at {len(self.actors)} stats>"

    def _read(self, documents: Mapping[str, bytes]) -> None:
        for key in sorted(documents):
            kind, _, name = key.partition(" ")
            if kind == "rule":
                self.rules[name] = unpack_rule(documents[key])
            elif kind == "silence":
                self.silences[name] = unpack_silence(documents[key])
            elif kind == "state":
                rule, _, stat = name.partition(" ")
                self._add(AlertActor(self.rules[rule], int(stat), unpack_state(documents[key])))

    # What a partition tells

    @property
    def idle(self) -> bool:
        """Whether entries need not be told one by one."""
        return not self.actors

    @property
    def armed(self) -> bool:
        """Whether every rule is judged."""
        return not self._unready

    @property
    def eager(self) -> bool:
        """Whether something waits to be committed at once."""
        return bool(self.unwritten.transitions)

    @property
    def fine(self) -> frozenset[int]:
        """The stats whose seconds a restart needs."""
        if self._fine is None:
            needing = [actor for actor in self.actors.values() if actor.fine]
            self._fine = frozenset(stat for actor in needing for stat in actor.stats)
        return self._fine

    def watched(self) -> Ints:
        """The stats that rules look at, sorted."""
        if self._stats is None:
            self._stats = np.array(sorted(self._of_stat), np.int64)
        return self._stats

    def unloaded(self) -> list[AlertActor]:
        """The actors whose windows are not known yet."""
        return [actor for actor in self._unready if not actor.loaded]

    def begin(self) -> None:
        """Every window is loaded: note what becomes due from here on."""
        self._unready = {a: None for a in self._unready if not a.state.armed}
        for actor in self.actors.values():
            actor.look_ahead(self.position.ms)
            self._ask_again(actor, self.held(actor, self.position.ms)[1])
            self._push(actor, 0)

    def wanted(self, now_ms: int) -> list[Command]:
        """What should be written into the log now: what is ready to be judged, or time."""
        ready = [
            commands.arm(actor.rule.id, actor.stat)
            for actor in self._unready
            if actor.loaded and not actor.state.armed
        ]
        due = bool(self._due) and self._due[0][0] <= now_ms
        late = bool(self.actors) and now_ms >= self.position.ms + TICK_EVERY_MS
        return ready or ([commands.tick()] if due or late else [])

    @property
    def next_due_ms(self) -> int:
        """When something is due, about; 0 for never."""
        return self._due[0][0] if self._due else 0

    def take(self) -> Judged:
        """What was judged since the last time, for a checkpoint."""
        unwritten, self.unwritten = self.unwritten, Unwritten()
        return unwritten.judged()

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
            self._command(command)
        if len(seconds) and self._of_stat:
            self._enter(seconds, spread)

    # Time

    def _excuse(self, before: Position, position: Position) -> None:
        """No points could come: clocks that count silence stood still, and nobody judged."""
        moment = Moment(position.ms, position.ms, position)
        for key in sorted(self.actors):
            actor = self.actors[key]
            actor.state = shifted(actor.rule, actor.state, before.ms, position.ms, self._next_ms)
            self.unwritten.touched[key] = actor
            self._judge(actor, moment)

    def _pass_time(self, position: Position) -> None:
        while self._due and self._due[0][0] <= position.ms:
            at_ms, *_, actor = heapq.heappop(self._due)
            if actor.due_ms == at_ms and self.actors.get((actor.rule.id, actor.stat)) is actor:
                self._judge(actor, Moment(at_ms, position.ms, position))

    def _ask_again(self, actor: AlertActor, until_ms: int) -> None:
        """Look again when nothing may hold back any more what was not told."""
        if actor.state.untold and until_ms:
            actor.due_ms = min(actor.due_ms or until_ms, until_ms)

    def _push(self, actor: AlertActor, before_ms: int) -> None:
        if actor.due_ms and actor.due_ms != before_ms:
            # Of what is due at one moment the order is the same whenever the log is read.
            place = (actor.due_ms, actor.rule.id, actor.stat, next(self._order), actor)
            heapq.heappush(self._due, place)

    # Points

    def _enter(self, seconds: Rollups, spread: Histograms) -> None:
        now_ms = self.position.ms
        moment = Moment(now_ms, now_ms, self.position)
        moved: dict[AlertActor, None] = {}
        for stat, rows in _by_stat(seconds, self._of_stat):
            bins = spread.of_stat(stat)
            for actor in self._of_stat[stat]:
                actor.add(stat, self.position, rows, bins, now_ms)
                if stat == actor.stat:
                    actor.hear(int(rows.last_ms[-1]), now_ms, self._next_ms)
                moved[actor] = None
        for actor in moved:
            self._judge(actor, moment)

    def _judge(self, actor: AlertActor, moment: Moment) -> None:
        if actor.failed or not actor.loaded:
            return
        before, before_ms = actor.state, actor.due_ms
        held, until_ms = self.held(actor, moment.now_ms)
        try:
            verdict = actor.judge(moment, held)
        except Exception:  # The circle of the actor: one rule must not stop a partition for ever.
            log.exception("%r failed; it is judged again after a restart", actor)
            actor.failed, actor.due_ms = True, 0
            return
        self._ask_again(actor, until_ms)
        # What was popped is no longer in the queue, whatever it says.
        self._push(actor, 0 if before_ms <= moment.now_ms else before_ms)
        if actor.state is not before or actor.rule.kind is Kind.DEADMAN:
            self.unwritten.touched[actor.rule.id, actor.stat] = actor
        self.unwritten.note(verdict.transitions)
        if before.open and not actor.state.open:
            self._release(actor.rule.id, moment)

    def _release(self, parent: str, moment: Moment) -> None:
        """An alert is over: what waited for its end may be told now."""
        children = sorted(rule.id for rule in self.rules.values() if rule.depends_on == parent)
        for child in children:
            for actor in sorted(self._of_rule.get(child, {}).values(), key=_key):
                if actor.state.untold:
                    self._judge(actor, moment)

    def held(self, actor: AlertActor, now_ms: int) -> tuple[str | None, int]:
        """What holds an actor's messages back, and until when if that is known."""
        silence = covering(self.silences.values(), actor.rule, actor.stat, now_ms)
        if silence is not None:
            return f"{silence.kind}:{silence.id}", silence.until_ms
        if now_ms < actor.state.snoozed_ms:
            return "snoozed", actor.state.snoozed_ms
        if actor.rule.depends_on and self._fires(actor.rule.depends_on):
            return f"depends_on:{actor.rule.depends_on}", 0
        return None, 0

    def _fires(self, rule: str) -> bool:
        return any(actor.state.open for actor in self._of_rule.get(rule, {}).values())

    # Commands

    def _command(self, command: Command) -> None:
        match command.kind:
            case commands.PUT:
                self._put(unpack_rule(command.body))
            case commands.DROP:
                self._drop(command.body.decode())
            case commands.WATCH:
                self._watch(command.body.decode(), command.stat)
            case commands.UNWATCH:
                self._forget((command.body.decode(), command.stat))
            case commands.SILENCE:
                silence = unpack_silence(command.body)
                self._silenced(silence.id, silence)
            case commands.UNSILENCE:
                self._silenced(command.body.decode(), None)
            case "stat.purge":
                for actor in tuple(self._of_stat.get(command.stat, ())):
                    self._forget((actor.rule.id, actor.stat))
            case kind if kind.startswith("alert.") and kind != commands.TICK:
                self._change(command)

    def _put(self, rule: Rule) -> None:
        self.rules[rule.id] = rule
        self.unwritten.documents[f"rule {rule.id}"] = pack_rule(rule)
        for actor in sorted(self._of_rule.get(rule.id, {}).values(), key=_key):
            self._unlist(actor)
            actor.change_rule(rule)
            self._list(actor)
            self.unwritten.touched[rule.id, actor.stat] = actor
            self._judge(actor, self._now())

    def _drop(self, rule: str) -> None:
        for stat in sorted(self._of_rule.get(rule, ())):
            self._forget((rule, stat))
        if self.rules.pop(rule, None) is not None:
            self.unwritten.documents[f"rule {rule}"] = None

    def _watch(self, rule: str, stat: int) -> None:
        if rule in self.rules and (rule, stat) not in self.actors:
            actor = AlertActor(self.rules[rule], stat, State())
            self._add(actor)
            self.unwritten.documents.pop(state_key(rule, stat), None)
            self.unwritten.touched[rule, stat] = actor

    def _forget(self, key: tuple[str, int]) -> None:
        actor = self.actors.pop(key, None)
        if actor is None:
            return
        self._unlist(actor)
        del self._of_rule[actor.rule.id][actor.stat]
        self.unwritten.touched.pop(key, None)
        self.unwritten.documents[state_key(*key)] = None
        if actor.state.episode:
            # Whoever was told that it fires is told that nobody looks any more.
            actor.rule = replace(actor.rule, enabled=False)
            self.unwritten.note(actor.judge(self._now(), None).transitions)

    def _silenced(self, name: str, silence: Silence | None) -> None:
        key = f"silence {name}"
        self.unwritten.documents[key] = pack_silence(silence) if silence else None
        if silence is not None:
            self.silences[name] = silence
        else:
            self.silences.pop(name, None)
        for old in [one for one in self.silences.values() if one.until_ms <= self.position.ms]:
            del self.silences[old.id]
            self.unwritten.documents[f"silence {old.id}"] = None
        for actor in sorted((a for a in self.actors.values() if a.state.untold), key=_key):
            self._judge(actor, self._now())

    def _change(self, command: Command) -> None:
        """Apply a command to one actor."""
        named = command.body[:1] != b"{"
        rule = command.body.decode() if named else commands.told_of(command)["rule"]
        actor = self.actors.get((rule, command.stat))
        if actor is None:
            return
        before = actor.state
        if command.kind == commands.ARM:
            actor.state = self._armed(actor)
            if actor.loaded:
                self._unready.pop(actor, None)
        else:
            actor.state, record = changed(actor, command, self._now())
            self.unwritten.note([record] if record is not None else [])
        if actor.state is not before:
            self.unwritten.touched[rule, command.stat] = actor
            self._judge(actor, self._now())

    def _armed(self, actor: AlertActor) -> State:
        state, rule = replace(actor.state, armed=True), actor.rule
        if actor.sources and not rule.rising and not actor.read(self.position.ms).points:
            # It may be a new one: that there was nothing says nothing before its windows are full.
            state = replace(state, blind_ms=self.position.ms + 1000 * rule.span_s)
        if rule.kind is Kind.DEADMAN and rule.arm == "now" and not state.deadline_ms:
            at_ms = deadline_ms(rule, self.position.ms, self._next_ms)
            return replace(state, deadline_ms=at_ms)
        return state

    def _now(self) -> Moment:
        return Moment(self.position.ms, self.position.ms, self.position)

    def _add(self, actor: AlertActor) -> None:
        self.actors[actor.rule.id, actor.stat] = actor
        self._of_rule.setdefault(actor.rule.id, {})[actor.stat] = actor
        self._list(actor)

    def _list(self, actor: AlertActor) -> None:
        for stat in actor.stats:
            insort(self._of_stat.setdefault(stat, []), actor, key=_key)
        if not (actor.loaded and actor.state.armed):
            self._unready[actor] = None
        self._stats = self._fine = None

    def _unlist(self, actor: AlertActor) -> None:
        for stat in actor.stats:
            self._of_stat[stat].remove(actor)
            if not self._of_stat[stat]:
                del self._of_stat[stat]
        self._unready.pop(actor, None)
        self._stats = self._fine = None


def _key(actor: AlertActor) -> tuple[str, int]:
    return actor.rule.id, actor.stat


def _by_stat(rows: Rollups, watched: Container[int]) -> Iterator[tuple[int, Rollups]]:
    """The rows of each watched stat."""
    first = np.append(0, np.flatnonzero(np.diff(rows.stat)) + 1).tolist()
    stats = rows.stat[first].tolist()
    for stat, low, high in zip(stats, first, [*first[1:], len(rows)], strict=True):
        if stat in watched:
            yield stat, rows.take(slice(low, high))
