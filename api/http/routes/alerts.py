"""Alerts: make, look at, change, drop, acknowledge, snooze, and ask why.

Whoever has a message may acknowledge by the link in it: looking shows a page, posting acts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import Struct

from api.http.alert_infos import AlertInfo, alert_info
from api.http.cursors import format_cursor, parse_cursor
from api.http.explain import body_problem
from api.http.explanations import Explanation, explanation
from api.http.messages import Reply, reply
from api.http.problems import FieldError, Problem, wrong_field
from api.http.route import Call, Nothing, Route
from api.http.selected import named_stat
from api.http.wanted import glob
from api.notify.history import TransitionInfo, transition_info
from api.notify.ids import new_id
from api.notify.revisions import revised
from api.notify.rule_form import EXPRESSION, STATS_MAX, FormFault, RuleForm, merged, rule_of
from api.notify.rule_stats import kept_form, told_form
from api.notify.rulebook import RULES_MAX
from api.query.times import parse_time, parse_zone
from engine.position import Position
from engine.rules import Rule, RuleFault
from engine.stats import Kind, Stat

HISTORY_MAX: Final = 1_000

STATS_SAID: Final = ("stat", "stats", "match")
"""The fields that say at which stats an alert looks."""


class ListParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`state` (FIRING and so on): only alerts with a stat that stands so; `stat`: that watch it.

    At most `limit`; `next` of the page before is `cursor`.
    """

    state: str | None = None
    stat: str | None = None
    cursor: str | None = None
    limit: int = 100


class AlertList(Struct, frozen=True):
    """One page of alerts, the oldest first."""

    alerts: list[AlertInfo]
    next: str | None


class AlertPatch(Struct, frozen=True):
    """Any fields of an alert; what is left out stays."""


class HistoryParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`stat`: only its transitions; at most `limit`; `next` of the page before is `cursor`."""

    stat: str | None = None
    cursor: str | None = None
    limit: int = 100


class History(Struct, frozen=True):
    """Transitions, newest first."""

    transitions: list[TransitionInfo]
    next: str | None


class ExplainParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`at`: as it was then (default: now); `stat`: which, when the alert watches several."""

    at: str | None = None
    stat: str | None = None


async def create_alert(call: Call[Nothing, RuleForm]) -> Reply:
    """Make an alert; it is judged from the next point on."""
    return call.json(201, alert_info(call.context, await make_alert(call, call.body)))


async def make_alert(call: Call[Any, Any], form: RuleForm) -> Rule:
    """The alert of a form, made for the caller; Problem says why not."""
    book, account = call.context.office.rulebook, call.caller.account
    amount = book.amount(account)
    call.context.allowances.of(account).check("alerts", amount)
    if amount >= RULES_MAX:
        raise Problem("plan_limit", f"At most {RULES_MAX} alerts; remove one.")
    rule, stats = await understood(call, form, new_id("al"), 1, call.context.clock.now_ms())
    await book.put(rule, stats)
    return book.get(account, rule.id) or rule


async def list_alerts(call: Call[ListParams, Nothing]) -> Reply:
    """The alerts of the account."""
    params, book = call.params, call.context.office.rulebook
    if not 1 <= params.limit <= HISTORY_MAX:
        raise wrong_field("limit", f"1 to {HISTORY_MAX}", "parameter_invalid")
    rules = book.of(call.caller.account)
    if params.cursor is not None:
        ids = [rule.id for rule in rules]
        if params.cursor not in ids:
            raise wrong_field("cursor", "what an earlier page had as its next", "cursor_invalid")
        rules = rules[ids.index(params.cursor) + 1 :]
    if params.stat is not None:
        wanted = named_stat(call.context, call.caller, params.stat).id
        rules = [rule for rule in rules if any(s == wanted for s, _ in book.instances(rule))]
    if params.state is not None:
        state = params.state.upper()
        rules = [r for r in rules if any(s.status == state for _, s in book.instances(r))]
    page, rest = rules[: params.limit], rules[params.limit :]
    shown = [alert_info(call.context, rule) for rule in page]
    return call.json(200, AlertList(shown, page[-1].id if rest else None))


async def get_alert(call: Call[Nothing, Nothing]) -> Reply:
    """One alert, and how it stands with each of its stats."""
    return call.json(200, alert_info(call.context, rule_of_call(call)))


async def change_alert(call: Call[Nothing, AlertPatch]) -> Reply:
    """Change an alert; how it stands is judged anew with the next look."""
    book, rule = call.context.office.rulebook, rule_of_call(call)
    patch = msgspec.json.decode(call.request.body)
    told = told_form(call.context.directory, rule, (stat for stat, _ in book.instances(rule)))
    try:
        form = merged(msgspec.convert(told.fields, RuleForm), patch)
    except msgspec.ValidationError as error:
        raise body_problem(call.request.body, error, RuleForm) from None
    if told.gone and not call.context.node.ready:
        raise Problem("not_ready")
    if told.lacking and patch.keys().isdisjoint(STATS_SAID):
        # A stat that has its name by now is another one.
        raise wrong_field("stat" if form.stat else "stats", "gone for good: name another stat")
    created_ms = int(rule.extra["created_ms"])
    changed, stats = await understood(call, form, rule.id, rule.revision + 1, created_ms)
    changed = revised(rule, changed, call.context.clock.now_ms())
    await book.put(changed, stats)
    return call.json(200, alert_info(call.context, changed))


async def remove_alert(call: Call[Nothing, Nothing]) -> Reply:
    """Drop an alert; who was told that it fires is told that nobody looks any more."""
    await call.context.office.rulebook.drop(rule_of_call(call))
    return reply(call.request.id, 204, b"text/plain", b"")


async def get_history(call: Call[HistoryParams, Nothing]) -> Reply:
    """What happened, newest first."""
    params, rule = call.params, rule_of_call(call)
    if not 1 <= params.limit <= HISTORY_MAX:
        raise wrong_field("limit", f"1 to {HISTORY_MAX}", "parameter_invalid")
    office, homes = call.context.office, call.context.office.rulebook.homes(rule.account)
    stat = None
    if params.stat is not None:
        found = named_stat(call.context, call.caller, params.stat)
        stat, homes = found.id, [found.partition]
    found_all = []
    before = _before(params.cursor, homes)
    for partition in homes:
        found_all += [
            (partition, place, one)
            for place, one in await office.alerts.history(
                partition, before.get(partition), params.limit, rule.id, stat
            )
        ]
    found_all.sort(key=lambda row: (row[2].decided_ms, row[1]), reverse=True)
    page = found_all[: params.limit]
    for partition, place, _ in page:
        before[partition] = place
    shown = [transition_info(one, _name(call, one.stat)) for _, _, one in page]
    return call.json(
        200, History(shown, format_cursor(before) if len(page) == params.limit else None)
    )


async def explain(call: Call[ExplainParams, Nothing]) -> Reply:
    """Why an alert fires, or does not: what it looks at, its timers, and who was told."""
    params, rule = call.params, rule_of_call(call)
    stat = _instance(call, rule, params.stat)
    at_ms = None
    if params.at is not None:
        now_ms = call.context.clock.now_ms()
        at_ms = parse_time(params.at, "at", now_ms, parse_zone(rule.tz))
    return call.json(200, await explanation(call.context, rule, stat, at_ms))


def rule_of_call(call: Call[Any, Any]) -> Rule:
    """The alert that a request names."""
    rule = call.context.office.rulebook.get(call.caller.account, call.ids["id"])
    if rule is None:
        if not call.context.node.ready:
            raise Problem("not_ready")
        raise Problem("not_found", "There is no such alert.")
    return rule


async def understood(
    call: Call[Any, Any], form: RuleForm, rule_id: str, revision: int, created_ms: int
) -> tuple[Rule, list[Stat]]:
    """The rule of a form and the stats it begins with; Problem says all that is wrong."""
    context, caller = call.context, call.caller
    stats, over = await _stats(call, form)
    await _check_channels(call, form)
    kinds = {stat.kind for stat in stats} or {Kind.COUNTER}
    if len(kinds) > 1 and form.aggregate is None:
        raise wrong_field("aggregate", "needed when counters and values are watched by one alert")
    kind = Kind.COUNTER if Kind.COUNTER in kinds else Kind.VALUE
    over_id = None if over is None else over.id
    try:
        rule = rule_of(form, rule_id, caller.account, kind, over_id, context.clock.now_ms())
    except FormFault as fault:
        raise _rule_problem(fault.faults) from None
    if form.depends_on and context.office.rulebook.get(caller.account, form.depends_on) is None:
        raise wrong_field("depends_on", "the id of another alert")
    extra: dict[str, Any] = {"form": kept_form(form, stats, over), "created_ms": created_ms}
    if form.match is not None:
        extra["match"] = form.match
    return replace(rule, revision=revision, extra=extra), stats


async def _stats(call: Call[Any, Any], form: RuleForm) -> tuple[list[Stat], Stat | None]:
    """The stats that a form names now, and the one that divides."""
    context, caller = call.context, call.caller
    given = [bool(form.stat), bool(form.stats), bool(form.match)]
    if sum(given) != 1:
        raise wrong_field("stat", "exactly one of stat, stats and match", "field_required")
    if form.match is not None:
        fits = glob(form.match)
        if not form.match.startswith(caller.prefix or ""):
            raise wrong_field("match", f"your key only reaches names that begin {caller.prefix}")
        names = context.directory.names(caller.account)
        return [s for n, s in names.items() if s.state == "live" and fits.fullmatch(n)], None
    wanted = [form.stat] if form.stat else list(form.stats or ())
    if len(wanted) > STATS_MAX:
        raise wrong_field("stats", f"at most {STATS_MAX}; use match")
    await _registered(call, form, wanted)
    stats = [
        named_stat(context, caller, text, "stats" if form.stats else "stat") for text in wanted
    ]
    stats = list({stat.id: stat for stat in stats}.values())
    if form.expr is None or not EXPRESSION.fullmatch(form.expr):
        return stats, None
    if len(stats) != 2:
        raise wrong_field("stats", "a ratio has two: a, and b that divides it")
    if stats[0].partition != stats[1].partition:
        raise wrong_field("stats", "these two are kept apart: a ratio needs stats of one partition")
    return stats[:1], stats[1]


async def _registered(call: Call[Any, Any], form: RuleForm, wanted: Sequence[str | None]) -> None:
    """A deadman may wait for a stat that never came: it is made, as a counter."""
    if form.kind not in ("deadman", "data") or form.arm != "now":
        return
    known = call.context.directory.names(call.caller.account)
    new = {
        text: Kind.COUNTER
        for text in wanted
        if text and not text.startswith("st_") and text not in known and call.caller.may_touch(text)
    }
    if new:
        await call.context.directory.register(call.caller.account, new)


async def _check_channels(call: Call[Any, Any], form: RuleForm) -> None:
    channels, account = call.context.office.channels, call.caller.account
    named: Iterable[str] = [
        *form.channels,
        *(one for step in form.escalation for one in step.channels),
    ]
    for channel_id in dict.fromkeys(named):
        if await channels.get(account, channel_id) is None:
            raise wrong_field("channels", f"there is no channel {channel_id[:40]}")


def _instance(call: Call[Any, Any], rule: Rule, text: str | None) -> Stat:
    if text is not None:
        return named_stat(call.context, call.caller, text)
    ids = [stat for stat, _ in call.context.office.rulebook.instances(rule)]
    stats = [stat for one in ids[:2] if (stat := call.context.directory.get(one)) is not None]
    if len(ids) != 1 or not stats:
        raise wrong_field(
            "stat", f"the alert watches {len(ids)} stats: say which", "parameter_invalid"
        )
    return stats[0]


def _name(call: Call[Any, Any], stat_id: int) -> str | None:
    stat = call.context.directory.get(stat_id)
    return None if stat is None else stat.name


def _before(cursor: str | None, homes: Sequence[int]) -> dict[int, Position]:
    found = parse_cursor(cursor) if cursor else {}
    return {partition: place for partition, place in found.items() if partition in homes}


def _rule_problem(faults: Sequence[RuleFault]) -> Problem:
    errors = [FieldError("rule_invalid", f"{f.field}: {f.message}.", field=f.field) for f in faults]
    return Problem("rule_invalid", " ".join(error.message for error in errors), errors)


CHANGE_PROBLEMS: Final = (
    "store_unavailable", "outcome_unknown", "overloaded", "read_only", "not_ready",
)  # fmt: skip
RULE_PROBLEMS: Final = ("rule_invalid", "stat_name_length", "stat_name_chars", *CHANGE_PROBLEMS)

ROUTES: Final = (
    Route(
        "POST", "/v1/alerts", "Make an alert", "edit",
        {201: AlertInfo}, Nothing, RuleForm, create_alert,
        problems=("plan_limit", "parameter_invalid", *RULE_PROBLEMS),
    ),
    Route(
        "GET", "/v1/alerts", "List the alerts", "read",
        {200: AlertList}, ListParams, Nothing, list_alerts,
        problems=("cursor_invalid", "field_invalid"),
    ),
    Route(
        "GET", "/v1/alerts/{id}", "Look at an alert", "read",
        {200: AlertInfo}, Nothing, Nothing, get_alert, problems=("not_ready",),
    ),
    Route(
        "PATCH", "/v1/alerts/{id}", "Change an alert", "edit",
        {200: AlertInfo}, Nothing, AlertPatch, change_alert,
        problems=("parameter_invalid", *RULE_PROBLEMS),
    ),
    Route(
        "DELETE", "/v1/alerts/{id}", "Remove an alert", "edit",
        {204: "text/plain"}, Nothing, Nothing, remove_alert, problems=CHANGE_PROBLEMS,
    ),
    Route(
        "GET", "/v1/alerts/{id}/history", "See what happened", "read",
        {200: History}, HistoryParams, Nothing, get_history,
        problems=("cursor_invalid", "not_ready"),
    ),
    Route(
        "GET", "/v1/alerts/{id}/explain", "Ask why it fires or does not", "read",
        {200: Explanation}, ExplainParams, Nothing, explain, problems=("not_ready",),
    ),
)  # fmt: skip
