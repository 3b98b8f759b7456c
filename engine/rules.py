"""What an alert rule says, and what may be wrong with it. Pure.

Times are seconds, counters and values are told apart by whoever fills in the defaults: the engine
is told which aggregate it is and what no data means. A rule is judged for each stat it watches.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from engine.active_times import DAY_MINUTES, ActiveTime
from engine.tiers import DAY_S, HISTOGRAMS, S1, STORED, Tier

WINDOW_S_MAX: Final = 366 * DAY_S
STEPS_MAX: Final = 366
"""Steps of a window that slides over the present."""

BASE_STEPS_MAX: Final = 2_048
"""Steps of a window together with the time back to what it is compared with."""

LATE_STEPS: Final = 720
"""Steps by which a rule that looks back sees further than its window."""

LATE_FINENESS: Final = 5
"""Its windows are at least so many steps long where they can be: coarse steps see further back."""

SPREAD_STEPS_MAX: Final = 64
"""Steps of a window of histograms."""

SECONDS_SPAN_S_MAX: Final = 120
"""Windows up to this long move by seconds; a restart finds so many seconds in the frames."""

ESCALATIONS_MAX: Final = 10
CHANNELS_MAX: Final = 20
ACTIVE_TIMES_MAX: Final = 20
BACKOFF_MAX: Final = 10.0
"""Each reminder may come so many times later than the one before, at most."""


AGGREGATES: Final = frozenset(
    ("sum", "count", "avg", "min", "max", "last", "rate", "stddev", "range")
)
PERCENTILES: Final = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
ADDITIVE: Final = frozenset(("sum", "count", "rate"))
OPS: Final = frozenset((">", ">=", "<", "<=", "==", "!=", "inside", "outside"))


class Kind(StrEnum):
    """What a rule looks at."""

    THRESHOLD = "threshold"
    DELTA = "delta"
    DEADMAN = "deadman"


class RuleFault(NamedTuple):
    """One thing that is wrong with a rule: the field, a code and a sentence with the remedy."""

    field: str
    code: str
    message: str


class Escalation(NamedTuple):
    """Whom to tell when an episode is still not acknowledged so long after it began."""

    after_s: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one account; a change makes a new one with the next `revision`.

    `over`: the stat whose measure divides that of the watched one, and `scale` multiplies the
    ratio. `threshold` is the lower bound for the ops `inside` and `outside`, `upper` the other.
    `clear` and `warn_clear` default to what they clear. For delta rules `threshold` is the change
    that is too much, always positive. `compare_s` 0 means the window before this one; `median_of`
    takes so many windows, `compare_s` apart. A deadman has either `period_s` or `cron`; with
    `min_points` or `max_points` (0 for none) it wants so many points in each period. Reminders come
    after `repeat_s`, then each `backoff` times later than the one before, up to `repeat_max_s`.
    With `tell_better` people are also told when critical becomes a warning. `active_times` are when
    messages may be sent, on the wall clock of `tz`; none are always. With `late` at `reevaluate`
    windows of the past are judged again when points come late.
    """

    id: str
    account: int
    name: str
    kind: Kind
    aggregate: str = "sum"
    window_s: int = 300
    op: str = ">"
    threshold: float = 0.0
    upper: float | None = None
    clear: float | None = None
    warn: float | None = None
    warn_clear: float | None = None
    over: int | None = None
    scale: float = 1.0
    for_s: int = 0
    keep_firing_s: int = 0
    min_points: int = 1
    max_points: int = 0
    no_data: str = "keep"
    no_data_after_s: int = 0
    late: str = "ignore"
    compare_s: int = 0
    median_of: int = 1
    change: str = "percent"
    direction: str = "any"
    min_base: float = 0.0
    zero_base: str = "ignore"
    freeze_base: bool = True
    period_s: int = 0
    cron: str = ""
    tz: str = "UTC"
    grace_s: int = 0
    arm: str = "first_point"
    stop_after_s: int = 0
    severity: str = "critical"
    enabled: bool = True
    repeat_s: int = 4 * 3_600
    repeat_max_s: int = DAY_S
    backoff: float = 1.0
    active_times: tuple[ActiveTime, ...] = ()
    send_resolved: bool = True
    tell_better: bool = False
    channels: tuple[str, ...] = ()
    escalation: tuple[Escalation, ...] = ()
    flap_changes: int = 4
    flap_within_s: int = 1_800
    depends_on: str = ""
    group: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    runbook: str = ""
    message: str = ""
    revision: int = 1
    extra: dict[str, Any] = field(default_factory=dict, hash=False)
    """What whoever made the rule keeps with it, as JSON: names, globs, when it was made."""

    @property
    def span_s(self) -> int:
        """From the beginning of the oldest window that is looked at until now."""
        if self.kind is not Kind.DELTA:
            return self.window_s
        return self.window_s + self.median_of * self.back_s

    @property
    def back_s(self) -> int:
        """How far back the window lies that this one is compared with."""
        return self.compare_s or self.window_s

    @property
    def looks_back(self) -> bool:
        """Whether windows of the past are judged again when points come late."""
        return self.late == "reevaluate"

    @property
    def quantile(self) -> float | None:
        """The quantile that is looked at, if it is one."""
        return PERCENTILES.get(self.aggregate)

    @property
    def silence_s(self) -> int:
        """So long a deadman may be silent; for a cron, its grace."""
        return self.period_s + self.grace_s

    @property
    def paced(self) -> bool:
        """Whether it is a deadman that wants to hear so often in each of its periods."""
        return self.kind is Kind.DEADMAN and (self.min_points > 1 or self.max_points > 0)

    @property
    def windowed(self) -> bool:
        """Whether it looks at a window."""
        return self.kind is not Kind.DEADMAN or self.paced

    @property
    def counts(self) -> bool:
        """Whether points that are missing make its value another: a mean of fewer is still one."""
        return self.aggregate in ADDITIVE and self.over is None

    @property
    def rising(self) -> bool:
        """Whether what is missing could only make its condition truer: more is worse."""
        more = self.aggregate in ADDITIVE or self.aggregate == "max"
        return more and self.kind is Kind.THRESHOLD and self.op in (">", ">=") and not self.over


def step_of(rule: Rule) -> Tier | None:
    """The tier whose buckets are the steps of a rule's windows; None when there is none."""
    span_s, compared = rule.span_s, rule.kind is Kind.DELTA
    ladder: Sequence[Tier]
    if rule.looks_back:
        return _step_back_of(rule)
    if rule.quantile is not None:
        ladder, steps = HISTOGRAMS, STEPS_MAX if compared else SPREAD_STEPS_MAX
    elif span_s <= SECONDS_SPAN_S_MAX:
        return S1
    else:
        ladder, steps = STORED, BASE_STEPS_MAX if compared else STEPS_MAX
    return next((tier for tier in ladder if _fits(tier, rule.window_s, span_s, steps)), None)


def _step_back_of(rule: Rule) -> Tier | None:
    steps = BASE_STEPS_MAX if rule.kind is Kind.DELTA else STEPS_MAX
    fitting = [tier for tier in STORED if _fits(tier, rule.window_s, rule.span_s, steps)]
    coarse = [tier for tier in fitting if LATE_FINENESS * tier.width_s <= rule.window_s]
    return coarse[-1] if coarse else next(iter(fitting), None)


def _fits(tier: Tier, window_s: int, span_s: int, steps: int) -> bool:
    kept = tier.keep_s is None or span_s <= tier.keep_s
    return kept and window_s >= tier.width_s and span_s <= steps * tier.width_s


def faults_of(rule: Rule) -> list[RuleFault]:
    """Everything that is wrong with a rule; nothing when it can be judged."""
    faults = [*_bad_numbers(rule), *_bad_words(rule), *_bad_delivery(rule)]
    if not faults:
        faults = [*(_bad_deadman(rule) if rule.kind is Kind.DEADMAN else _bad_window(rule))]
    return faults


def _bad_numbers(rule: Rule) -> Iterator[RuleFault]:
    for name in ("threshold", "upper", "clear", "warn", "warn_clear", "scale", "min_base"):
        value = getattr(rule, name)
        if value is not None and not (math.isfinite(value) and abs(value) <= 1e100):
            yield RuleFault(name, "number", f"{name} must be a number within ±1e100")
    for name in _DURATIONS:
        if not 0 <= getattr(rule, name) <= WINDOW_S_MAX:
            yield RuleFault(name.removesuffix("_s"), "duration", "must be between 0 and a year")
    for name, low, high in _COUNTS:
        if not low <= getattr(rule, name) <= high:
            yield RuleFault(name, "number", f"must be between {low} and {high}")
    if rule.scale == 0:
        yield RuleFault("scale", "number", "a ratio times nothing is always nothing")


def _bad_words(rule: Rule) -> Iterator[RuleFault]:
    words = {
        "op": OPS, "aggregate": AGGREGATES | PERCENTILES.keys(), "severity": _SEVERITIES,
        "no_data": _NO_DATA, "change": _CHANGES, "direction": _DIRECTIONS,
        "zero_base": _ZERO_BASES, "arm": _ARMS, "late": _LATE,
    }  # fmt: skip
    for name, known in words.items():
        if getattr(rule, name) not in known:
            yield RuleFault(name, "value", f"must be one of {' '.join(sorted(known))}")


def _bad_delivery(rule: Rule) -> Iterator[RuleFault]:
    if len(rule.channels) > CHANNELS_MAX:
        yield RuleFault("channels", "too_many", f"at most {CHANNELS_MAX} channels")
    if len(rule.escalation) > ESCALATIONS_MAX:
        yield RuleFault("escalation", "too_many", f"at most {ESCALATIONS_MAX} steps")
    times = [step.after_s for step in rule.escalation]
    if times != sorted(set(times)) or any(time < 1 for time in times):
        yield RuleFault("escalation", "order", "each step must come later than the one before")
    if any(not step.channels for step in rule.escalation):
        yield RuleFault("escalation", "channels", "each step names its channels")
    if rule.depends_on == rule.id:
        yield RuleFault("depends_on", "itself", "a rule cannot wait for itself")
    if not 1 <= rule.backoff <= BACKOFF_MAX:
        yield RuleFault("backoff", "number", f"must be between 1 and {BACKOFF_MAX:g}")
    if len(rule.active_times) > ACTIVE_TIMES_MAX:
        yield RuleFault("active_times", "too_many", f"at most {ACTIVE_TIMES_MAX} spans")
    if not all(map(_is_span, rule.active_times)):
        yield RuleFault("active_times", "value", "weekdays, and minutes of a day")


def _is_span(one: ActiveTime) -> bool:
    known = bool(one.days) and all(0 <= day <= 6 for day in one.days)
    return known and 0 <= one.from_minute < DAY_MINUTES and 0 <= one.to_minute <= DAY_MINUTES


def _bad_window(rule: Rule) -> Iterator[RuleFault]:
    if rule.max_points:
        yield RuleFault("max_points", "contradiction", "only a deadman has it: compare the count")
    if rule.looks_back and rule.quantile is not None:
        yield RuleFault("late", "percentile", "percentiles of the past are not judged again")
    if rule.window_s < 1:
        yield RuleFault("window", "duration", "must be between 1 s and a year")
    elif step_of(rule) is None:
        yield RuleFault("window", "too_fine", _too_fine(rule))
    if rule.kind is Kind.DELTA:
        if rule.threshold <= 0:
            yield RuleFault("threshold", "number", "the change that is too much, above 0")
        if rule.back_s < rule.window_s:
            yield RuleFault("compare", "overlap", "must be at least as far back as the window")
        return
    if rule.op in ("inside", "outside") and (rule.upper is None or rule.upper < rule.threshold):
        yield RuleFault("upper", "order", "these two ops need an upper bound above the threshold")
    for looser, tighter in (("clear", "threshold"), ("warn", "threshold"), ("warn_clear", "warn")):
        if not _ordered(rule, getattr(rule, looser), getattr(rule, tighter)):
            yield RuleFault(looser, "order", f"must be reached before {tighter} is")


def _too_fine(rule: Rule) -> str:
    if rule.quantile is not None:
        return "percentiles need a window of at least 1 m, and at most 64 of its steps"
    return "too short for how far back it is compared: make the window longer or compare nearer"


def _ordered(rule: Rule, looser: float | None, tighter: float | None) -> bool:
    if looser is None:
        return True
    if tighter is None:
        return False
    if rule.op in (">", ">="):
        return looser <= tighter
    return looser >= tighter if rule.op in ("<", "<=") else looser == tighter


def _bad_deadman(rule: Rule) -> Iterator[RuleFault]:
    if bool(rule.period_s) == bool(rule.cron):
        yield RuleFault("period", "one_of", "a deadman has either a period or a cron")
    if rule.over is not None:
        yield RuleFault("expr", "deadman", "a deadman watches one stat")
    if rule.looks_back:
        yield RuleFault("late", "deadman", "a deadman hears what comes, not what it tells of")
    if rule.grace_s < 1:
        yield RuleFault("grace", "duration", "must be at least 1 s")
    if rule.max_points and rule.max_points < rule.min_points:
        yield RuleFault("max_points", "order", "must not be below min_points")
    if rule.paced and rule.cron:
        yield RuleFault("min_points", "cron", "points are counted in a period, not between times")
    elif rule.paced and step_of(rule) is None:
        yield RuleFault("period", "too_fine", "no window of this length can be counted")


def pack_rule(rule: Rule) -> bytes:
    """The rule as JSON."""
    return _ENCODE({one.name: getattr(rule, one.name) for one in fields(Rule)}).encode()


def unpack_rule(record: bytes) -> Rule:
    """The rule of a record; fields that this release does not know are passed over."""
    found = json.loads(record)
    known = {one.name: found[one.name] for one in fields(Rule) if one.name in found}
    steps = tuple(Escalation(after_s, tuple(to)) for after_s, to in known.pop("escalation", ()))
    labels = tuple((name, value) for name, value in known.pop("labels", ()))
    active = tuple(ActiveTime(tuple(days), *span) for days, *span in known.pop("active_times", ()))
    channels = tuple(known.pop("channels", ()))
    rule = Rule(**known)
    return replace(
        rule, kind=Kind(rule.kind), escalation=steps, labels=labels, channels=channels,
        active_times=active,
    )  # fmt: skip


_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
_DURATIONS: Final = (
    "window_s", "for_s", "keep_firing_s", "no_data_after_s", "compare_s", "period_s", "grace_s",
    "stop_after_s", "repeat_s", "repeat_max_s", "flap_within_s",
)  # fmt: skip
_COUNTS: Final = (
    ("min_points", 1, 10**9), ("max_points", 0, 10**9), ("median_of", 1, 60),
    ("flap_changes", 2, 100),
)  # fmt: skip
_SEVERITIES: Final = frozenset(("warning", "critical"))
_NO_DATA: Final = frozenset(("zero", "keep", "ok", "alert"))
_CHANGES: Final = frozenset(("percent", "absolute", "ratio"))
_DIRECTIONS: Final = frozenset(("up", "down", "any"))
_LATE: Final = frozenset(("ignore", "reevaluate"))
_ZERO_BASES: Final = frozenset(("ignore", "fire"))
_ARMS: Final = frozenset(("now", "first_point"))
