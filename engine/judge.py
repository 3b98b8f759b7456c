"""One rule and one stat at one moment: what changes, and what is told about it. Pure.

Law: the same in the live partition, when the log is read again, and in a backtest. Nothing but the
arguments decides: the rule, the state so far, what the window says, the moment and what holds
messages back. A step of the status is decided first, then whether anybody is told.
"""

from dataclasses import dataclass, replace
from enum import Enum

from engine.alert_state import ENDED_KEPT, LEVELS, State, few_ms, no_data_after_ms
from engine.position import Position
from engine.rules import ADDITIVE, Kind, Rule
from engine.telling import again, tell
from engine.transition import Status, Transition, episode_id

STEPS_MAX = 4
"""More steps at one moment than this would go round in circles."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the window says: None where there is nothing; `base` is what it is compared with."""

    value: float | None = None
    base: float | None = None
    points: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is judged, and the log entry that made time pass so far; epoch milliseconds."""

    now_ms: int
    decided_ms: int
    position: Position


class Wanted(Enum):
    """What a window may say besides a level."""

    UNKNOWN = "unknown"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The new state and the records of how it came to be."""

    state: State
    transitions: tuple[Transition, ...] = ()


def judge(
    rule: Rule, stat: int, state: State, reading: Reading, moment: Moment, held: str | None = None
) -> Verdict:
    """What becomes of an instance; the same state again when nothing does.

    `held` names what holds messages back, None when nothing does.
    """
    made: list[Transition] = []
    state = _emptiness(rule, state, reading, moment.now_ms)
    for _ in range(STEPS_MAX):
        wanted, change = wanted_of(rule, state, reading, moment.now_ms)
        step = _step(rule, state, wanted, moment.now_ms)
        if step is None:
            break
        target, level, reason = step
        after = _entered(rule, stat, state, target, level, reading, moment)
        record = _record(rule, stat, state, after, reading, change, moment, reason)
        state, told = tell(rule, state, after, record, held)
        made.append(told)
    if not (state.flapping or state.status is Status.FIRING):
        return Verdict(state, tuple(made))
    _, change = wanted_of(rule, state, reading, moment.now_ms)
    now = _record(rule, stat, state, state, reading, change, moment, "")
    state, more = again(rule, state, now, held)
    return Verdict(state, (*made, *more))


def wanted_of(
    rule: Rule, state: State, reading: Reading, now_ms: int
) -> tuple[int | Wanted, float | None]:
    """The level that the window asks for, and the number that was compared."""
    if rule.kind is Kind.DEADMAN:
        return _wanted_of_deadman(rule, state, reading, now_ms), None
    value = reading.value
    if reading.points < rule.min_points or value is None:
        if not (rule.no_data == "zero" and reading.points == 0 and rule.aggregate in ADDITIVE):
            return _wanted_of_nothing(rule, state, now_ms), value
        value = 0.0
    if rule.kind is Kind.DELTA:
        base = state.base if rule.freeze_base and state.base is not None else reading.base
        change = change_of(rule, value, base)
        if change is None:
            return Wanted.UNKNOWN, None
        value = change
    level = level_of(rule, state, value)
    # What is missing could only have made it more: then too much is too much all the same.
    if now_ms < state.blind_ms and (not rule.rising or level < max(1, state.level)):
        return Wanted.UNKNOWN, value
    return level, value


def _wanted_of_nothing(rule: Rule, state: State, now_ms: int) -> int | Wanted:
    if now_ms < state.blind_ms:
        return Wanted.UNKNOWN
    if rule.no_data == "ok":
        return 0
    long = state.empty_ms and now_ms >= state.empty_ms + no_data_after_ms(rule)
    return Wanted.NO_DATA if rule.no_data == "alert" and long else Wanted.UNKNOWN


def _wanted_of_deadman(rule: Rule, state: State, reading: Reading, now_ms: int) -> int | Wanted:
    if not state.deadline_ms:
        return Wanted.UNKNOWN
    silent = now_ms >= state.deadline_ms
    few = rule.paced and 0 < few_ms(rule, state) <= now_ms
    many = 0 < rule.max_points < reading.points
    return _top(rule) if silent or few or many else 0


def change_of(rule: Rule, value: float, base: float | None) -> float | None:
    """By how much a value differs from its base, as the rule counts; None when it cannot be told.

    For directions other than `any` a change in the other direction counts below zero.
    """
    if base is None or (rule.change != "absolute" and abs(base) < rule.min_base):
        return None
    difference = value - base
    match rule.change:
        case "percent" if base:
            difference *= 100.0 / abs(base)
        case "ratio" if base and value:
            ratio = abs(value / base)
            difference = ratio if ratio >= 1.0 else -1.0 / ratio
        case "percent" | "ratio":
            if rule.zero_base == "ignore" or not difference:
                return None if rule.zero_base == "ignore" else 0.0
            difference = 1e100 if difference > 0 else -1e100
    match rule.direction:
        case "up":
            return difference
        case "down":
            return -difference
    return abs(difference)


def level_of(rule: Rule, state: State, value: float) -> int:
    """The level of a value; an open alert goes down only beyond what clears it."""
    top, now = _top(rule), state.level if state.open else 0
    if exceeds(rule, value, rule.clear if now >= top else None, rule.threshold):
        return top
    warned = rule.warn is not None and exceeds(
        rule, value, rule.warn_clear if now >= 1 else None, rule.warn
    )
    return 1 if warned else 0


def exceeds(rule: Rule, value: float, clear: float | None, threshold: float) -> bool:
    """Whether a value is too much (or too little); `clear` takes the threshold's place."""
    bound = threshold if clear is None else clear
    if rule.kind is Kind.DELTA:
        return value > bound
    match rule.op:
        case ">":
            return value > bound
        case ">=":
            return value >= bound
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case "==":
            return value == bound
        case "!=":
            return value != bound
    assert rule.upper is not None, "BUG: a range without an upper bound"
    inside = rule.threshold <= value <= rule.upper
    return inside if rule.op == "inside" else not inside


def _top(rule: Rule) -> int:
    return 1 if rule.severity == "warning" and rule.warn is None else 2


def _emptiness(rule: Rule, state: State, reading: Reading, now_ms: int) -> State:
    """Note since when the window has had too few points."""
    if not (rule.windowed and state.armed):
        return state
    empty = reading.points < rule.min_points
    if empty == bool(state.empty_ms):
        return state
    return replace(state, empty_ms=now_ms if empty else 0)


Step = tuple[Status, int, str]


def _step(rule: Rule, state: State, wanted: int | Wanted, now_ms: int) -> Step | None:
    """The next status, its level and why; None when everything stays as it is."""
    if not rule.enabled:
        return None if state.status is Status.PAUSED else (Status.PAUSED, 0, "paused")
    if state.status is Status.PAUSED:
        return Status.NEW, 0, "resumed"
    if not state.armed or wanted is Wanted.UNKNOWN:
        return None
    if wanted is Wanted.NO_DATA:
        return None if state.open else (Status.NO_DATA, _top(rule), "no data")
    assert isinstance(wanted, int), "BUG: neither a level nor a word"
    return _step_by_level(rule, state, wanted, now_ms)


def _step_by_level(rule: Rule, state: State, level: int, now_ms: int) -> Step | None:
    passed_ms = now_ms - state.since_ms
    match state.status:
        case Status.NEW:
            return Status.OK, 0, "first data"
        case Status.NO_DATA:
            return Status.OK, 0, "data again"
        case Status.OK if level:
            return _begun(rule, state, level, now_ms)
        case Status.PENDING if not level:
            return Status.OK, 0, "back before it was due"
        case Status.PENDING if passed_ms >= 1000 * rule.for_s:
            return Status.FIRING, level, f"held for {rule.for_s} s"
        case Status.RECOVERING if level:
            return Status.FIRING, level, "back again"
        case Status.RECOVERING if passed_ms >= 1000 * rule.keep_firing_s:
            return Status.OK, 0, f"well for {rule.keep_firing_s} s"
        case Status.FIRING if not level:
            if rule.keep_firing_s:
                return Status.RECOVERING, state.level, "well again"
            return Status.OK, 0, "well again"
        case Status.FIRING if rule.stop_after_s and passed_ms >= 1000 * rule.stop_after_s:
            return Status.NEW, 0, "watched no longer"
        case Status.FIRING if level != state.level:
            return Status.FIRING, level, "worse" if level > state.level else "better"
    return None


def _begun(rule: Rule, state: State, level: int, now_ms: int) -> Step:
    if rule.kind is Kind.DEADMAN:
        if now_ms >= state.deadline_ms:
            return Status.FIRING, level, "silent for too long"
        return Status.FIRING, level, "too few points" if state.empty_ms else "too many points"
    if rule.for_s:
        return Status.PENDING, level, "condition met"
    return Status.FIRING, level, "condition met"


def _entered(
    rule: Rule, stat: int, state: State, target: Status, level: int, reading: Reading,
    moment: Moment,
) -> State:  # fmt: skip
    """The state in its next status, with its episode begun or ended."""
    now_ms = moment.now_ms
    after = replace(state, status=target, level=level, seq=state.seq + 1)
    if target is not state.status:
        after = replace(after, since_ms=now_ms)
    if after.open and not state.open and not state.episode:
        episode = episode_id(rule.id, stat, moment.position, now_ms)
        after = replace(after, episode=episode, began_ms=now_ms)
    if after.open and not state.open and rule.freeze_base:
        after = replace(after, base=reading.base)
    if not after.open:
        after = replace(after, base=None)
    if rule.looks_back and state.open and not after.open:
        ended = (*state.ended, (state.began_ms, now_ms))
        after = replace(after, ended=ended[-ENDED_KEPT:])
    if target is Status.NEW:
        after = replace(after, deadline_ms=0, heard_ms=0)
    return after


def _record(
    rule: Rule, stat: int, before: State, after: State, reading: Reading, change: float | None,
    moment: Moment, reason: str,
) -> Transition:  # fmt: skip
    base = before.base if before.base is not None else reading.base
    return Transition(
        rule.id, stat, after.seq, before.status, after.status, LEVELS[after.level], moment.now_ms,
        moment.decided_ms, str(moment.position), after.episode or before.episode,
        after.began_ms or before.began_ms, reading.value if change is None else change, base,
        None if rule.kind is Kind.DEADMAN else rule.threshold, rule.window_s, reading.points,
        reason,
    )  # fmt: skip
