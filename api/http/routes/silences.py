"""Silences and maintenance windows: hold messages back for a while, once or again and again.

A snooze is the silence of a script: one line of curl, with a key that can do nothing else.
"""

from typing import Any, Final, Literal

from msgspec import Struct, field

from api.accounts.keys import Identity
from api.http.alert_infos import INSTANCES_SHOWN
from api.http.dates import date_text
from api.http.messages import Reply, reply
from api.http.problems import Problem, wrong_field
from api.http.route import Call, Nothing, Route
from api.http.selected import named_stat
from api.http.wanted import glob
from api.notify.ids import new_id
from api.notify.quiet import QUIETS_MAX, SAY_WHAT, Quiet, faults
from api.notify.quieting import TooManyQuiets
from api.query.durations import parse_duration
from api.query.times import parse_time, parse_zone
from engine.stats import public_id

CALENDAR_MS: Final = 42 * 86_400_000
"""A calendar shows what comes within six weeks."""

COMING_MAX: Final = 100
"""Times of one silence that are told; a window that comes every hour has them for four days."""


class NewSilence(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to hold back (`alerts`, `stats`, `match`, `severity`, `labels`; or `everything`), and
    from when until when (`until`, or `for`).

    With `rrule` (`FREQ=MONTHLY;BYDAY=3TU`) it is maintenance, which comes again for as long.
    """

    alerts: list[str] = []
    stats: list[str] = []
    match: str | None = None
    severity: Literal["warning", "critical"] | None = None
    labels: dict[str, str] = {}
    everything: bool = False
    from_: str | int | None = field(default=None, name="from")
    until: str | int | None = None
    for_: str | int | None = field(default=None, name="for")
    kind: Literal["silence", "maintenance"] | None = None
    rrule: str | None = None
    tz: str = "UTC"
    note: str = ""


class SnoozeParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`for`: how long, such as `20m`; at most thirty days. `note`: why.

    All alerts of the account are held back, or those at stats whose names fit `match`, those named
    by `alert`, those of one `severity` (warning, critical).
    """

    for_: str = field(name="for")
    match: str | None = None
    alert: str | None = None
    severity: Literal["warning", "critical"] | None = None
    note: str = ""


class Muted(Struct, frozen=True):
    """An alert at a stat that is held back."""

    alert: str
    name: str
    stat: str


class Coming(Struct, frozen=True, kw_only=True):
    """One time of a silence."""

    from_: str = field(name="from")
    until: str


class SilenceInfo(Struct, frozen=True, kw_only=True):
    """A silence; `active` now, `next` when it begins next, `mutes` what it holds back.

    `coming` are its times that are not over, six weeks ahead, a hundred at most.
    """

    id: str
    kind: str
    from_: str = field(name="from")
    until: str
    rrule: str | None
    tz: str
    alerts: list[str]
    stats: list[str]
    match: str | None
    severity: str | None
    labels: dict[str, str]
    note: str
    active: bool
    next: str | None
    coming: list[Coming]
    mutes: list[Muted]


class SilenceList(Struct, frozen=True):
    """The silences of the account, the newest first."""

    silences: list[SilenceInfo]
    next: str | None = None


async def create_silence(call: Call[Nothing, NewSilence]) -> Reply:
    """Hold back."""
    return await _create(call, call.body)


async def snooze(call: Call[SnoozeParams, Nothing]) -> Reply:
    """Hold back from now on, for so long."""
    params = call.params
    match = _within(call.caller, params.match)
    wanted = NewSilence(
        alerts=[] if params.alert is None else [params.alert], match=match,
        severity=params.severity, for_=params.for_, note=params.note,
        everything=(params.alert, match, params.severity) == (None, None, None),
    )  # fmt: skip
    return await _create(call, wanted)


async def list_silences(call: Call[Nothing, Nothing]) -> Reply:
    """What is held back, was lately or will be."""
    quiets = await call.context.office.quieting.all(call.caller.account)
    return call.json(200, SilenceList([_info(call, quiet) for quiet in quiets]))


async def get_silence(call: Call[Nothing, Nothing]) -> Reply:
    """One silence."""
    return call.json(200, _info(call, await _silence(call)))


async def end_silence(call: Call[Nothing, Nothing]) -> Reply:
    """End it; what it held back is told if it is still so."""
    await call.context.office.quieting.end(await _silence(call))
    return reply(call.request.id, 204, b"text/plain", b"")


def _within(caller: Identity, match: str | None) -> str | None:
    """The pattern of a key that is limited to a prefix stays behind that prefix."""
    prefix = caller.prefix
    if prefix is None:
        return match
    found = f"{prefix}*" if match is None else match
    if not found.startswith(prefix) or any(one in prefix for one in "*?"):
        raise Problem("insufficient_scope", f"match: the key is limited to names from {prefix} on.")
    return found


async def _create(call: Call[Any, Any], wanted: NewSilence) -> Reply:
    quiet = await _understood(call, wanted)
    try:
        await call.context.office.quieting.create(quiet)
    except TooManyQuiets:
        raise Problem("plan_limit", f"At most {QUIETS_MAX} silences; end one.") from None
    return call.json(201, _info(call, quiet))


async def _understood(call: Call[Any, Any], body: NewSilence) -> Quiet:
    context, account = call.context, call.caller.account
    matchers = (body.alerts, body.stats, body.match, body.severity, body.labels)
    if any(matchers) == body.everything:
        raise wrong_field("alerts", SAY_WHAT)
    for alert in body.alerts:
        if context.office.rulebook.get(account, alert) is None:
            raise wrong_field("alerts", f"there is no alert {alert[:40]}")
    if body.match is not None:
        glob(body.match)
    stats = [named_stat(context, call.caller, text, "stats").id for text in body.stats]
    from_ms, until_ms = _span(body, context.clock.now_ms())
    kind = body.kind or ("maintenance" if body.rrule else "silence")
    quiet = Quiet(
        id=new_id("si"), account=account, kind=kind, from_ms=from_ms, until_ms=until_ms,
        created_ms=context.clock.now_ms(), rrule=body.rrule or "", tz=body.tz,
        alerts=tuple(body.alerts), stats=tuple(stats), match=body.match or "",
        severity=body.severity or "", labels=body.labels, note=body.note,
        by=call.caller.key_id,
    )  # fmt: skip
    for name, text in faults(quiet):
        raise wrong_field(name, text)
    if quiet.over(quiet.created_ms):
        raise wrong_field("rrule", "it never comes within five years")
    return quiet


def _span(body: NewSilence, now_ms: int) -> tuple[int, int]:
    zone = parse_zone(body.tz)
    from_ms = now_ms if body.from_ is None else parse_time(str(body.from_), "from", now_ms, zone)
    if (body.until is None) == (body.for_ is None):
        raise wrong_field("until", "it must end: either until or for")
    if body.for_ is not None:
        span = parse_duration(str(body.for_))
        if span is None or span.nominal_ms() <= 0:
            raise wrong_field("for", "a duration such as 2h")
        until_ms = from_ms + span.nominal_ms()
    else:
        until_ms = parse_time(str(body.until), "until", now_ms, zone)
    if until_ms <= now_ms and not body.rrule:
        raise wrong_field("until", "it is over already")
    return from_ms, until_ms


async def _silence(call: Call[Nothing, Nothing]) -> Quiet:
    quiet = await call.context.office.quieting.get(call.caller.account, call.ids["id"])
    if quiet is None:
        raise Problem("not_found", "There is no such silence.")
    return quiet


def _info(call: Call[Any, Any], quiet: Quiet) -> SilenceInfo:
    now_ms, repeats = call.context.clock.now_ms(), quiet.repeats
    following = repeats.next_after(now_ms) if repeats is not None else None
    muted = call.context.office.quieting.muted(quiet, INSTANCES_SHOWN)
    coming = quiet.times(now_ms, CALENDAR_MS)[:COMING_MAX]
    return SilenceInfo(
        id=quiet.id, kind=quiet.kind, from_=date_text(quiet.from_ms),
        until=date_text(quiet.until_ms), rrule=quiet.rrule or None, tz=quiet.tz,
        alerts=list(quiet.alerts), stats=[public_id(stat) for stat in quiet.stats],
        match=quiet.match or None, severity=quiet.severity or None, labels=dict(quiet.labels),
        note=quiet.note, active=any(begin <= now_ms for begin, _ in quiet.times(now_ms)),
        next=None if following is None else date_text(following),
        coming=[Coming(from_=date_text(one), until=date_text(end)) for one, end in coming],
        mutes=[Muted(rule.id, rule.name, public_id(stat)) for rule, stat in muted],
    )  # fmt: skip


_PROBLEMS: Final = (
    "plan_limit", "parameter_invalid", "store_unavailable", "outcome_unknown", "overloaded",
    "read_only", "not_ready",
)  # fmt: skip

ROUTES: Final = (
    Route(
        "POST", "/v1/silences", "Hold messages back", "edit",
        {201: SilenceInfo}, Nothing, NewSilence, create_silence, problems=_PROBLEMS,
    ),
    Route(
        "POST", "/v1/snooze", "Hold messages back from a script", "snooze",
        {201: SilenceInfo}, SnoozeParams, Nothing, snooze,
        problems=(*_PROBLEMS, "field_invalid"),
    ),
    Route(
        "GET", "/v1/silences", "List what is held back", "read",
        {200: SilenceList}, Nothing, Nothing, list_silences,
    ),
    Route(
        "GET", "/v1/silences/{id}", "Look at a silence", "read",
        {200: SilenceInfo}, Nothing, Nothing, get_silence,
    ),
    Route(
        "DELETE", "/v1/silences/{id}", "End a silence", "edit",
        {204: "text/plain"}, Nothing, Nothing, end_silence, problems=_PROBLEMS,
    ),
)  # fmt: skip
