"""Why an alert stands as it does with one stat, or stood so: inputs, timers, what held it back.

Of now the engine tells. Of the past the state is known from the records, the window is filled anew
from what was recorded, and what held messages back from who was to be silent then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from msgspec import Struct

from api.http.alert_infos import resolution_of
from api.http.context import Context
from api.http.dates import date_text
from api.http.recorded import Recorded, recorded_of
from api.notify.cron import next_ms
from api.notify.delivery import Delivery
from api.notify.history import TransitionInfo, transition_info
from api.notify.revisions import as_of
from api.notify.rule_form import span_text
from api.query.reply import whole
from api.query.times import Range
from engine.active_times import closed_until_ms
from engine.alert_actor import AlertActor
from engine.alert_state import LEVELS, State, deadline_ms
from engine.alerts import Explained, explained
from engine.past import snoozed, state_at
from engine.rules import Kind, Rule, step_of
from engine.stats import Stat, public_id
from engine.transition import Transition

DELIVERIES_LOOKED_AT: Final = 1_000
"""Of the journal of deliveries, an explanation looks at so many, the newest."""

RECORDS_LOOKED_AT: Final = 200
"""Records of one alert and stat from which its past state is told."""

HISTORY_SHOWN: Final = 50

CRON_LOOKS_BACK_S: Final = 400 * 86_400
"""So long ago the last sign of life may be that a cron still waits for the next."""


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


class Revised(Struct, frozen=True, kw_only=True):
    """What was judged then, and what is known of the same window now."""

    value_then: int | float | None
    points_then: int
    value_now: int | float | None
    points_now: int


class Explanation(Struct, frozen=True, kw_only=True):
    """Why an alert stands as it does with one stat, at `at`; `revision` is the rule's of then.

    `value` is what was compared with the threshold, `points` how many points the window had;
    `held` is what holds messages back; `timers` names what it waits for and until when, and
    `next_look` is the first of them. Of the past `resolution` says in which steps the window is
    known; attempts are those that were made by then. `revised` is what the window of the last
    transition, if that happened in this second, holds by now: late points have come since.
    """

    alert: str
    revision: int
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
    timers: dict[str, str]
    next_look: str | None
    acknowledged: str | None
    failed: bool
    reason: str
    revised: Revised | None
    transitions: list[TransitionInfo]
    deliveries: list[Told]


@dataclass(frozen=True, slots=True)
class Question:
    """An alert at one stat, at a moment."""

    rule: Rule
    stat: Stat
    at_ms: int


async def explanation(context: Context, rule: Rule, stat: Stat, at_ms: int | None) -> Explanation:
    """Why it is so now, or why it was so then."""
    now_ms = context.clock.now_ms()
    at_ms = now_ms if at_ms is None else min(at_ms, now_ms)
    asked = Question(as_of(rule, at_ms), stat, at_ms)
    records = await _records(context, asked)
    found, resolution, late = None, resolution_of(asked.rule), None
    if asked.at_ms == now_ms:
        found = context.office.alerts.explain(stat.partition, rule.id, stat.id)
    if found is None:
        recorded = await _recorded(context, asked)
        found = await _then(context, asked, records, recorded)
        if asked.rule.windowed:
            resolution = span_text(recorded.resolution_s)
            late = _revised(asked, found, recorded, records)
    told = await _told(context, asked, records[0].episode if records else "")
    return _shown(asked, found, resolution, late, records[:HISTORY_SHOWN], told)


async def _records(context: Context, asked: Question) -> list[Transition]:
    """What had happened by then, the newest first."""
    found = await context.office.alerts.history(
        asked.stat.partition, None, RECORDS_LOOKED_AT, asked.rule.id, asked.stat.id, asked.at_ms
    )
    return [one for _, one in found]


async def _recorded(context: Context, asked: Question) -> Recorded:
    """What was recorded of its window, and of a deadman's last signs of life."""
    rule, at_ms = asked.rule, asked.at_ms
    look_back_s = CRON_LOOKS_BACK_S if rule.cron else rule.silence_s
    from_ms = at_ms - 1000 * look_back_s if rule.kind is Kind.DEADMAN else at_ms
    return await recorded_of(context, rule, asked.stat, Range(from_ms, at_ms + 1))


async def _then(
    context: Context, asked: Question, records: Sequence[Transition], recorded: Recorded
) -> Explained:
    """How it stood then."""
    rule, stat, at_ms = asked.rule, asked.stat, asked.at_ms
    state = state_at(rule, records)
    if rule.kind is Kind.DEADMAN:
        state = _with_deadline(rule, state, recorded, at_ms)
    actor = AlertActor(rule, stat.id, state)
    for source in actor.sources:
        source.fill([(one.seconds, one.spread) for one in recorded.arrivals], at_ms)
    return explained(actor, at_ms, await _held(context, asked, records, state))


def _revised(
    asked: Question, found: Explained, recorded: Recorded, records: Sequence[Transition]
) -> Revised | None:
    """What late points have made of a window that was judged in this second."""
    step = step_of(asked.rule)
    exact = step is not None and recorded.resolution_s <= step.width_s
    # Other records, such as of who acknowledged it, say nothing of a window.
    last = next((one for one in records[:1] if exact and one.source is not one.target), None)
    if last is None or asked.at_ms - last.at_ms >= 1000 or last.points == found.reading.points:
        return None
    return Revised(
        value_then=_number(last.value), points_then=last.points,
        value_now=_number(found.compared), points_now=found.reading.points,
    )  # fmt: skip


def _with_deadline(rule: Rule, state: State, recorded: Recorded, at_ms: int) -> State:
    """A deadman waits from its last sign of life on."""
    heard = [int(one.seconds.last_ms.max()) for one in recorded.arrivals if len(one.seconds)]
    newest_ms = max((time_ms for time_ms in heard if time_ms <= at_ms), default=0)
    if not newest_ms:
        return state
    return replace(state, heard_ms=newest_ms, deadline_ms=deadline_ms(rule, newest_ms, next_ms))


async def _held(
    context: Context, asked: Question, records: Sequence[Transition], state: State
) -> str | None:
    """What would have held its messages back then: in the order in which the engine looks."""
    rule, stat, at_ms, office = asked.rule, asked.stat, asked.at_ms, context.office
    silence = await office.quieting.covering(rule, stat, at_ms)
    if silence is not None:
        return f"{silence.kind}:{silence.id}"
    if state.episode and snoozed(records):
        return "snoozed"
    if rule.depends_on and await _fired(context, rule.depends_on, asked):
        return f"depends_on:{rule.depends_on}"
    if closed_until_ms(rule.active_times, rule.tz, at_ms):
        return "active_times"
    return "flapping" if state.flapping else None


async def _fired(context: Context, parent: str, asked: Question) -> bool:
    """Whether another alert was open then, at any stat that is kept beside this one."""
    found = await context.office.alerts.history(
        asked.stat.partition, None, RECORDS_LOOKED_AT, parent, None, asked.at_ms
    )
    newest: dict[int, Transition] = {}
    for _, one in found:
        newest.setdefault(one.stat, one)
    return any(State(status=one.target).open for one in newest.values())


def _shown(
    asked: Question,
    found: Explained,
    resolution: str | None,
    late: Revised | None,
    records: Sequence[Transition],
    told: list[Told],
) -> Explanation:
    rule, stat, state, reading = asked.rule, asked.stat, found.state, found.reading
    window_s = rule.window_s if rule.windowed else 0
    base = state.base if state.base is not None else reading.base
    return Explanation(
        alert=rule.id, revision=rule.revision, stat=public_id(stat.id), stat_name=stat.name,
        at=date_text(found.now_ms),
        state=state.status.value, level=LEVELS[state.level], since=_date(state.since_ms),
        value=_number(found.compared), base=_number(base), threshold=_number(rule.threshold),
        points=reading.points, window=span_text(window_s) if window_s else None,
        window_from=_date(found.now_ms - 1000 * window_s) if window_s else None,
        resolution=resolution, held=found.held, timers=_dates(found.timers),
        next_look=_date(min(found.timers.values(), default=0)),
        acknowledged=None if state.ack is None else state.ack.by, failed=found.failed,
        reason=records[0].reason if records else "", revised=late, deliveries=told,
        transitions=[transition_info(one, stat.name) for one in records],
    )  # fmt: skip


async def _told(context: Context, asked: Question, episode: str) -> list[Told]:
    """Deliveries of an episode that had begun by then, those that wait first."""
    if not episode:
        return []
    records, account = context.office.records, asked.rule.account
    found = await records.pending(account)
    found += (await records.ended(account, None, DELIVERIES_LOOKED_AT)).deliveries
    mine = [one for one in found if one.notice.episode == episode]
    return [_delivered(_as_of(one, asked.at_ms)) for one in mine if one.created_ms <= asked.at_ms]


def _as_of(delivery: Delivery, at_ms: int) -> Delivery:
    """A delivery with the attempts that were made by then; it waited if there were more later."""
    made = tuple(one for one in delivery.attempts if one.at_ms <= at_ms)
    if len(made) == len(delivery.attempts):
        return delivery
    return msgspec.structs.replace(delivery, attempts=made, state="pending", reason="")


def _delivered(delivery: Delivery) -> Told:
    return Told(
        delivery=delivery.id, channel=delivery.channel, event=delivery.notice.event,
        state=delivery.state, reason=delivery.reason,
        attempts=[AttemptTold(date_text(a.at_ms), a.took_ms, a.said) for a in delivery.attempts],
    )  # fmt: skip


def _dates(times: Mapping[str, int]) -> dict[str, str]:
    return {name: date_text(at_ms) for name, at_ms in times.items()}


def _date(at_ms: int) -> str | None:
    return date_text(at_ms) if at_ms > 0 else None


def _number(value: float | None) -> int | float | None:
    return None if value is None else whole(value)
