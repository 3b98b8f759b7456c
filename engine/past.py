"""How an alert stood at a moment of the past, as far as its records tell. Pure.

Law: the records decide. What they do not say, such as what a window held, is worked out anew from
the points by whoever asks.
"""

from collections.abc import Sequence

from engine.alert_state import LEVELS, Ack, State, repeat_ms
from engine.rules import Rule
from engine.transition import Status, Tells, Transition

ACKNOWLEDGED = "acknowledged by "
GIVEN_BACK = "given back by "
SNOOZED = "snoozed by "
RESUMED = "resumed by "
CALM = "it flaps no longer"


def state_at(rule: Rule, records: Sequence[Transition]) -> State:
    """The state after these records of one instance, the newest first; they may be its last ones.

    Deadlines, and since when a window was empty, are not in them.
    """
    # What late points told of is an episode of its own.
    records = [one for one in records if one.tells is not Tells.LATE]
    if not records:
        return State()
    last = records[0]
    steps = (one.at_ms for one in records if one.source is not one.target)
    state = State(
        armed=True, status=last.target, level=LEVELS.index(last.level), seq=last.seq,
        since_ms=next(steps, last.at_ms), flapping=_flaps(records),
    )  # fmt: skip
    if not (state.open or state.flapping):
        return state
    return _within(rule, state, [one for one in records if one.episode == last.episode])


def snoozed(records: Sequence[Transition]) -> bool:
    """Whether a snooze held messages back after these records of an episode, the newest first.

    Until when it was meant is not recorded: it has ended by the time that something is told.
    """
    for one in records:
        if one.tells is not None or one.reason.startswith(RESUMED):
            return False
        if one.reason.startswith(SNOOZED):
            return True
    return False


def _within(rule: Rule, state: State, records: Sequence[Transition]) -> State:
    """The state with what belongs to its episode; the records are of that episode."""
    told = [one for one in records if one.tells is not None]
    held = next((one for one in records if one.held is not None), None)
    began = records[-1]
    # The first word that it flaps is no reminder.
    flapped = sum(one.tells is Tells.FLAPPING for one in told)
    repeats = sum(one.tells is Tells.REPEAT for one in told) + max(0, flapped - 1)
    return State(
        armed=True, status=state.status, level=state.level, seq=state.seq, since_ms=state.since_ms,
        flapping=state.flapping, episode=began.episode, began_ms=records[0].began_ms,
        told=bool(told), untold=held is not None and (not told or held.seq > told[0].seq),
        base=began.base if rule.freeze_base and state.open else None, ack=_ack(records),
        repeat_ms=repeat_ms(rule, repeats, told[0].at_ms) if told else 0, repeats=repeats,
        escalated=sum(one.tells is Tells.ESCALATION for one in told),
        changes=_changes(records) if state.flapping else (),
    )  # fmt: skip


def _flaps(records: Sequence[Transition]) -> bool:
    for one in records:
        if one.tells is Tells.FLAPPING:
            return True
        if one.reason == CALM:
            return False
    return False


def _changes(records: Sequence[Transition]) -> tuple[int, ...]:
    """When an episode began and ended again and again, the oldest first."""
    opened = (Status.FIRING, Status.RECOVERING, Status.NO_DATA)
    flips = [one for one in records if (one.source in opened) != (one.target in opened)]
    return tuple(one.at_ms for one in reversed(flips))


def _ack(records: Sequence[Transition]) -> Ack | None:
    for one in records:
        if one.reason.startswith(GIVEN_BACK):
            return None
        if one.reason.startswith(ACKNOWLEDGED):
            return Ack(one.reason.removeprefix(ACKNOWLEDGED), one.at_ms)
    return None
