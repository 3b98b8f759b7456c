"""What StatHat's own command line asks: `/a1/…`, with an access token as the user of Basic."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from msgspec import Struct

from api.http.context import Context
from api.http.messages import RawReply, RawRequest, json_reply
from api.http.problems import Problem
from api.http.route import Nothing, Route
from api.http.routes.annotations import NewAnnotation, create_annotation
from api.http.routes.stathat_reading import (
    EXAMPLE,
    MEDIA,
    Answering,
    Asking,
    NewAlert,
    alerts,
    create_alert,
)
from api.notify.annotation import TAG_LENGTH_MAX, TEXT_LENGTH_MAX, TITLE_LENGTH_MAX
from api.stathat.door import admitted
from api.stathat.forms import read_form, read_sent
from api.stathat.reading import datasets, live_stat, live_stats, reader_of
from api.stathat.shapes import AlertEntry, CommandDataset, CommandPoint, StatBrief
from engine.stats import Kind, Stat, public_id

STATS_MAX: Final = 100_000
"""Stats of the list, which knows no pages."""

CREDENTIALS_LENGTH_MAX: Final = 1_024
"""Characters of what stands behind `Basic`."""

KINDS: Final[Mapping[Kind, str]] = {Kind.COUNTER: "count", Kind.VALUE: "value"}


class DatasetParams(Struct, frozen=True):
    """`t`: a duration and an interval, as `1w3h`; units are m h d w M y.

    `start` is where it begins, in epoch seconds; else it ends now.
    """

    t: str | None = None
    start: str | None = None


class Comment(Struct, frozen=True):
    """A `text`, and the `id` of the stat that it is about, or any other word."""

    text: str
    id: str | None = None


class Message(Struct, frozen=True, rename="pascal"):
    """What became of it."""

    message: str


async def stats(ask: Asking) -> list[StatBrief]:
    """The stats, the oldest first."""
    found = live_stats(ask.context, ask.access.account)[:STATS_MAX]
    return [
        StatBrief(id=public_id(one.id), name=one.name, counter=one.kind is Kind.COUNTER)
        for one in found
    ]


async def dataset(ask: Asking) -> CommandDataset:
    """All buckets of a stat in a time, the empty ones too."""
    found = live_stat(ask.context, ask.reader, ask.words[1])
    (one,) = await datasets(ask.context, ask.access.account, [found], ask.params)
    columns = (one.series.start.tolist(), one.values(), one.series.count.tolist())
    points = [
        CommandPoint(at, 0 if value is None else value, count)
        for at, value, count in zip(*columns, strict=True)
    ]
    return CommandDataset(found.name, one.timeframe, KINDS[found.kind], points)


async def comment(ask: Asking) -> Message:
    """Note what happened, for one stat or for all: it stands on the charts."""
    fields = read_sent(ask.request).sender
    text, about = (str(fields.get(name) or "").strip() for name in ("text", "id"))
    if not text:
        raise Problem("field_required", "text: what happened.")
    found = _meant(ask, about)
    note = NewAnnotation(
        title=text[:TITLE_LENGTH_MAX],
        text=text[:TEXT_LENGTH_MAX] if len(text) > TITLE_LENGTH_MAX else "",
        tags=[about[:TAG_LENGTH_MAX]] if about and found is None else [],
        stats=[] if found is None else [public_id(found.id)],
    )
    await create_annotation(replace(ask.call, body=note))
    return Message("comment added")


def _meant(ask: Asking, about: str) -> Stat | None:
    """The stat that is named by its id or its name, if it is one."""
    try:
        return live_stat(ask.context, ask.reader, about)
    except Problem:
        return ask.context.directory.names(ask.access.account).get(about)


async def _respond(answering: Answering, context: Context, request: RawRequest) -> RawReply:
    token = _token(request)
    if token is None:
        raise Problem("missing_key", "Send the access token as the user name of Basic.")
    access = await admitted(context, request, token, "access_token")
    context.allowances.admit(access.account, reader_of(access).key_id, 0)
    words = request.path.split("/")[2:]
    ask = Asking(context, request, access, words, read_form(request.query))
    return json_reply(request.id, 200, await answering(ask))


def _token(request: RawRequest) -> str | None:
    """The user name that a request was sent with."""
    scheme, _, given = (request.header(b"authorization") or b"").partition(b" ")
    if scheme.lower() != b"basic" or len(given) > CREDENTIALS_LENGTH_MAX:
        return None
    try:
        return b64decode(given.strip(), validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


PROBLEMS: Final = (
    "missing_key", "invalid_key", "rate_limited", "store_unavailable", "parameter_invalid",
    "too_many_points", "field_required", "field_invalid", "plan_limit", "rule_invalid",
    "outcome_unknown", "read_only", "not_ready",
)  # fmt: skip

ROUTES: Final[tuple[Route[Any, Any], ...]] = (
    Route(
        "GET", "/a1/stats", "StatHat's command line: list the stats", None,
        {200: list[StatBrief]}, Nothing, Nothing, raw=partial(_respond, stats), problems=PROBLEMS,
    ),
    *(
        Route(
            "GET", path, "StatHat's command line: the buckets of a stat", None,
            {200: CommandDataset}, DatasetParams, Nothing, raw=partial(_respond, dataset),
            problems=PROBLEMS,
        )
        for path in ("/a1/stats/{id}/dataset", "/a1/stats/{id}/dataset_full")
    ),
    Route(
        "GET", "/a1/alerts", "StatHat's command line: list the alerts", None,
        {200: list[AlertEntry]}, Nothing, Nothing, raw=partial(_respond, alerts),
        problems=PROBLEMS,
    ),
    Route(
        "POST", "/a1/alerts", "StatHat's command line: make an alert", None,
        {200: AlertEntry}, Nothing, NewAlert, raw=partial(_respond, create_alert),
        problems=PROBLEMS, media=MEDIA, example=EXAMPLE,
    ),
    Route(
        "POST", "/a1/comments", "StatHat's command line: note what happened", None,
        {200: Message}, Nothing, Comment, raw=partial(_respond, comment),
        problems=PROBLEMS, media=MEDIA, example={"text": "deploy 4.2"},
    ),
)  # fmt: skip
