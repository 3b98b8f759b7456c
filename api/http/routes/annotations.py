"""Annotations: what happened when. They stand on charts, and say what changed with them."""

from typing import Annotated, Any, Final

import trio
from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace

from api.http.context import Context
from api.http.dates import date_text
from api.http.messages import Reply, reply
from api.http.problems import Problem, wrong_field
from api.http.route import Call, Nothing, Route
from api.http.selected import named_stat
from api.notify.annotation import (
    HOLD_S_MAX,
    LINK_LENGTH_MAX,
    STATS_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    Annotation,
    faults,
)
from api.notify.annotations import Sought
from api.notify.ids import new_id
from api.notify.impact import Impact, impact_of, ordered
from api.notify.news import News
from api.notify.quiet import Quiet
from api.query.durations import parse_duration
from api.query.times import parse_range, parse_time, parse_zone
from engine.rollup import Rollups
from engine.rules import Kind
from engine.stats import public_id
from engine.tiers import M1
from storage.documents import TooManyDocuments

LIST_MAX: Final = 1_000
IMPACT_STATS_MAX: Final = 1_000
IMPACT_S_MAX: Final = 86_400
STATS_A_SLICE: Final = 50

Tag = Annotated[str, Meta(min_length=1, max_length=TAG_LENGTH_MAX)]


class NewAnnotation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happened `at` a time, or from then `until`; with `hold` (`10m`) delta rules are held
    back meanwhile. Without `stats` it concerns all of them.
    """

    title: Annotated[str, Meta(min_length=1, max_length=TITLE_LENGTH_MAX)]
    text: Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)] = ""
    tags: Annotated[list[Tag], Meta(max_length=TAGS_MAX)] = []
    at: str | int | float = "now"
    until: str | int | float | None = None
    stats: Annotated[list[str], Meta(max_length=STATS_MAX)] = []
    link: Annotated[str, Meta(max_length=LINK_LENGTH_MAX)] = ""
    hold: str | int | None = None


class AnnotationPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be changed; what is left out stays."""

    title: Annotated[str, Meta(min_length=1, max_length=TITLE_LENGTH_MAX)] | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)] | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=TAGS_MAX)] | UnsetType = UNSET
    at: str | int | float | UnsetType = UNSET
    until: str | int | float | UnsetType | None = UNSET
    stats: Annotated[list[str], Meta(max_length=STATS_MAX)] | UnsetType = UNSET
    link: Annotated[str, Meta(max_length=LINK_LENGTH_MAX)] | UnsetType = UNSET


class AnnotationInfo(Struct, frozen=True, kw_only=True):
    """An annotation; `t` is its time in epoch seconds."""

    id: str
    title: str
    text: str
    tags: list[str]
    t: float
    at: str
    until: str | None
    stats: list[str]
    link: str | None
    hold: str | None
    created: str


class AnnotationList(Struct, frozen=True):
    """One page of annotations, the newest first."""

    annotations: list[AnnotationInfo]
    next: str | None


class ListParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A range (`from`, `to` or `last`; the last 30 days), `tag` (several: all of them), `stat`.

    `tz` is the zone of times without one. At most `limit`; `next` of the page before is `cursor`.
    """

    from_: str | None = field(default=None, name="from")
    to: str | None = None
    last: str | None = None
    tag: tuple[str, ...] = ()
    stat: str | None = None
    tz: str = "UTC"
    cursor: str | None = None
    limit: int = 100


class ImpactParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`window`: how long before and after are compared; `limit`: of how many stats."""

    window: str = "1h"
    limit: int = 100


class ImpactTable(Struct, frozen=True, kw_only=True):
    """Before and after an annotation, what is furthest out of the ordinary first.

    `complete` is false while the time after it is not over yet; `stats_looked_at` is how many.
    """

    annotation: str
    window: str
    before_from: str
    after_until: str
    complete: bool
    stats_looked_at: int
    impacts: list[Impact]


async def create_annotation(call: Call[Nothing, NewAnnotation]) -> Reply:
    """Note what happened; live streams hear of it at once."""
    body, context, now_ms = call.body, call.context, call.context.clock.now_ms()
    at_ms = _time(body.at, "at", now_ms)
    until_ms = 0 if body.until is None else _time(body.until, "until", now_ms)
    annotation = Annotation(
        id=new_id("an"), account=call.caller.account, at_ms=at_ms, title=body.title,
        created_ms=now_ms, until_ms=until_ms, text=body.text,
        tags=tuple(dict.fromkeys(body.tags)), stats=_stats(call, body.stats), link=body.link,
        by=call.caller.key_id,
    )  # fmt: skip
    _check(annotation)
    if body.hold is not None:
        annotation = replace(annotation, hold=await _hold(call, annotation, body.hold))
    try:
        await context.office.annotations.put(annotation)
    except TooManyDocuments:
        raise Problem("plan_limit", "Too many annotations; remove some.") from None
    info = info_of(annotation)
    context.office.news.tell(call.caller.account, News("annotation", info))
    return call.json(201, info)


async def list_annotations(call: Call[ListParams, Nothing]) -> Reply:
    """What happened in a range."""
    params = call.params
    zone = parse_zone(params.tz)
    if not 1 <= params.limit <= LIST_MAX:
        raise wrong_field("limit", f"1 to {LIST_MAX}", "parameter_invalid")
    plain = params.from_ is None and params.last is None
    now_ms = call.context.clock.now_ms()
    # One that was announced is still to come.
    to = params.to or ("now+1y" if plain else None)
    span = parse_range("now-30d" if plain else params.from_, to, params.last, now_ms, zone)
    skip = _skip(params.cursor)
    stat = None if params.stat is None else named_stat(call.context, call.caller, params.stat).id
    sought = Sought(span.from_ms, span.to_ms + 1, params.tag, stat)
    found = await call.context.office.annotations.find(
        call.caller.account, sought, params.limit + 1, skip
    )
    following = str(skip + params.limit) if len(found) > params.limit else None
    shown = [info_of(one) for one in found[: params.limit]]
    return call.json(200, AnnotationList(shown, following))


async def get_annotation(call: Call[Nothing, Nothing]) -> Reply:
    """One annotation."""
    return call.json(200, info_of(await _annotation(call)))


async def change_annotation(call: Call[Nothing, AnnotationPatch]) -> Reply:
    """Change an annotation."""
    patch, now_ms = call.body, call.context.clock.now_ms()
    changed = await _annotation(call)
    for name in ("title", "text", "link"):
        if (value := getattr(patch, name)) is not UNSET:
            changed = replace(changed, **{name: value})
    if patch.tags is not UNSET:
        changed = replace(changed, tags=tuple(dict.fromkeys(patch.tags)))
    if patch.at is not UNSET:
        changed = replace(changed, at_ms=_time(patch.at, "at", now_ms))
    if patch.until is not UNSET:
        until_ms = 0 if patch.until is None else _time(patch.until, "until", now_ms)
        changed = replace(changed, until_ms=until_ms)
    if patch.stats is not UNSET:
        changed = replace(changed, stats=_stats(call, patch.stats))
    changed = replace(changed, revision=changed.revision + 1)
    _check(changed)
    await call.context.office.annotations.put(changed)
    info = info_of(changed)
    call.context.office.news.tell(call.caller.account, News("annotation", info))
    return call.json(200, info)


async def remove_annotation(call: Call[Nothing, Nothing]) -> Reply:
    """Forget an annotation; what it held back is held back no more."""
    annotation, office = await _annotation(call), call.context.office
    if annotation.hold:
        quiet = await office.quieting.get(annotation.account, annotation.hold)
        if quiet is not None:
            await office.quieting.end(quiet)
    await office.annotations.remove(annotation)
    return reply(call.request.id, 204, b"text/plain", b"")


async def impact(call: Call[ImpactParams, Nothing]) -> Reply:
    """Each stat before and after."""
    annotation, params = await _annotation(call), call.params
    span = parse_duration(params.window)
    if span is None or not 60_000 <= span.nominal_ms() <= IMPACT_S_MAX * 1000:
        raise wrong_field("window", "a duration from 1m to 1d", "parameter_invalid")
    if not 1 <= params.limit <= IMPACT_STATS_MAX:
        raise wrong_field("limit", f"1 to {IMPACT_STATS_MAX}", "parameter_invalid")
    now_s, window_s = call.context.clock.now_ms() // 1000, span.nominal_ms() // 1000
    at_s = M1.bucket(annotation.at_ms // 1000)
    end_s = max(at_s, M1.bucket(annotation.ends_ms // 1000))
    until_s = min(end_s + window_s, max(end_s, M1.bucket(now_s)))
    names = call.context.directory.names(call.caller.account)
    stats = [
        stat
        for stat in names.values()
        if stat.state == "live"
        and call.caller.may_touch(stat.name)
        and (not annotation.stats or stat.id in annotation.stats)
    ][:IMPACT_STATS_MAX]
    table = []
    for number, stat in enumerate(stats):
        before = await _read(call.context, stat.partition, stat.id, at_s - window_s, at_s)
        after = await _read(call.context, stat.partition, stat.id, end_s, until_s)
        steps = window_s // M1.width_s, (until_s - end_s) // M1.width_s
        found = impact_of(stat, before, after, *steps)
        if found.points_before or found.points_after:
            table.append(found)
        if number % STATS_A_SLICE == 0:
            await trio.lowlevel.checkpoint()
    return call.json(
        200,
        ImpactTable(
            annotation=annotation.id, window=params.window,
            before_from=date_text(1000 * (at_s - window_s)), after_until=date_text(1000 * until_s),
            complete=until_s == end_s + window_s, stats_looked_at=len(stats),
            impacts=ordered(table)[: params.limit],
        ),
    )  # fmt: skip


def info_of(annotation: Annotation) -> AnnotationInfo:
    """An annotation as it is shown."""
    return AnnotationInfo(
        id=annotation.id, title=annotation.title, text=annotation.text,
        tags=list(annotation.tags), t=annotation.at_ms / 1000, at=date_text(annotation.at_ms),
        until=date_text(annotation.until_ms) if annotation.until_ms else None,
        stats=[public_id(stat) for stat in annotation.stats], link=annotation.link or None,
        hold=annotation.hold or None, created=date_text(annotation.created_ms),
    )  # fmt: skip


async def _read(context: Context, partition: int, stat: int, from_s: int, to_s: int) -> Rollups:
    reading = await context.node.read(partition, stat, M1, from_s, max(from_s, to_s))
    return reading.rollups


async def _hold(
    call: Call[Nothing, NewAnnotation], annotation: Annotation, given: str | int
) -> str:
    """Hold the account's delta rules back; the id of the silence, empty when there are none."""
    span = parse_duration(str(given))
    if span is None or not 1_000 <= span.nominal_ms() <= HOLD_S_MAX * 1000:
        raise wrong_field("hold", "a duration such as 10m, at most a day")
    office = call.context.office
    deltas = [rule.id for rule in office.rulebook.of(annotation.account) if rule.kind is Kind.DELTA]
    until_ms = annotation.at_ms + span.nominal_ms()
    if not deltas or until_ms <= annotation.created_ms:
        return ""
    quiet = Quiet(
        id=new_id("si"), account=annotation.account, kind="annotation", from_ms=annotation.at_ms,
        until_ms=until_ms, created_ms=annotation.created_ms, alerts=tuple(deltas),
        stats=annotation.stats, note=annotation.title, by=annotation.by,
    )  # fmt: skip
    await office.quieting.create(quiet)
    return quiet.id


async def _annotation(call: Call[Any, Any]) -> Annotation:
    found = await call.context.office.annotations.get(call.caller.account, call.ids["id"])
    if found is None:
        raise Problem("not_found", "There is no such annotation.")
    return found


def _stats(call: Call[Any, Any], given: list[str]) -> tuple[int, ...]:
    stats = (named_stat(call.context, call.caller, text, "stats").id for text in given)
    return tuple(dict.fromkeys(stats))


def _check(annotation: Annotation) -> None:
    for name, text in faults(annotation):
        raise wrong_field(name, text)


def _time(given: str | float, name: str, now_ms: int) -> int:
    return parse_time(str(given), name, now_ms, parse_zone("UTC"))


def _skip(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 6):
        raise wrong_field("cursor", "what an earlier page had as its next", "cursor_invalid")
    return int(cursor)


_HOLD_PROBLEMS: Final = (
    "outcome_unknown", "overloaded", "read_only", "not_ready", "parameter_invalid",
)  # fmt: skip

ROUTES: Final = (
    Route(
        "POST", "/v1/annotations", "Note what happened", "write",
        {201: AnnotationInfo}, Nothing, NewAnnotation, create_annotation,
        problems=("plan_limit", *_HOLD_PROBLEMS),
    ),
    Route(
        "GET", "/v1/annotations", "See what happened", "read",
        {200: AnnotationList}, ListParams, Nothing, list_annotations,
        problems=("range_invalid", "cursor_invalid", "field_invalid"),
    ),
    Route(
        "GET", "/v1/annotations/{id}", "Look at an annotation", "read",
        {200: AnnotationInfo}, Nothing, Nothing, get_annotation,
    ),
    Route(
        "PATCH", "/v1/annotations/{id}", "Change an annotation", "write",
        {200: AnnotationInfo}, Nothing, AnnotationPatch, change_annotation,
        problems=("parameter_invalid",),
    ),
    Route(
        "DELETE", "/v1/annotations/{id}", "Remove an annotation", "write",
        {204: "text/plain"}, Nothing, Nothing, remove_annotation, problems=_HOLD_PROBLEMS,
    ),
    Route(
        "GET", "/v1/annotations/{id}/impact", "See what it changed", "read",
        {200: ImpactTable}, ImpactParams, Nothing, impact, problems=("not_ready",),
    ),
)  # fmt: skip
