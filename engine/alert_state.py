"""Where a rule stands with one stat: its status, its timers, its episode. Pure.

All of it goes into the checkpoint, so that whoever reads the log from there judges as the owner
before did. Times are epoch milliseconds, 0 where there is none.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from engine.rules import Kind, Rule
from engine.transition import Status

LEVELS: Final = ("", "warning", "critical")
"""The level of an alert by its number."""

QUIET_CYCLES: Final = 2
"""A flapping alert is calm after so many of its cycles without a change."""

QUIET_MS_MIN: Final = 60_000

ENDED_KEPT: Final = 20
"""Past episodes that an instance remembers whose rule looks back."""

REPEATS_COUNTED: Final = 32
"""Reminders that make the wait for the next one longer."""


@dataclass(frozen=True, slots=True)
class Ack:
    """Who took an episode on; `until_ms` 0 means until it is resolved."""

    by: str
    at_ms: int
    note: str = ""
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """One instance; `armed` once its window is known.

    `since_ms` is when the status began, `seq` counts the records. `told`: somebody was told of the
    episode; `untold`: somebody should have been, but it was held back. `base` is frozen while it
    fires. `blind_ms`: until then the window lies partly in a time in which no points could come.
    `empty_ms`: since then the window has had too few points. `deadline_ms`: a deadman fires then,
    unless it hears something. `repeats` counts the reminders of its episode. `changes` are the
    times of the last beginnings and ends; `ended` are past episodes, from when to when, of a rule
    that looks back.
    """

    armed: bool = False
    status: Status = Status.NEW
    level: int = 0
    since_ms: int = 0
    seq: int = 0
    episode: str = ""
    began_ms: int = 0
    told: bool = False
    untold: bool = False
    base: float | None = None
    blind_ms: int = 0
    empty_ms: int = 0
    heard_ms: int = 0
    deadline_ms: int = 0
    ack: Ack | None = None
    snoozed_ms: int = 0
    repeat_ms: int = 0
    repeats: int = 0
    escalated: int = 0
    changes: tuple[int, ...] = ()
    flapping: bool = False
    ended: tuple[tuple[int, int], ...] = ()

    @property
    def open(self) -> bool:
        """Whether an episode is under way."""
        return self.status in (Status.FIRING, Status.RECOVERING, Status.NO_DATA)

    @property
    def quiet_ms(self) -> int:
        """When a flapping alert has been calm for long enough; 0 when it does not flap."""
        if not self.flapping:
            return 0
        cycle_ms = 2 * (self.changes[-1] - self.changes[0]) // (len(self.changes) - 1)
        return self.changes[-1] + max(QUIET_MS_MIN, QUIET_CYCLES * cycle_ms)


NextMs = Callable[[str, str, int], int]
"""When a cron comes next: (expression, time zone, after this) → epoch ms, 0 for never."""


def due_ms(rule: Rule, state: State, changes_ms: int | None, now_ms: int) -> int:
    """When to judge again although no point came, later than now; 0 for never.

    `changes_ms` is when the window next changes by itself.
    """
    times = timers(rule, state, changes_ms).values()
    return min((time for time in times if time > now_ms), default=0)


def timers(rule: Rule, state: State, changes_ms: int | None) -> dict[str, int]:
    """What an instance waits for by name, and until when; some of it may be past."""
    found = {}
    if state.flapping:
        found["calm"] = state.quiet_ms
        found["repeat"] = 0 if state.ack else state.repeat_ms
    if state.untold:
        found["snooze"] = state.snoozed_ms
    if state.status is Status.FIRING and state.told and not state.flapping:
        found |= _told_again(rule, state)
    if state.armed and state.status is not Status.PAUSED:
        _add_judged_again(found, rule, state)
        if changes_ms is not None and rule.windowed:
            found["window"] = changes_ms
    return found


def _add_judged_again(found: dict[str, int], rule: Rule, state: State) -> None:
    match state.status:
        case Status.PENDING:
            found["for"] = state.since_ms + 1000 * rule.for_s
        case Status.RECOVERING:
            found["keep_firing_for"] = state.since_ms + 1000 * rule.keep_firing_s
        case Status.FIRING if rule.stop_after_s:
            found["stop_after"] = state.since_ms + 1000 * rule.stop_after_s
    if rule.kind is Kind.DEADMAN:
        found["deadline"] = 0 if state.open else state.deadline_ms
        found["too_few"] = 0 if state.open else few_ms(rule, state)
        return
    found["blind"] = state.blind_ms
    if state.empty_ms and rule.no_data == "alert" and not state.open:
        found["no_data"] = state.empty_ms + no_data_after_ms(rule)


def _told_again(rule: Rule, state: State) -> dict[str, int]:
    if state.ack is not None:
        return {"acknowledgement": state.ack.until_ms}
    found = {"repeat": state.repeat_ms}
    if state.escalated < len(rule.escalation):
        found["escalation"] = state.began_ms + 1000 * rule.escalation[state.escalated].after_s
    return found


def no_data_after_ms(rule: Rule) -> int:
    """How long a window must be empty before that is an alert."""
    return 1000 * (rule.no_data_after_s or 2 * rule.window_s)


def few_ms(rule: Rule, state: State) -> int:
    """When a deadman that wants several points a period has had too few for long; 0 for never."""
    if not (rule.paced and state.empty_ms):
        return 0
    return max(state.empty_ms, state.blind_ms) + 1000 * rule.grace_s


def repeat_ms(rule: Rule, repeats: int, at_ms: int) -> int:
    """When it is told again, after so many reminders of which the last was now; 0 for never."""
    if not rule.repeat_s:
        return 0
    longest_s = max(rule.repeat_s, rule.repeat_max_s)
    wait_s = rule.repeat_s * rule.backoff ** min(repeats, REPEATS_COUNTED)
    return at_ms + int(1000 * min(wait_s, longest_s))


def heard(rule: Rule, state: State, at_ms: int, next_ms: NextMs) -> State:
    """A deadman after a sign of life that arrived at `at_ms`."""
    if rule.paced and not state.heard_ms:
        # Its first period has only begun.
        state = replace(state, blind_ms=at_ms + 1000 * rule.window_s)
    return replace(state, heard_ms=at_ms, deadline_ms=deadline_ms(rule, at_ms, next_ms))


def deadline_ms(rule: Rule, at_ms: int, next_ms: NextMs) -> int:
    """When a deadman fires that hears nothing after `at_ms`; 0 for never."""
    if not rule.cron:
        return at_ms + 1000 * rule.silence_s
    due_ms = next_ms(rule.cron, rule.tz, at_ms)
    return due_ms and due_ms + 1000 * rule.grace_s


def shifted(rule: Rule, state: State, from_ms: int, to_ms: int, next_ms: NextMs) -> State:
    """The state after a time in which no points could come: nobody was silent then but us.

    Reminders of that time are one, at its end.
    """
    if state.repeat_ms:
        state = replace(state, repeat_ms=max(state.repeat_ms, to_ms))
    if rule.kind is Kind.DEADMAN:
        state = _deadline_shifted(rule, state, from_ms, to_ms, next_ms)
        if not rule.paced:
            return state
    empty_ms = state.empty_ms and state.empty_ms + to_ms - from_ms
    window_ms = 1000 * rule.window_s
    # Of a long window a short gap is a small part.
    blind = (rule.counts or rule.no_data == "ok") and 10 * (to_ms - from_ms) >= window_ms
    blind_ms = to_ms + window_ms if blind else state.blind_ms
    return replace(state, empty_ms=empty_ms, blind_ms=blind_ms)


def _deadline_shifted(rule: Rule, state: State, from_ms: int, to_ms: int, next_ms: NextMs) -> State:
    if state.open or state.deadline_ms <= from_ms:
        return state
    if state.deadline_ms - 1000 * rule.grace_s > to_ms:
        # Its next sign of life was not to come in that time.
        later_ms = 0 if rule.cron else to_ms - from_ms
        return replace(state, deadline_ms=state.deadline_ms + later_ms)
    # It may have come in vain: whoever is regular comes again when it is time again.
    return replace(state, deadline_ms=deadline_ms(rule, to_ms, next_ms))


def pack_state(state: State) -> bytes:
    """The state as JSON, without what is as it is at first."""
    told = {
        name: value for name, first in _FIRST.items() if (value := getattr(state, name)) != first
    }
    if state.ack is not None:
        told["ack"] = asdict(state.ack)
    return _ENCODE(told).encode()


def unpack_state(record: bytes) -> State:
    """The state of a record; fields that this release does not know are passed over."""
    found = json.loads(record)
    known = {field.name: found[field.name] for field in fields(State) if field.name in found}
    if "status" in known:
        known["status"] = Status(known["status"])
    if "changes" in known:
        known["changes"] = tuple(known["changes"])
    if "ended" in known:
        known["ended"] = tuple((began_ms, ended_ms) for began_ms, ended_ms in known["ended"])
    if known.get("ack"):
        known["ack"] = Ack(**known["ack"])
    return State(**known)


_FIRST: Final = {field.name: field.default for field in fields(State)}
_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
