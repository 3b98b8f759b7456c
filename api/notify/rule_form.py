"""A rule as people write it, and the rule that the engine judges. Pure.

What StatHat calls things is understood too: `value` and `data` for kinds, `greater than` for ops,
`time_window`, `percentage`, `time_delta`. What is wrong is said with the field and the remedy.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from api.notify.active_times import EXPECTED, active_time_of
from api.notify.cron import CALENDAR, next_ms
from api.query.durations import parse_duration
from api.query.errors import QueryError
from api.query.times import parse_zone
from engine.active_times import ActiveTime
from engine.rules import Escalation, Rule, RuleFault, faults_of
from engine.rules import Kind as RuleKind
from engine.stats import Kind

Span = str | int
"""A duration: `5m`, `1h30m`, or whole seconds."""

NAME_LENGTH_MAX: Final = 200
TEXT_LENGTH_MAX: Final = 2_000
LABELS_MAX: Final = 32
LABEL_LENGTH_MAX: Final = 200
STATS_MAX: Final = 1_000
"""Stats that a rule names one by one; a pattern has no such limit."""

GRACE_S_MIN: Final = 10

KINDS: Final[Mapping[str, RuleKind]] = {
    "threshold": RuleKind.THRESHOLD, "value": RuleKind.THRESHOLD,
    "delta": RuleKind.DELTA,
    "deadman": RuleKind.DEADMAN, "data": RuleKind.DEADMAN,
}  # fmt: skip

OPS: Final[Mapping[str, str]] = {
    "gt": ">", "lt": "<", "gte": ">=", "lte": "<=", "eq": "==", "ne": "!=",
    "greater than": ">", "less than": "<", "greater_than": ">", "less_than": "<",
}  # fmt: skip
DIRECTIONS: Final[Mapping[str, str]] = {
    "greater than": "up", "less than": "down", "different than": "any",
    "gt": "up", "lt": "down", "dt": "any", ">": "up", "<": "down",
}  # fmt: skip

EXPRESSION: Final = re.compile(r"\s*a\s*/\s*b\s*(?:\*\s*([0-9]+(?:\.[0-9]+)?)\s*)?", re.ASCII)


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to tell when nobody has acknowledged `after` so long."""

    after: Span
    channels: list[str]


class RuleForm(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An alert: `stat` (id or name), `stats`, or `match` (a pattern) say at which stats.

    `kind` is `threshold`, `delta` or `deadman`. With `expr` `a/b*100` and two `stats` the ratio of
    the two is judged. `active_times` are when messages may be sent, on the clock of `tz`:
    `Mon-Fri 09:00-17:00`. Each reminder comes `backoff` times later than the one before, at most
    `repeat_max`. With `late` at `reevaluate` points that come late open an episode of the past,
    which is told once. A deadman with `min_points` or `max_points` wants so many in each `period`.
    """

    name: str
    kind: Literal["threshold", "value", "delta", "deadman", "data"]
    stat: str | None = None
    stats: list[str] | None = None
    match: str | None = None
    expr: str | None = None
    enabled: bool = True
    severity: Literal["warning", "critical"] = "critical"
    labels: dict[str, str] = {}
    runbook: str | None = None
    message: str | None = None
    window: Span | None = None
    time_window: Span | None = None
    aggregate: str | None = None
    op: str | None = None
    operator: str | None = None
    threshold: float | None = None
    upper: float | None = None
    clear: float | None = None
    warn: float | None = None
    warn_clear: float | None = None
    for_: Span | None = field(default=None, name="for")
    keep_firing_for: Span | None = None
    min_points: int | None = None
    max_points: int | None = None
    no_data: str | None = None
    no_data_after: Span | None = None
    late: Literal["ignore", "reevaluate"] | None = None
    compare: Span | None = None
    time_delta: Span | None = None
    median_of: int | None = None
    change: str | None = None
    percentage: float | None = None
    direction: str | None = None
    min_base: float | None = None
    zero_base: str | None = None
    freeze_base: bool | None = None
    period: Span | None = None
    cron: str | None = None
    oncalendar: str | None = None
    tz: str = "UTC"
    grace: Span | None = None
    arm: str | None = None
    stop_after: Span | None = None
    channels: list[str] = []
    group: str | None = None
    repeat: Span | None = None
    repeat_max: Span | None = None
    backoff: float | None = None
    active_times: list[str] = []
    send_resolved: bool = True
    tell_better: bool = False
    escalation: list[Step] = []
    depends_on: str | None = None
    flap_changes: int | None = None
    flap_within: Span | None = None


class FormFault(Exception):
    """What is wrong with a rule."""

    def __init__(self, faults: list[RuleFault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


def rule_of(
    form: RuleForm, rule_id: str, account: int, kind: Kind, over: int | None, now_ms: int
) -> Rule:
    """The rule of a form for stats of one kind; FormFault says all that is wrong with it.

    `over` is the stat that divides, for a ratio.
    """
    faults = [*_bad_texts(form), *_said_twice(form)]
    spans = {name: _span_s(form, name, faults) for name in _SPANS}
    found = KINDS[form.kind]
    fields: dict[str, Any] = {
        "id": rule_id, "account": account, "name": form.name.strip(), "kind": found,
        "aggregate": form.aggregate or ("sum" if kind is Kind.COUNTER else "avg"),
        "no_data": form.no_data or ("zero" if kind is Kind.COUNTER else "keep"),
        "enabled": form.enabled, "severity": form.severity, "over": over,
        "labels": tuple(sorted(form.labels.items())), "runbook": form.runbook or "",
        "message": form.message or "", "group": form.group or "", "tz": form.tz,
        "send_resolved": form.send_resolved, "tell_better": form.tell_better,
        "depends_on": form.depends_on or "",
        "late": form.late or "ignore", "cron": _cron(form),
        "channels": tuple(dict.fromkeys(form.channels)),
        "escalation": tuple(_steps(form, faults)),
        "active_times": tuple(_active_times(form, faults)),
    }  # fmt: skip
    for name in ("upper", "clear", "warn", "warn_clear", "min_points", "max_points", "median_of",
                 "change", "min_base", "zero_base", "freeze_base", "arm", "flap_changes",
                 "backoff"):  # fmt: skip
        if (value := getattr(form, name)) is not None:
            fields[name] = value
    fields |= {_SPANS[name]: span for name, span in spans.items() if span is not None}
    fields |= _by_kind(form, found, spans, faults, now_ms)
    if over is not None:
        scaled = EXPRESSION.fullmatch(form.expr or "")
        fields["scale"] = float(scaled[1]) if scaled and scaled[1] else 1.0
    if faults:
        raise FormFault(faults)
    rule = Rule(**fields)
    if faults := faults_of(rule):
        raise FormFault(faults)
    return rule


def merged(form: RuleForm, patch: Mapping[str, object]) -> RuleForm:
    """A form with some fields changed; msgspec.ValidationError when they do not fit."""
    fields = msgspec.to_builtins(form)
    fields.update(patch)
    return msgspec.convert(fields, RuleForm)


def span_text(span_s: int) -> str:
    """A duration as people write it."""
    for unit, size in (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)):
        if span_s and span_s % size == 0:
            return f"{span_s // size}{unit}"
    return f"{span_s}s"


_SPANS: Final = {
    "window": "window_s", "for": "for_s", "keep_firing_for": "keep_firing_s",
    "no_data_after": "no_data_after_s", "compare": "compare_s", "period": "period_s",
    "grace": "grace_s", "stop_after": "stop_after_s", "repeat": "repeat_s",
    "repeat_max": "repeat_max_s", "flap_within": "flap_within_s",
}  # fmt: skip

_OTHER_NAMES: Final = {"window": "time_window", "compare": "time_delta", "period": "time_window"}


def _span_s(form: RuleForm, name: str, faults: list[RuleFault]) -> int | None:
    """A duration of the form in seconds."""
    given = getattr(form, "for_" if name == "for" else name)
    other = _OTHER_NAMES.get(name)
    deadman = KINDS[form.kind] is RuleKind.DEADMAN
    if given is None and other is not None and (name == "period") == deadman:
        given = getattr(form, other)
    if given is None:
        return None
    if name == "compare" and given == "previous":
        return 0
    found = parse_duration(str(given)) if not isinstance(given, bool) else None
    if found is None or found.nominal_ms() % 1000:
        faults.append(RuleFault(name, "duration", "a duration such as 90s, 5m, 1h30m or 1d"))
        return None
    return found.nominal_ms() // 1000


def _by_kind(
    form: RuleForm,
    kind: RuleKind,
    spans: Mapping[str, int | None],
    faults: list[RuleFault],
    now_ms: int,
) -> dict[str, Any]:
    """What is written differently for each kind."""
    if kind is RuleKind.DEADMAN:
        return _deadman(form, spans, faults, now_ms)
    op = form.op or form.operator
    threshold = form.threshold
    if kind is RuleKind.DELTA:
        threshold = form.percentage if threshold is None else threshold
        direction = form.direction or op
        found: dict[str, Any] = {"op": ">"}
        if direction is not None:
            found["direction"] = DIRECTIONS.get(direction, direction)
    else:
        found = {"op": OPS.get(op or ">", op or ">")}
        if op is None:
            faults.append(RuleFault("op", "required", "one of > >= < <= == != inside outside"))
    if threshold is None:
        faults.append(RuleFault("threshold", "required", "a number"))
    return {**found, "threshold": threshold or 0.0}


def _deadman(
    form: RuleForm, spans: Mapping[str, int | None], faults: list[RuleFault], now_ms: int
) -> dict[str, Any]:
    _check_cron(form, faults, now_ms)
    faults += [
        RuleFault(name.strip("_"), "contradiction", "a deadman has none")
        for name in ("op", "threshold", "expr", "compare", "for_")
        if getattr(form, name) is not None
    ]
    found: dict[str, Any] = {}
    if spans["grace"] is None:
        found["grace_s"] = max(GRACE_S_MIN, (spans["period"] or 0) // 10)
    if spans["period"] and (form.min_points or form.max_points):
        # What is counted are the points of a period.
        found |= {"window_s": spans["period"], "aggregate": "count"}
    return found


def _cron(form: RuleForm) -> str:
    """When a deadman's sign of life is to come, as the calendar of the engine reads it."""
    return form.cron or (f"{CALENDAR}{form.oncalendar}" if form.oncalendar is not None else "")


def _check_cron(form: RuleForm, faults: list[RuleFault], now_ms: int) -> None:
    if form.cron is not None and form.oncalendar is not None:
        faults.append(RuleFault("oncalendar", "contradiction", "either this or cron"))
    elif form.cron is not None:
        if form.cron.startswith(CALENDAR) or not next_ms(form.cron, form.tz, now_ms):
            text = "five fields, such as 0 3 * * 1, that come true"
            faults.append(RuleFault("cron", "never", text))
    elif form.oncalendar is not None and not next_ms(_cron(form), form.tz, now_ms):
        text = "as systemd has it, such as Mon..Fri 09:00, and it must come true"
        faults.append(RuleFault("oncalendar", "never", text))


def _steps(form: RuleForm, faults: list[RuleFault]) -> list[Escalation]:
    found = []
    for step in form.escalation:
        after = parse_duration(str(step.after))
        if after is None:
            faults.append(RuleFault("escalation", "duration", "after: a duration such as 15m"))
            continue
        found.append(Escalation(after.nominal_ms() // 1000, tuple(dict.fromkeys(step.channels))))
    return found


def _active_times(form: RuleForm, faults: list[RuleFault]) -> list[ActiveTime]:
    found = [active_time_of(text) for text in form.active_times]
    if None in found:
        faults.append(RuleFault("active_times", "span", EXPECTED))
    return [one for one in found if one is not None]


def _said_twice(form: RuleForm) -> list[RuleFault]:
    """The same thing under two names that does not say the same."""
    deadman = KINDS[form.kind] is RuleKind.DEADMAN
    pairs = [
        ("op", "operator"), ("threshold", "percentage"), ("compare", "time_delta"),
        ("period" if deadman else "window", "time_window"),
    ]  # fmt: skip
    found = [(name, other, getattr(form, name), getattr(form, other)) for name, other in pairs]
    return [
        RuleFault(name, "contradiction", f"{other} says something else: leave one of them out")
        for name, other, given, same in found
        if given is not None and same is not None and given != same
    ]


def _bad_texts(form: RuleForm) -> list[RuleFault]:
    faults = []
    name = form.name.strip()
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        faults.append(RuleFault("name", "length", f"1 to {NAME_LENGTH_MAX} printable characters"))
    for field_name in ("message", "runbook", "group"):
        text = getattr(form, field_name)
        if text is not None and not 0 < len(text) <= TEXT_LENGTH_MAX:
            faults.append(RuleFault(field_name, "length", f"1 to {TEXT_LENGTH_MAX} characters"))
    if form.runbook and not re.match(r"https?://", form.runbook):
        faults.append(RuleFault("runbook", "link", "a link that begins with https://"))
    texts = [text for pair in form.labels.items() for text in pair]
    if len(form.labels) > LABELS_MAX or any(len(text) > LABEL_LENGTH_MAX for text in texts):
        limit = f"at most {LABELS_MAX}, of at most {LABEL_LENGTH_MAX} characters"
        faults.append(RuleFault("labels", "too_many", limit))
    try:
        parse_zone(form.tz)
    except QueryError:
        faults.append(RuleFault("tz", "zone", "a time zone such as UTC or Europe/Paris"))
    if form.expr is not None and not EXPRESSION.fullmatch(form.expr):
        faults.append(RuleFault("expr", "value", "a/b or a/b*100; a and b are the two stats"))
    return faults
