"""What StatHat's clients read and manage: `/x/TOKEN/…`, byte for byte as StatHat answered.

Law: whatever goes wrong is said as `{"Error":…}`, because that is where clients look; too many
requests are answered 200 with such a body, as StatHat did.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from msgspec import Struct

from api.accounts.keys import Identity
from api.http.answer import OURS, problem_of
from api.http.context import Context
from api.http.messages import RawReply, RawRequest, json_reply
from api.http.problems import Problem
from api.http.route import NOTHING, Call, Nothing, Route
from api.http.routes.alerts import make_alert
from api.http.routes.stats import newest_points
from api.notify.channel import Channel
from api.stathat.access import Access
from api.stathat.alerts import entry_of, form_of
from api.stathat.door import admitted
from api.stathat.forms import read_form, read_sent
from api.stathat.reading import (
    STATS_MAX,
    Dataset,
    datasets,
    live_stat,
    live_stats,
    reader_of,
    stat_named,
)
from api.stathat.shapes import AlertEntry, DataPoint, DataSet, Fault, Said, StatEntry
from engine.rules import CHANNELS_MAX, Rule
from engine.stats import Kind, Stat, public_id
from storage.directory_search import PAGE_MAX

log = logging.getLogger("statflow.stathat")

STATS_A_PAGE: Final = 10_000
"""Stats of one `statlist`; the next ones begin at `offset`."""

RATE: Final = "Rate limit exceeded."
"""What StatHat said of too many requests; importers wait when they read it."""


class ListParams(Struct, frozen=True):
    """At most 10,000 stats a page: `offset` is how many were on the pages before."""

    offset: str | None = None


class NameParams(Struct, frozen=True):
    """The `name` of the stat."""

    name: str | None = None


class DataParams(Struct, frozen=True):
    """`t`: a duration and an interval, as `1w3h`; `summary`: a duration, day by day.

    Units are m h d w M y. `start` is where it begins, in epoch seconds; else it ends now.
    """

    t: str | None = None
    summary: str | None = None
    start: str | None = None


class NewAlert(Struct, frozen=True):
    """`kind` is `value` (with `operator` and `threshold`), `delta` (with `operator`, `percentage`
    and `time_delta`) or `data`; `time_window` is one of 5m 1h 3h 1d 1w 1M 1y.
    """

    stat_id: str
    kind: str
    time_window: str
    operator: str | None = None
    threshold: float | None = None
    percentage: float | None = None
    time_delta: str | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """A request of a token's owner: what stands in the path behind the token, and in the query."""

    context: Context
    request: RawRequest
    access: Access
    words: Sequence[str]
    params: Mapping[str, str]

    @property
    def reader(self) -> Identity:
        """Who asks."""
        return reader_of(self.access)

    @property
    def call(self) -> Call[Any, Any]:
        """The same as other routes know it."""
        return Call(self.context, self.request, self.reader, {}, NOTHING, NOTHING)


Answering = Callable[[Asking], Awaitable[object]]


async def statlist(ask: Asking) -> list[StatEntry]:
    """A page of the stats, the oldest first."""
    offset = ask.params.get("offset") or "0"
    if not (offset.isascii() and offset.isdigit() and len(offset) <= 9):
        raise Problem("parameter_invalid", "offset: how many stats to pass over.")
    first = int(offset)
    stats = live_stats(ask.context, ask.access.account)[first : first + STATS_A_PAGE]
    entries: list[StatEntry] = []
    for low in range(0, len(stats), PAGE_MAX):
        entries += await _entries(ask, stats[low : low + PAGE_MAX])
    return entries


async def stat(ask: Asking) -> StatEntry:
    """The stat of that name."""
    found = stat_named(ask.context, ask.access.account, ask.params.get("name") or "")
    return (await _entries(ask, [found]))[0]


async def data(ask: Asking) -> list[DataSet]:
    """The buckets of up to five stats."""
    ids = [word for word in ask.words[1:] if word][:STATS_MAX]
    stats = [live_stat(ask.context, ask.reader, one) for one in ids]
    return [
        _data_set(one) for one in await datasets(ask.context, ask.access.account, stats, ask.params)
    ]


async def delete_stat(ask: Asking) -> Said:
    """Put a stat into the trash, where it stays for two days."""
    found = live_stat(ask.context, ask.reader, ask.words[1])
    await ask.context.directory.trash(found.id)
    return Said("stat deleted.")


async def alerts(ask: Asking) -> list[AlertEntry]:
    """The alerts that StatHat could have had."""
    rules = ask.context.office.rulebook.of(ask.access.account)
    return [entry for rule in rules if (entry := _entry(ask.context, rule)) is not None]


async def alert(ask: Asking) -> AlertEntry:
    """One alert."""
    found = _entry(ask.context, _rule(ask))
    if found is None:
        raise Problem("not_found", "This alert cannot be said in StatHat's words.")
    return found


async def create_alert(ask: Asking) -> AlertEntry:
    """Make an alert; it is told by e-mail, if there are such channels."""
    fields = read_sent(ask.request).sender
    found = live_stat(ask.context, ask.reader, str(fields.get("stat_id") or ""))
    channels = await ask.context.office.channels.all(ask.access.account)
    made = await make_alert(ask.call, form_of(found, fields, _by_mail(channels)))
    entry = entry_of(made, found)
    assert entry is not None, f"BUG: {made.id} was made in StatHat's words"
    return entry


async def delete_alert(ask: Asking) -> Said:
    """Drop an alert."""
    await ask.context.office.rulebook.drop(_rule(ask))
    return Said("alert deleted.")


def _data_set(found: Dataset) -> DataSet:
    """The buckets that are known, as StatHat had them."""
    found = found.known()
    starts: list[int] = found.series.start.tolist()
    points = [
        DataPoint(at, value)
        for at, value in zip(starts, found.values(), strict=True)
        if value is not None
    ]
    return DataSet(found.stat.name, found.timeframe, points)


def _by_mail(channels: Sequence[Channel]) -> list[str]:
    """StatHat told of alerts by e-mail."""
    return [one.id for one in channels if one.type == "email"][:CHANNELS_MAX]


def _rule(ask: Asking) -> Rule:
    rule = ask.context.office.rulebook.get(ask.access.account, ask.words[1])
    if rule is None:
        raise Problem("not_found", "There is no such alert.")
    return rule


def _entry(context: Context, rule: Rule) -> AlertEntry | None:
    """The alert in StatHat's words; of several stats there are none."""
    watched = [number for number, _ in context.office.rulebook.instances(rule)]
    found = context.directory.get(watched[0]) if len(watched) == 1 else None
    return None if found is None or "match" in rule.extra else entry_of(rule, found)


async def _entries(ask: Asking, stats: Sequence[Stat]) -> list[StatEntry]:
    newest = await newest_points(ask.context, stats)
    return [
        StatEntry(
            id=public_id(one.id), name=one.name, counter=one.kind is Kind.COUNTER,
            unit=one.unit or "", classic_key=ask.access.stat_key(one.id),
            embed_key=ask.access.embed_key(one.id),
            data_received_at=newest[one.id].at_ms // 1000 if one.id in newest else 0,
            created_at=one.created_ms // 1000,
        )
        for one in stats
    ]  # fmt: skip


async def _respond(answering: Answering, context: Context, request: RawRequest) -> RawReply:
    try:
        ask = await _asking(context, request)
        return json_reply(request.id, 200, await answering(ask))
    except Exception as error:
        problem = problem_of(error)
        context.meters.refused(problem.code)
        if problem.code in OURS:
            log.exception("request %s failed", request.id)
        return _failed(request, problem)


async def _asking(context: Context, request: RawRequest) -> Asking:
    """Who asks, by the token in the path; Problem when nobody does."""
    token, *words = request.path.split("/")[2:]
    access = await admitted(context, request, token, "access_token")
    context.allowances.admit(access.account, reader_of(access).key_id, 0)
    return Asking(context, request, access, words, read_form(request.query))


def _failed(request: RawRequest, problem: Problem) -> RawReply:
    if problem.code == "rate_limited":
        return json_reply(request.id, 200, Fault(RATE), problem.headers)
    return json_reply(request.id, problem.status, Fault(problem.detail), problem.headers)


MEDIA: Final = ("application/json", "application/x-www-form-urlencoded")
EXAMPLE: Final = {
    "stat_id": "st_1", "kind": "value", "time_window": "1h", "operator": "greater than",
    "threshold": 10,
}  # fmt: skip

FAULTS: Final[dict[int, Any]] = dict.fromkeys((401, 404, 422, 503), Fault)


def _answers(model: object) -> dict[int, Any]:
    return {200: model, **FAULTS}


ROUTES: Final[tuple[Route[Any, Any], ...]] = (
    Route(
        "GET", "/x/{token}/statlist", "StatHat: list the stats", None,
        _answers(list[StatEntry]), ListParams, Nothing, raw=partial(_respond, statlist),
    ),
    Route(
        "GET", "/x/{token}/stat", "StatHat: find a stat by its name", None,
        _answers(StatEntry), NameParams, Nothing, raw=partial(_respond, stat),
    ),
    Route(
        "DELETE", "/x/{token}/stats/{id}", "StatHat: throw a stat away", None,
        _answers(Said), Nothing, Nothing, raw=partial(_respond, delete_stat),
    ),
    Route(
        "GET", "/x/{token}/data/{ids}", "StatHat: the buckets of up to five stats", None,
        _answers(list[DataSet]), DataParams, Nothing, raw=partial(_respond, data),
    ),
    Route(
        "GET", "/x/{token}/alerts", "StatHat: list the alerts", None,
        _answers(list[AlertEntry]), Nothing, Nothing, raw=partial(_respond, alerts),
    ),
    Route(
        "GET", "/x/{token}/alerts/{id}", "StatHat: look at an alert", None,
        _answers(AlertEntry), Nothing, Nothing, raw=partial(_respond, alert),
    ),
    Route(
        "POST", "/x/{token}/alerts", "StatHat: make an alert", None,
        _answers(AlertEntry), Nothing, NewAlert, raw=partial(_respond, create_alert),
        media=MEDIA, example=EXAMPLE,
    ),
    Route(
        "DELETE", "/x/{token}/alerts/{id}", "StatHat: remove an alert", None,
        _answers(Said), Nothing, Nothing, raw=partial(_respond, delete_alert),
    ),
)  # fmt: skip
