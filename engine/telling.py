"""Who is told of a transition, and who is told again. Pure.

Law: one message when it breaks, one when it heals. What is held back is told when nothing holds it
any more, if it is still so; a recovery is told to whoever was told of the trouble, by escalation
too. An alert that flaps says so, then no more often than it repeats itself until it is calm.
"""

from dataclasses import replace

from engine.alert_state import LEVELS, State, repeat_ms
from engine.past import CALM
from engine.rules import Rule
from engine.transition import Status, Tells, Transition

FLIPS = frozenset((Tells.FIRING, Tells.NO_DATA, Tells.RESOLVED))
REMINDERS = frozenset((Tells.REPEAT, Tells.FLAPPING))

CHANGES_KEPT = 100
"""Beginnings and ends that are remembered of an alert; a rule may ask for as many."""

Told = tuple[State, Transition]


def tell(rule: Rule, before: State, after: State, record: Transition, held: str | None) -> Told:
    """The state and record of a step, with what is told of it; `held` is what holds it back."""
    tells = _kind(rule, before, after)
    if tells in FLIPS:
        after = _flipped(rule, after, record.at_ms)
    if tells in FLIPS and after.flapping:
        tells, held = (Tells.FLAPPING, held) if not before.flapping else (None, "flapping")
    elif tells is Tells.RESOLVED:
        tells, held = (tells, None) if before.told and rule.send_resolved else (None, None)
    if held is not None and tells is not None:
        tells = None
    elif tells is None and held != "flapping":
        held = None
    after = _noted(rule, after, record.at_ms, tells, held)
    channels = _reached(rule, before) if tells is Tells.RESOLVED else ()
    return _closed(after), replace(record, tells=tells, held=held, channels=channels)


def again(
    rule: Rule, state: State, moment: Transition, held: str | None
) -> tuple[State, list[Transition]]:
    """What is told once more at a moment, or only now; `moment` is a record without a step."""
    made: list[Transition] = []
    if state.flapping and moment.at_ms >= state.quiet_ms:
        state, record = _calm(rule, state, moment, held)
        made.append(record)
    if state.flapping and 0 < state.repeat_ms <= moment.at_ms and not (held or state.ack):
        still = _another(rule, state, moment, Tells.FLAPPING, "still flapping", None)
        return still[0], [*made, still[1]]
    if state.status is not Status.FIRING or state.flapping:
        return state, made
    if state.ack is not None and 0 < state.ack.until_ms <= moment.at_ms:
        state = replace(state, ack=None, repeat_ms=moment.at_ms)
    if state.ack is not None:
        return state, made
    if state.untold and held is None:
        # A step of escalation may have been held back with it.
        to = replace(moment, channels=_reached(rule, state))
        state, record = _another(rule, state, to, Tells.FIRING, "held back no longer", None)
        made.append(record)
    if state.told and not state.untold:
        state, reminders = _reminded(rule, state, moment, held)
        made += reminders
    return state, made


def _calm(rule: Rule, state: State, moment: Transition, held: str | None) -> Told:
    """Flapping is over: say how it ended to whoever was told that it flaps."""
    tells = Tells.FIRING if state.open else Tells.RESOLVED
    told = state.told
    if tells is Tells.RESOLVED:
        moment = replace(moment, channels=_reached(rule, state))
    state = replace(state, flapping=False, changes=())
    state, record = _another(rule, state, moment, tells, CALM, held, told)
    return _closed(state), record


def _reached(rule: Rule, state: State) -> tuple[str, ...]:
    """Everybody who was told of an episode, when these are more than those of the rule."""
    if not state.escalated:
        return ()
    steps = rule.escalation[: state.escalated]
    further = (channel for step in steps for channel in step.channels)
    return tuple(dict.fromkeys((*rule.channels, *further)))


def _reminded(
    rule: Rule, state: State, moment: Transition, held: str | None
) -> tuple[State, list[Transition]]:
    now_ms, made = moment.at_ms, []
    for step in rule.escalation[state.escalated :]:
        if now_ms < state.began_ms + 1000 * step.after_s:
            break
        reason = f"not acknowledged for {step.after_s} s"
        state = replace(state, escalated=state.escalated + 1)
        to = replace(moment, channels=step.channels)
        state, record = _another(rule, state, to, Tells.ESCALATION, reason, held)
        made.append(record)
    if 0 < state.repeat_ms <= now_ms:
        state, record = _another(rule, state, moment, Tells.REPEAT, "still firing", held)
        made.append(record)
    return state, made


def _kind(rule: Rule, before: State, after: State) -> Tells | None:
    if before.open and not after.open:
        return Tells.RESOLVED
    if not after.open:
        return None
    if not before.open:
        return Tells.NO_DATA if after.status is Status.NO_DATA else Tells.FIRING
    better = rule.tell_better and after.level < before.level
    return Tells.LEVEL if better or after.level > before.level else None


def _flipped(rule: Rule, state: State, now_ms: int) -> State:
    since_ms = now_ms - 1000 * rule.flap_within_s
    recent = (*(at_ms for at_ms in state.changes if at_ms > since_ms), now_ms)[-CHANGES_KEPT:]
    many = len(recent) >= rule.flap_changes
    return replace(state, changes=recent, flapping=len(recent) > 1 and (state.flapping or many))


def _noted(rule: Rule, state: State, now_ms: int, tells: Tells | None, held: str | None) -> State:
    if tells is not None:
        again_ms = repeat_ms(rule, state.repeats, now_ms)
        return replace(state, told=True, untold=False, repeat_ms=again_ms)
    return replace(state, untold=True) if held is not None and state.open else state


def _closed(state: State) -> State:
    """The state without its episode when that is over; one that flaps is not over yet."""
    if state.open or state.flapping or not state.episode:
        return state
    return replace(
        state, episode="", began_ms=0, told=False, untold=False, ack=None, snoozed_ms=0,
        repeat_ms=0, repeats=0, escalated=0,
    )  # fmt: skip


def _another(
    rule: Rule, state: State, moment: Transition, tells: Tells, reason: str, held: str | None,
    wanted: bool = True,
) -> Told:  # fmt: skip
    """One more record from a status to the same."""
    state = replace(state, seq=state.seq + 1)
    told = tells if wanted and (held is None or tells is Tells.RESOLVED) else None
    held = held if wanted and told is None else None
    if told in REMINDERS:
        state = replace(state, repeats=state.repeats + 1)
    record = replace(
        moment, seq=state.seq, source=state.status, target=state.status, level=LEVELS[state.level],
        episode=state.episode, began_ms=state.began_ms, tells=told, held=held, reason=reason,
    )  # fmt: skip
    return _noted(rule, state, moment.at_ms, told, held), record
