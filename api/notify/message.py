"""What is told when an alert changes, whatever channel carries it. Pure.

A message carries one notice, or several where a group was collected. Notices have all that a reader
needs, so that a message can be sent again long after the rule was changed.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

Event = Literal[
    "firing", "level", "no_data", "resolved", "repeat", "escalation", "flapping", "late", "test"
]

RESOLVED: Final = "resolved"
OVER: Final = frozenset((RESOLVED, "late"))
"""Events that tell of something which has ended."""

SPARK_POINTS_MAX: Final = 60
"""Points of the sparkline in a notice."""

NOTICES_MAX: Final = 20
"""Notices that a message spells out; it says how many more there are."""


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One transition of one alert for one stat; times are epoch milliseconds.

    `stat` and `alert` are public ids. `at_ms` is when it was so, `decided_ms` when it was decided.
    """

    episode: str
    seq: int
    event: Event
    alert: str
    name: str
    kind: str
    state: str
    severity: str
    at_ms: int
    decided_ms: int
    started_ms: int
    ended_ms: int | None = None
    stat: str | None = None
    stat_name: str | None = None
    value: float | None = None
    base: float | None = None
    threshold: float | None = None
    op: str | None = None
    window: str | None = None
    aggregate: str | None = None
    reason: str = ""
    text: str = ""
    labels: Mapping[str, str] = {}
    runbook: str | None = None
    chart: str | None = None
    acknowledge: str | None = None
    snooze: str | None = None
    points: tuple[float, ...] = ()


class Message(Struct, frozen=True, kw_only=True):
    """What is sent: `id` stays the same however often; `more` are notices left out."""

    id: str
    sent_ms: int
    public_url: str
    notices: tuple[Notice, ...]
    more: int = 0

    @property
    def resolved(self) -> bool:
        """Whether all that it tells of is over."""
        last = {(notice.episode, notice.alert): notice.event for notice in self.notices}
        return all(event in OVER for event in last.values())

    @property
    def event(self) -> str:
        """What happened, for the message as a whole."""
        events = {notice.event for notice in self.notices}
        return events.pop() if len(events) == 1 else "changed"


def title(message: Message) -> str:
    """One line for subjects and headings."""
    first = message.notices[0]
    mark = HEADINGS[first.event]
    others = len(message.notices) + message.more - 1
    tail = f" and {others} more" if others else ""
    where = f": {first.stat_name}" if first.stat_name else ""
    return f"[{mark}] {first.name}{where}{tail}"


def sentence(notice: Notice) -> str:
    """What was measured, in one sentence."""
    if notice.text:
        return notice.text
    if notice.value is None:
        return notice.reason or f"{notice.name} is {notice.state}"
    what = f"{notice.aggregate or 'value'} of {notice.stat_name or notice.name}"
    span = f" over {notice.window}" if notice.window else ""
    against = ""
    if notice.threshold is not None:
        against = f" (rule: {notice.op or '>'} {number(notice.threshold)})"
    elif notice.reason:
        against = f": {notice.reason}"
    base = f", {number(notice.base)} before" if notice.base is not None else ""
    return f"{what}{span} is {number(notice.value)}{base}{against}"


def number(value: float) -> str:
    """A number as people read it."""
    return f"{value:.15g}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


HEADINGS: Final[Mapping[str, str]] = {
    "firing": "FIRING",
    "resolved": "RESOLVED",
    "level": "LEVEL",
    "no_data": "NO DATA",
    "repeat": "STILL FIRING",
    "escalation": "ESCALATED",
    "flapping": "FLAPPING",
    "late": "WAS FIRING",
    "test": "TEST",
}
