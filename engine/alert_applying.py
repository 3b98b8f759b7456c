"""What the commands of the log do to the rules of a partition. Pure.

Law: a command is applied whole, and whatever it changes is judged at once, at its own moment.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from engine import alert_commands as commands
from engine.alert_actor import AlertActor
from engine.alert_changes import changed
from engine.alert_records import Gone, gone_key, state_key
from engine.alert_state import State, deadline_ms
from engine.points import Command
from engine.roster import Place, place_of
from engine.rules import Kind, Rule, pack_rule, unpack_rule
from engine.silences import Silence, pack_silence, unpack_silence

if TYPE_CHECKING:
    from engine.alerting import Alerting

GONE_MAX = 1_000
"""Dropped rules that are remembered in a partition; some 1 KiB each."""


def apply_command(alerting: "Alerting", command: Command) -> None:
    """Apply a command; one of another room, or of something that is gone, changes nothing."""
    match command.kind:
        case commands.PUT:
            _put(alerting, unpack_rule(command.body))
        case commands.DROP:
            _drop(alerting, command.body.decode())
        case commands.WATCH:
            _watch(alerting, command.body.decode(), command.stat)
        case commands.UNWATCH:
            _forget(alerting, (command.body.decode(), command.stat))
        case commands.SILENCE:
            silence = unpack_silence(command.body)
            _silenced(alerting, silence.id, silence)
        case commands.UNSILENCE:
            _silenced(alerting, command.body.decode(), None)
        case "stat.purge":
            for actor in tuple(alerting.roster.of_stat(command.stat)):
                _forget(alerting, place_of(actor))
        case kind if kind.startswith("alert.") and kind != commands.TICK:
            _change(alerting, command)


def _put(alerting: "Alerting", rule: Rule) -> None:
    alerting.rules[rule.id] = rule
    alerting.unwritten.documents[f"rule {rule.id}"] = pack_rule(rule)
    for actor in alerting.roster.of_rule(rule.id):
        alerting.roster.change(actor, rule)
        alerting.unwritten.touched[place_of(actor)] = actor
        alerting.judge(actor, alerting.now())


def _drop(alerting: "Alerting", rule: str) -> None:
    for actor in alerting.roster.of_rule(rule):
        _forget(alerting, place_of(actor))
    dropped = alerting.rules.pop(rule, None)
    if dropped is not None:
        alerting.unwritten.documents[f"rule {rule}"] = None
        _remember(alerting, Gone(alerting.position.ms, dropped))


def _remember(alerting: "Alerting", gone: Gone) -> None:
    """Keep a dropped rule for whoever has its last messages to tell, whatever is killed."""
    documents, kept = alerting.unwritten.documents, alerting.gone
    while len(kept) >= GONE_MAX:
        documents[gone_key(kept.pop(next(iter(kept))))] = None
    kept[gone.rule.id] = gone
    documents[gone_key(gone)] = pack_rule(gone.rule)


def _watch(alerting: "Alerting", rule: str, stat: int) -> None:
    if rule in alerting.rules and (rule, stat) not in alerting.actors:
        actor = AlertActor(alerting.rules[rule], stat, State())
        alerting.roster.add(actor)
        alerting.unwritten.documents.pop(state_key(rule, stat), None)
        alerting.unwritten.touched[rule, stat] = actor


def _forget(alerting: "Alerting", place: Place) -> None:
    actor = alerting.roster.remove(place)
    if actor is None:
        return
    alerting.unwritten.touched.pop(place, None)
    alerting.unwritten.documents[state_key(*place)] = None
    if actor.state.episode:
        # Whoever was told that it fires is told that nobody looks any more.
        actor.rule = replace(actor.rule, enabled=False)
        alerting.unwritten.transitions += actor.judge(alerting.now(), None).transitions


def _silenced(alerting: "Alerting", name: str, silence: Silence | None) -> None:
    documents, silences = alerting.unwritten.documents, alerting.silences
    documents[f"silence {name}"] = pack_silence(silence) if silence else None
    if silence is not None:
        silences[name] = silence
    else:
        silences.pop(name, None)
    for old in [one for one in silences.values() if one.until_ms <= alerting.position.ms]:
        del silences[old.id]
        documents[f"silence {old.id}"] = None
    for actor in sorted((a for a in alerting.actors.values() if a.state.untold), key=place_of):
        alerting.judge(actor, alerting.now())


def _change(alerting: "Alerting", command: Command) -> None:
    """Apply a command to one actor."""
    named = command.body[:1] != b"{"
    rule = command.body.decode() if named else commands.told_of(command)["rule"]
    actor = alerting.actors.get((rule, command.stat))
    if actor is None:
        return
    before = actor.state
    if command.kind == commands.ARM:
        actor.state = _armed(alerting, actor)
        if actor.loaded:
            alerting.roster.unready.pop(actor, None)
    else:
        actor.state, record = changed(actor, command, alerting.now())
        alerting.unwritten.transitions += [record] if record is not None else []
    if actor.state is not before:
        alerting.unwritten.touched[place_of(actor)] = actor
        alerting.judge(actor, alerting.now())


def _armed(alerting: "Alerting", actor: AlertActor) -> State:
    state, rule, now_ms = replace(actor.state, armed=True), actor.rule, alerting.position.ms
    if rule.looks_back:
        # Of the time before nobody was to be told.
        state = replace(state, ended=((0, now_ms),))
    blind = actor.sources and rule.counts and not rule.rising
    if blind and not actor.read(now_ms).points:
        # It may be a new one: that there was nothing says nothing before its windows are full.
        state = replace(state, blind_ms=now_ms + 1000 * rule.span_s)
    if rule.kind is Kind.DEADMAN and rule.arm == "now" and not state.deadline_ms:
        return replace(state, deadline_ms=deadline_ms(rule, now_ms, alerting.next_ms))
    return state
