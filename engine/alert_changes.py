"""What people do to an alert: acknowledge, give back, snooze, resume, report a failure. Pure.

A command that names an episode which is over, or an alert that is not open, changes nothing.
"""

from dataclasses import replace
from typing import Any

from engine import alert_commands as commands
from engine.alert_actor import AlertActor
from engine.alert_state import LEVELS, Ack, State
from engine.judge import Moment
from engine.past import ACKNOWLEDGED, GIVEN_BACK, RESUMED, SNOOZED
from engine.points import Command
from engine.rules import Kind
from engine.transition import Transition

Change = tuple[State, Transition | None]


def changed(actor: AlertActor, command: Command, moment: Moment) -> Change:
    """The state after a command, and the record of it; the same state when it changes nothing."""
    state = actor.state
    if command.kind == commands.FAIL:
        if actor.rule.kind is not Kind.DEADMAN or not state.armed or state.open:
            return state, None
        return replace(state, deadline_ms=moment.now_ms), None
    told = commands.told_of(command)
    match command.kind:
        case commands.ACK if state.open and told["episode"] in ("", state.episode):
            ack = Ack(told["by"], moment.now_ms, told["note"], told["until_ms"])
            # Whoever acknowledges knows: nobody need be told any more that it began.
            after = replace(state, ack=ack, untold=False)
            return _recorded(actor, after, moment, f"{ACKNOWLEDGED}{told['by']}")
        case commands.UNACK if state.ack is not None:
            after = replace(state, ack=None, repeat_ms=moment.now_ms)
            return _recorded(actor, after, moment, f"{GIVEN_BACK}{told['by']}")
        case commands.SNOOZE if told["until_ms"] > moment.now_ms:
            return _snoozed(actor, told, moment)
        case commands.RESUME if state.snoozed_ms:
            after = replace(state, snoozed_ms=0)
            return _recorded(actor, after, moment, f"{RESUMED}{told['by']}")
    return state, None


def _snoozed(actor: AlertActor, told: dict[str, Any], moment: Moment) -> Change:
    state = actor.state
    # What fires at the end is told once more.
    untold = state.untold or state.open
    after = replace(state, snoozed_ms=told["until_ms"], untold=untold)
    return _recorded(actor, after, moment, f"{SNOOZED}{told['by']}")


def _recorded(actor: AlertActor, state: State, moment: Moment, reason: str) -> Change:
    state = replace(state, seq=state.seq + 1)
    return state, Transition(
        actor.rule.id, actor.stat, state.seq, state.status, state.status, LEVELS[state.level],
        moment.now_ms, moment.decided_ms, str(moment.position), state.episode, state.began_ms,
        reason=reason,
    )  # fmt: skip
