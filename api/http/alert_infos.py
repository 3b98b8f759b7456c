"""Alerts as they are shown: what the rule says, how it stands with each stat, and why."""

from typing import Any, Final

from msgspec import Struct

from api.http.context import Context
from api.http.dates import date_text
from api.notify.delivery import Delivery
from api.notify.history import TransitionInfo, transition_info
from api.notify.rule_form import span_text
from api.query.reply import whole
from engine.alert_state import LEVELS, State
from engine.rules import Kind, Rule, step_of
from engine.stats import Stat, public_id
from engine.transition import Status, Transition

INSTANCES_SHOWN: Final = 100
"""Stats of an alert that are shown one by one."""

DELIVERIES_LOOKED_AT: Final = 1_000
"""Of the journal of deliveries, an explanation looks at so many, the newest."""

HISTORY_LOOKED_AT: Final = 50

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

    `resolution` is the step by which its windows move.
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


class AttemptTold(Struct, frozen=True):
    """One attempt to tell somebody."""

    at: str
    took_ms: int
    said: str


class Told(Struct, frozen=True, kw_only=True):
    """Who was told of a transition, or why they were not."""

    delivery: str
    channel: str
    event: str
    state: str
    reason: str
    attempts: list[AttemptTold]


class Explanation(Struct, frozen=True, kw_only=True):
    """Why an alert stands as it does with one stat, at `at`.

    `value` is what was compared with the threshold, `points` how many points the window had;
    `held` is what holds messages back; `next_look` is when it is judged again without a point.
    Of the past the state is known from the transitions, and the inputs are those of the last one.
    """

    alert: str
    stat: str
    stat_name: str
    at: str
    state: str
    level: str
    since: str | None
    value: int | float | None
    base: int | float | None
    threshold: int | float | None
    points: int | None
    window: str | None
    window_from: str | None
    resolution: str | None
    held: str | None
    next_look: str | None
    acknowledged: str | None
    failed: bool
    reason: str
    transitions: list[TransitionInfo]
    deliveries: list[Told]


def alert_info(context: Context, rule: Rule) -> AlertInfo:
    """An alert as it is shown."""
    instances = list(context.office.rulebook.instances(rule))
    states = {state.status for _, state in instances}
    worst = next((status for status in WORST_FIRST if status in states), Status.NEW)
    deadman = rule.kind is Kind.DEADMAN
    created_ms = rule.extra.get("created_ms")
    instances.sort(key=lambda pair: (WORST_FIRST.index(pair[1].status), pair[0]))
    return AlertInfo(
        id=rule.id, name=rule.name, kind=rule.kind.value,
        state=(worst if rule.enabled else Status.PAUSED).value, enabled=rule.enabled,
        severity=rule.severity, aggregate=None if deadman else rule.aggregate,
        window=None if deadman else span_text(rule.window_s),
        op=rule.op if rule.kind is Kind.THRESHOLD else None,
        threshold=None if deadman else whole(rule.threshold), resolution=_resolution(rule),
        channels=list(rule.channels), rule=dict(rule.extra.get("form", {})),
        created=None if created_ms is None else date_text(created_ms), revision=rule.revision,
        watching=len(instances),
        states=[_instance(context, *pair) for pair in instances[:INSTANCES_SHOWN]],
    )  # fmt: skip


async def explanation(context: Context, rule: Rule, stat: Stat, at_ms: int | None) -> Explanation:
    """Why it is so now, or why it was so then."""
    office = context.office
    now_ms = context.clock.now_ms()
    recent = await office.alerts.history(stat.partition, None, HISTORY_LOOKED_AT, rule.id, stat.id)
    past = [one for _, one in recent if at_ms is None or one.at_ms <= at_ms]
    told = await _told(context, rule, past[0].episode if past else None)
    found = office.alerts.explain(stat.partition, rule.id, stat.id)
    if at_ms is not None or found is None:
        return _then(rule, stat, now_ms if at_ms is None else at_ms, past, told)
    state, reading = found.state, found.reading
    window_s = 0 if rule.kind is Kind.DEADMAN else rule.window_s
    return Explanation(
        alert=rule.id, stat=public_id(stat.id), stat_name=stat.name, at=date_text(found.now_ms),
        state=state.status.value, level=LEVELS[state.level], since=_date(state.since_ms),
        value=_number(found.compared), base=_number(reading.base),
        threshold=_number(rule.threshold), points=reading.points,
        window=span_text(window_s) if window_s else None,
        window_from=_date(found.now_ms - 1000 * window_s) if window_s else None,
        resolution=_resolution(rule), held=found.held, next_look=_date(found.due_ms),
        acknowledged=None if state.ack is None else state.ack.by, failed=found.failed,
        reason=past[0].reason if past else "", deliveries=told,
        transitions=[transition_info(one, stat.name) for one in past],
    )  # fmt: skip


def _then(
    rule: Rule, stat: Stat, at_ms: int, past: list[Transition], told: list[Told]
) -> Explanation:
    last = past[0] if past else None
    return Explanation(
        alert=rule.id, stat=public_id(stat.id), stat_name=stat.name, at=date_text(at_ms),
        state=(last.target if last else Status.NEW).value, level=last.level if last else "",
        since=_date(last.at_ms) if last else None, value=_number(last.value) if last else None,
        base=_number(last.base) if last else None,
        threshold=_number(last.threshold if last else rule.threshold),
        points=last.points if last else None,
        window=span_text(last.window_s) if last and last.window_s else None,
        window_from=_date(last.at_ms - 1000 * last.window_s) if last else None,
        resolution=_resolution(rule), held=last.held if last else None, next_look=None,
        acknowledged=None, failed=False, reason=last.reason if last else "",
        transitions=[transition_info(one, stat.name) for one in past], deliveries=told,
    )  # fmt: skip


async def _told(context: Context, rule: Rule, episode: str | None) -> list[Told]:
    """Deliveries of an episode, those that wait first."""
    if not episode:
        return []
    records = context.office.records
    found = await records.pending(rule.account)
    found += (await records.ended(rule.account, None, DELIVERIES_LOOKED_AT)).deliveries
    return [_delivered(one) for one in found if one.notice.episode == episode]


def _delivered(delivery: Delivery) -> Told:
    return Told(
        delivery=delivery.id, channel=delivery.channel, event=delivery.notice.event,
        state=delivery.state, reason=delivery.reason,
        attempts=[AttemptTold(date_text(a.at_ms), a.took_ms, a.said) for a in delivery.attempts],
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


def _resolution(rule: Rule) -> str | None:
    tier = None if rule.kind is Kind.DEADMAN else step_of(rule)
    return None if tier is None else tier.name


def _date(at_ms: int) -> str | None:
    return date_text(at_ms) if at_ms > 0 else None


def _number(value: float | None) -> int | float | None:
    return None if value is None else whole(value)
