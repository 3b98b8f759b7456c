"""Alerts in StatHat's words. Pure.

Law: an alert that StatHat could not have had is not shown in its words: half of it would be a lie.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.http.problems import Problem
from api.notify.rule_form import RuleForm, span_text
from api.query.reply import whole
from api.stathat.shapes import AlertEntry
from engine.rules import Kind as RuleKind
from engine.rules import Rule
from engine.stats import Kind, Stat, public_id

KINDS: Final[Mapping[RuleKind, str]] = {
    RuleKind.THRESHOLD: "value", RuleKind.DELTA: "delta", RuleKind.DEADMAN: "data",
}  # fmt: skip

FIELDS: Final = ("time_window", "operator", "threshold", "percentage", "time_delta")
"""What a client says besides the stat and the kind."""

NAME_LENGTH: Final = 180
"""Characters of a stat's name in the name of its alert."""

_SPANS: Final[Mapping[int, str]] = {30 * 86_400: "1M", 365 * 86_400: "1y"}
_OPERATORS: Final[Mapping[str, str]] = {">": "greater than", "<": "less than"}
_DIRECTIONS: Final[Mapping[str, str]] = {
    "up": "greater than", "down": "less than", "any": "different than",
}  # fmt: skip


def entry_of(rule: Rule, stat: Stat) -> AlertEntry | None:
    """An alert of one stat as StatHat would show it; None when it could not."""
    usual = "sum" if stat.kind is Kind.COUNTER else "avg"
    if rule.over is not None or (rule.kind is not RuleKind.DEADMAN and rule.aggregate != usual):
        return None
    special = _special(rule)
    window_s = rule.period_s if rule.kind is RuleKind.DEADMAN else rule.window_s
    if special is None or not window_s:
        return None
    return AlertEntry(
        id=rule.id, stat_id=public_id(stat.id), stat_name=stat.name, kind=KINDS[rule.kind],
        time_window=_span(window_s), **special,
    )  # fmt: skip


def form_of(stat: Stat, fields: Mapping[str, object], channels: list[str]) -> RuleForm:
    """The alert that a client asks for; Problem when it does not make sense."""
    kind = fields.get("kind")
    if kind not in KINDS.values():
        raise Problem("field_invalid", f"kind: one of {', '.join(KINDS.values())}.")
    if not fields.get("time_window"):
        raise Problem("field_required", "time_window: one of 5m 1h 3h 1d 1w 1M 1y.")
    said: dict[str, object] = {
        name: fields[name] for name in FIELDS if fields.get(name) not in (None, "")
    }
    said |= {
        "name": f"{stat.name[:NAME_LENGTH]} {kind}", "kind": kind, "stat": public_id(stat.id),
        "channels": channels,
    }  # fmt: skip
    try:
        return msgspec.convert(said, RuleForm, strict=False)
    except msgspec.ValidationError as error:
        raise Problem("field_invalid", f"{error}.") from None


def _special(rule: Rule) -> dict[str, Any] | None:
    """The fields that only its kind has."""
    if rule.kind is RuleKind.DEADMAN:
        return {}
    if rule.kind is RuleKind.THRESHOLD:
        if rule.op not in _OPERATORS:
            return None
        return {"operator": _OPERATORS[rule.op], "threshold": whole(rule.threshold)}
    if rule.change != "percent" or rule.median_of != 1:
        return None
    return {
        "operator": _DIRECTIONS[rule.direction], "percentage": whole(rule.threshold),
        "time_delta": _span(rule.back_s),
    }  # fmt: skip


def _span(span_s: int) -> str:
    return _SPANS.get(span_s) or span_text(span_s)
