"""Stats: find, look at, rename, put into the trash and take out again."""

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from api.boards.kept import Boards
from api.http.callers import check_scope
from api.http.context import Context
from api.http.dates import date_text
from api.http.etags import ChangeHeaders, LookHeaders, tagged_reply, wanted_revision
from api.http.item import Name
from api.http.messages import Reply, reply
from api.http.people import check_proven
from api.http.problems import FieldError, Problem
from api.http.route import Call, Nothing, Route
from api.http.upkeep import purge
from api.http.wanted import stat_of
from api.query.reply import whole
from engine.ports import Damaged
from engine.stats import Kind, Stat, State, canonical_name, public_id
from engine.window import Newest
from storage.directory import KEPT
from storage.directory_search import PAGE_MAX, Sort

log = logging.getLogger("statflow.http")

UNIT_LIMIT: Final = 32
"""Characters of a unit."""


class ListParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`q`: part of a name, or a pattern with `*` and `?`; `next` of the page before is `cursor`."""

    q: Annotated[
        str | None,
        Meta(description="Part of the name, or a pattern of all of it.", examples=["page.*"]),
    ] = None
    type: Annotated[
        Literal["counter", "value"] | None, Meta(description="Only stats of this type.")
    ] = None
    state: Annotated[State, Meta(description="Those in use, or those in the trash.")] = "live"
    sort: Annotated[Sort, Meta(description="By name, or the latest active first.")] = "name"
    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(description="Stats on a page.", ge=1, le=PAGE_MAX)] = 100


class StatInfo(Struct, frozen=True):
    """A stat; `latest` is the value of its newest point and `last_point` when that was."""

    id: str
    name: str
    type: str
    unit: str | None
    percentiles: bool
    state: str
    created: str
    trashed: str | None
    last_point: str | None
    latest: int | float | None


class StatList(Struct, frozen=True):
    """One page of stats."""

    stats: list[StatInfo]
    next: str | None


class StatPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed; what is left out stays.

    `percentiles` false: none are counted from then on, and none are answered.
    """

    name: Name | UnsetType = UNSET
    unit: (
        Annotated[
            str | None,
            Meta(
                description="What is counted or measured, for people; null for none.",
                extra_json_schema={"maxLength": UNIT_LIMIT},
            ),
        ]
        | UnsetType
    ) = UNSET
    percentiles: bool | UnsetType = UNSET


class DeleteParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`purge`: for good, at once; with an admin key."""

    purge: Annotated[bool, Meta(description="For good; needs an admin key.")] = False


async def list_stats(call: Call[ListParams, Nothing]) -> Reply:
    """One page of the account's stats; what the key may not touch is left out."""
    params = call.params
    stats, following = await call.context.directory.search(
        call.caller.account,
        params.q,
        None if params.type is None else Kind(params.type),
        params.sort,
        params.cursor,
        params.limit,
        state=params.state,
        prefix=call.caller.prefix,
    )
    return call.json(200, StatList(await described(call.context, stats), following))


async def get_stat(call: Call[Nothing, Nothing]) -> Reply:
    """One stat."""
    return await _stat(call, stat_of(call.context, call.caller, call.ids["id"]))


async def change_stat(call: Call[Nothing, StatPatch]) -> Reply:
    """Rename a stat, or change what is known of it; dashboards and alerts follow its name."""
    stat, patch = stat_of(call.context, call.caller, call.ids["id"]), call.body
    name = None if patch.name is UNSET else patch.name
    if name is not None and not call.caller.may_touch(canonical_name(name)):
        raise _wrong("stat_name_prefix", "name", "the key may only use names with its prefix")
    unit = KEPT if patch.unit is UNSET else _checked_unit(patch.unit)
    percentiles = None if patch.percentiles is UNSET else patch.percentiles
    revision = wanted_revision(call.request)
    changed = await call.context.directory.change(stat.id, name, unit, percentiles, revision)
    if changed.name != stat.name:
        boards, now_ms = Boards(call.context.documents), call.context.clock.now_ms()
        await boards.rename(stat.account, stat.name, changed.name, now_ms)
    return await _stat(call, changed)


async def delete_stat(call: Call[DeleteParams, Nothing]) -> Reply:
    """Put a stat into the trash, or with `purge` forget it and all its points for good.

    A key that is there to send points must not be able to destroy them.
    """
    context = call.context
    stat = stat_of(context, call.caller, call.ids["id"])
    revision = wanted_revision(call.request)
    if not call.params.purge:
        return await _stat(call, await context.directory.trash(stat.id, revision))
    check_scope(call.caller, "admin")
    await check_proven(call)
    if revision not in {None, stat.revision}:
        raise Problem("precondition_failed")
    await purge(context.node, context.directory, stat)
    return reply(call.request.id, 204, b"text/plain", b"")


async def restore_stat(call: Call[Nothing, Nothing]) -> Reply:
    """Take a stat out of the trash, with all its points."""
    stat = stat_of(call.context, call.caller, call.ids["id"])
    return await _stat(call, await call.context.directory.restore(stat.id))


def _checked_unit(unit: str | None) -> str | None:
    if unit is not None and not (0 < len(unit) <= UNIT_LIMIT and unit.isprintable()):
        raise _wrong("field_invalid", "unit", f"1 to {UNIT_LIMIT} printable characters, or null")
    return unit


def _wrong(code: str, field: str, text: str) -> Problem:
    detail = f"{field}: {text}."
    return Problem(code, detail, [FieldError(code, detail, field=field)])


async def _stat(call: Call[Any, Any], stat: Stat) -> Reply:
    info = (await described(call.context, [stat]))[0]
    return tagged_reply(call.request, stat.revision, info)


async def described(context: Context, stats: Sequence[Stat]) -> list[StatInfo]:
    """Stats with their newest points; of a stat that cannot be read that is not known."""
    newest = await newest_points(context, stats)
    return [_info(stat, newest.get(stat.id)) for stat in stats]


async def newest_points(context: Context, stats: Sequence[Stat]) -> dict[int, Newest]:
    """The newest point of each stat that has one and can be read."""
    homes: dict[int, list[int]] = {}
    for stat in stats:
        homes.setdefault(stat.partition, []).append(stat.id)
    newest: dict[int, Newest] = {}
    for partition, ids in homes.items():
        try:
            newest |= await context.node.latest_with_imports(partition, ids)
        except Damaged:
            newest |= await _readable(context, partition, ids)
    return newest


async def _readable(context: Context, partition: int, stats: Sequence[int]) -> dict[int, Newest]:
    """The newest points, one by one: a damaged stat must not hide the others."""
    newest: dict[int, Newest] = {}
    for stat in stats:
        try:
            newest |= await context.node.latest_with_imports(partition, [stat])
        except Damaged as error:
            log.error("%s", error)
    return newest


def _info(stat: Stat, newest: Newest | None) -> StatInfo:
    return StatInfo(
        public_id(stat.id),
        stat.name,
        stat.kind.value,
        stat.unit,
        stat.percentiles,
        stat.state,
        date_text(stat.created_ms),
        None if stat.trashed_ms is None else date_text(stat.trashed_ms),
        None if newest is None else date_text(newest.at_ms),
        None if newest is None else whole(newest.value),
    )


CHANGE_PROBLEMS: Final = (
    "store_unavailable", "outcome_unknown", "overloaded", "read_only", "not_ready",
)  # fmt: skip

ROUTES: Final = (
    Route(
        "GET", "/v1/stats", "Find stats", "read",
        {200: StatList}, ListParams, Nothing, list_stats, problems=("cursor_invalid",),
        express=True,
    ),
    Route(
        "GET", "/v1/stats/{id}", "Look at a stat", "read",
        {200: StatInfo, 304: "application/json"}, Nothing, Nothing, get_stat, headers=LookHeaders,
    ),
    Route(
        "PATCH", "/v1/stats/{id}", "Change a stat", "write",
        {200: StatInfo}, Nothing, StatPatch, change_stat,
        problems=(
            "stat_name_length", "stat_name_chars", "stat_name_taken", "stat_name_prefix",
            "stat_in_trash", "precondition_failed", *CHANGE_PROBLEMS,
        ),
        headers=ChangeHeaders, example={"unit": "ms"},
    ),
    Route(
        "DELETE", "/v1/stats/{id}", "Throw a stat away", "write",
        {200: StatInfo, 204: "text/plain"}, DeleteParams, Nothing, delete_stat,
        problems=("precondition_failed", *CHANGE_PROBLEMS), headers=ChangeHeaders,
    ),
    Route(
        "POST", "/v1/stats/{id}/restore", "Take a stat out of the trash", "write",
        {200: StatInfo}, Nothing, Nothing, restore_stat, problems=CHANGE_PROBLEMS,
    ),
)  # fmt: skip
