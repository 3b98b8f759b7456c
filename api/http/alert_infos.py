"""Alerts as they are shown: what the rule says, and how it stands with each stat."""

from typing import Any, Final

from msgspec import Struct

from api.http.context import Context
from api.http.dates import date_text
from api.notify.rule_form import span_text
from api.notify.rule_stats import told_form
from api.query.reply import whole
from engine.alert_state import LEVELS, State
from engine.rules import Kind, Rule, step_of
from engine.stats import public_id
from engine.transition import Status

INSTANCES_SHOWN: Final = 100
"""Stats of an alert that are shown one by one."""

WORST_FIRST: Final = (
    Status.FIRING, Status.NO_DATA, Status.RECOVERING, Status.PENDING, Status.OK, Status.NEW,
    Status.PAUSED,
)  # fmt: skip


class InstanceInfo(Struct, frozen=True, kw_only=True):
    """How an alert stands with one stat; `acknowledged` by whom, if so."""

    stat: str
    stat_name: str | None
    state: str
    level: str
    since: str | None
    episode: str | None
    began: str | None
    flapping: bool
    acknowledged: str | None
    snoozed_until: str | None


class AlertInfo(Struct, frozen=True, kw_only=True):
    """An alert; `state` is that of the stat that is worst off, `rule` is what was asked for.

    Stats stand in `rule` by the names they have now. `resolution` is the step by which its windows
    move.
    """

    id: str
    name: str
    kind: str
    state: str
    enabled: bool
    severity: str
    aggregate: str | None
    window: str | None
    op: str | None
    threshold: int | float | None
    resolution: str | None
    channels: list[str]
    rule: dict[str, Any]
    created: str | None
    revision: int
    watching: int
    states: list[InstanceInfo]


def alert_info(context: Context, rule: Rule) -> AlertInfo:
    """An alert as it is shown."""
    instances = list(context.office.rulebook.instances(rule))
    states = {state.status for _, state in instances}
    worst = next((status for status in WORST_FIRST if status in states), Status.NEW)
    deadman = rule.kind is Kind.DEADMAN
    created_ms = rule.extra.get("created_ms")
    told = told_form(context.directory, rule, [stat for stat, _ in instances])
    instances.sort(key=lambda pair: (WORST_FIRST.index(pair[1].status), pair[0]))
    return AlertInfo(
        id=rule.id, name=rule.name, kind=rule.kind.value,
        state=(worst if rule.enabled else Status.PAUSED).value, enabled=rule.enabled,
        severity=rule.severity, aggregate=rule.aggregate if rule.windowed else None,
        window=span_text(rule.window_s) if rule.windowed else None,
        op=rule.op if rule.kind is Kind.THRESHOLD else None,
        threshold=None if deadman else whole(rule.threshold), resolution=resolution_of(rule),
        channels=list(rule.channels), rule=told.fields,
        created=None if created_ms is None else date_text(created_ms), revision=rule.revision,
        watching=len(instances),
        states=[_instance(context, *pair) for pair in instances[:INSTANCES_SHOWN]],
    )  # fmt: skip


def _instance(context: Context, stat_id: int, state: State) -> InstanceInfo:
    stat = context.directory.get(stat_id)
    return InstanceInfo(
        stat=public_id(stat_id), stat_name=None if stat is None else stat.name,
        state=state.status.value, level=LEVELS[state.level], since=_date(state.since_ms),
        episode=state.episode or None, began=_date(state.began_ms), flapping=state.flapping,
        acknowledged=None if state.ack is None else state.ack.by,
        snoozed_until=_date(state.snoozed_ms),
    )  # fmt: skip


def resolution_of(rule: Rule) -> str | None:
    """The step by which a rule's windows move."""
    tier = step_of(rule) if rule.windowed else None
    return None if tier is None else tier.name


def _date(at_ms: int) -> str | None:
    return date_text(at_ms) if at_ms > 0 else None
