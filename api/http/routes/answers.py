"""Acknowledge and snooze: by key, or by the signed link in a message.

Law: looking at a link changes nothing, because mail servers look at all of them; posting acts. What
a link allows, it allows for one alert at one stat, and until it is too old.
"""

from html import escape
from typing import Any, Final

from msgspec import Struct, field

from api.http.alert_infos import AlertInfo, alert_info
from api.http.callers import identify
from api.http.context import Context
from api.http.link_pages import HTML, PAGE_HEADERS, page
from api.http.messages import Reply, json_reply, reply
from api.http.problems import Problem, wrong_field
from api.http.route import Call, Nothing, Route
from api.http.selected import named_stat
from api.notify.expanding import ACKNOWLEDGE, SNOOZE
from api.notify.links import Link, read_link
from api.query.durations import parse_duration
from engine import alert_commands as commands
from engine.points import Command
from engine.rules import Rule
from engine.stats import Stat

SNOOZE_S_MAX: Final = 30 * 86_400
SNOOZE_DEFAULT: Final = "1h"
NOTE_LENGTH_MAX: Final = 1_000
BY_LINK: Final = "link in a message"


class AnswerParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`token` stands in the link of a message; `stat` says which, without one; `for` how long."""

    token: str | None = None
    stat: str | None = None
    for_: str | None = field(default=None, name="for")


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`for`: how long (`20m`); an acknowledgement without it lasts until the alert is resolved.

    `undo`: take it back.
    """

    stat: str | None = None
    for_: str | None = field(default=None, name="for")
    note: str = ""
    undo: bool = False


NO_BODY: Final = AnswerBody()


async def show(call: Call[AnswerParams, Nothing]) -> Reply:
    """A page with the one button that acts."""
    context, action = call.context, call.request.path.rpartition("/")[2]
    link = _link(context, call.params.token, action, call.ids["id"])
    rule, stat = _of_link(context, link)
    verb = "Acknowledge" if action == ACKNOWLEDGE else f"Snooze for {SNOOZE_DEFAULT}"
    text = (
        f"<p><b>{escape(rule.name)}</b> at {escape(stat.name)}</p>"
        f'<form method="post"><button>{verb}</button></form>'
    )
    return reply(call.request.id, 200, HTML, page(f"{verb}?", text), PAGE_HEADERS)


async def act(call: Call[AnswerParams, AnswerBody]) -> Reply:
    """Acknowledge, or snooze: by link for one stat, by key for one or all of an alert."""
    context, request, action = call.context, call.request, call.request.path.rpartition("/")[2]
    # The form of the page sends none.
    body = call.body if request.body else NO_BODY
    if call.params.token is not None:
        link = _link(context, call.params.token, action, call.ids["id"])
        rule, stat = _of_link(context, link)
        episode = link.part.partition(":")[2]
        told = _command(context, action, rule, stat, episode, BY_LINK, body, call.params.for_)
        await context.office.rulebook.change(stat, told)
        done = "acknowledged" if action == ACKNOWLEDGE else "snoozed"
        text = f"<p><b>{escape(rule.name)}</b> at {escape(stat.name)} is {done}.</p>"
        return reply(request.id, 200, HTML, page(done.capitalize(), text), PAGE_HEADERS)
    caller = await identify(context, request, "edit")
    found = context.office.rulebook.get(caller.account, call.ids["id"])
    if found is None:
        raise Problem("not_found", "There is no such alert.")
    wanted = call.params.stat or body.stat
    if wanted is not None:
        stats = [named_stat(context, caller, wanted)]
    else:
        ids = [stat for stat, _ in context.office.rulebook.instances(found)]
        stats = [one for one in map(context.directory.get, ids) if one is not None]
    for stat in stats:
        told = _command(
            context, action, found, stat, "", f"key {caller.key_id}", body, call.params.for_
        )
        await context.office.rulebook.change(stat, told)
    for partition in {stat.partition for stat in stats}:
        # A question waits until what was acknowledged is applied.
        await context.node.latest(partition, [])
    return json_reply(request.id, 200, alert_info(context, found))


def _command(
    context: Context,
    action: str,
    rule: Rule,
    stat: Stat,
    episode: str,
    by: str,
    body: AnswerBody,
    given: str | None,
) -> Command:
    span = given or body.for_
    if len(body.note) > NOTE_LENGTH_MAX:
        raise wrong_field("note", f"at most {NOTE_LENGTH_MAX} characters")
    if body.undo:
        undo = commands.unacknowledge if action == ACKNOWLEDGE else commands.resume
        return undo(rule.id, stat.id, by)
    until_ms = 0
    if action == SNOOZE or span is not None:
        until_ms = context.clock.now_ms() + 1000 * _span_s(span or SNOOZE_DEFAULT)
    if action == SNOOZE:
        return commands.snooze(rule.id, stat.id, until_ms, by)
    return commands.acknowledge(rule.id, stat.id, episode, by, body.note, until_ms)


def _span_s(text: str) -> int:
    span = parse_duration(text)
    if span is None or not 1_000 <= span.nominal_ms() <= SNOOZE_S_MAX * 1000:
        raise wrong_field("for", "a duration such as 20m or 4h, at most 30 days")
    return span.nominal_ms() // 1000


def _link(context: Context, token: str | None, action: str, alert: str) -> Link:
    key, now_ms = context.office.means.vault.link_key, context.clock.now_ms()
    link = read_link(key, token or "", action, now_ms)
    if link is None or link.target != alert:
        raise Problem("link_expired", "Acknowledge it with an API key, or from a newer message.")
    return link


def _of_link(context: Context, link: Link) -> tuple[Rule, Stat]:
    rule = context.office.rulebook.get(link.account, link.target)
    stat = context.directory.get(int(link.part.partition(":")[0]))
    if rule is None or stat is None:
        raise Problem("link_expired", "The alert is no longer there.")
    return rule, stat


_PROBLEMS: Final = (
    "link_expired", "missing_key", "invalid_key", "insufficient_scope", "store_unavailable",
    "outcome_unknown", "overloaded", "read_only", "not_ready",
)  # fmt: skip

ROUTES: Final[tuple[Route[Any, Any], ...]] = tuple(
    route
    for action, verb in ((ACKNOWLEDGE, "Acknowledge"), (SNOOZE, "Snooze"))
    for route in (
        Route(
            "GET", f"/v1/alerts/{{id}}/{action}", f"{verb}: the page of a link", None,
            {200: "text/html"}, AnswerParams, Nothing, show, problems=("link_expired",),
        ),
        Route(
            "POST", f"/v1/alerts/{{id}}/{action}", f"{verb} an alert", None,
            {200: AlertInfo}, AnswerParams, AnswerBody, act, problems=_PROBLEMS,
            body_required=False,
        ),
    )
)  # fmt: skip
