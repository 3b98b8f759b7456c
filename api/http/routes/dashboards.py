"""Dashboards: make, read, replace, duplicate, forget; and their shares.

A board is replaced as a whole. Whoever sends the version they saw (`If-Match`) overwrites nobody.
"""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from api.accounts.keys import Permission
from api.boards.board import VARIABLES_MAX, Board, faults
from api.boards.kept import SHARES_MAX, Boards, KeptBoard, KeptShare, ShareRecord
from api.http.dates import date_ms, date_text
from api.http.etags import ChangeHeaders, LookHeaders, tagged_reply, wanted_revision
from api.http.messages import Reply, reply
from api.http.problems import FieldError, Problem
from api.http.route import B, Call, Nothing, P, Route
from storage.documents import DOCUMENTS_MAX, Conflict, TooManyDocuments

EDIT: Final[Permission] = "edit"
"""What changing boards needs; a key that only sends points must not be able to."""

ORIGINS_MAX: Final = 20


class BoardInfo(Struct, frozen=True):
    """A board in a list."""

    id: str
    title: str
    panels: int
    created: str
    changed: str


class BoardList(Struct, frozen=True):
    """The boards of the account, the last changed first."""

    dashboards: list[BoardInfo]
    next: str | None = None


class BoardReply(Struct, frozen=True):
    """A whole board; `version` is what `If-Match` takes, in quotes."""

    id: str
    version: int
    created: str
    changed: str
    board: Board


class ShareBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Until when a link works, which variables it holds fast, which sites may frame the board."""

    expires: str | int | float | None = None
    variables: Annotated[
        dict[str, Annotated[str, Meta(max_length=255)]], Meta(max_length=VARIABLES_MAX)
    ] = {}
    origins: Annotated[
        tuple[Annotated[str, Meta(max_length=255)], ...], Meta(max_length=ORIGINS_MAX)
    ] = ()


class ShareInfo(Struct, frozen=True):
    """A share; its link was told when it was made."""

    id: str
    created: str
    expires: str | None
    variables: dict[str, str]
    origins: list[str]
    views: int


class NewShare(ShareInfo, frozen=True):
    """A new share; `url` is shown this once, `embed_url` where somebody may frame it."""

    token: str
    url: str
    embed_url: str | None


class ShareList(Struct, frozen=True):
    """The shares of a board, the oldest first."""

    shares: list[ShareInfo]
    next: str | None = None


async def list_boards(call: Call[Nothing, Nothing]) -> Reply:
    """The boards of the account."""
    found = await _boards(call).all(call.caller.account, call.context.clock.now_ms())
    return call.json(200, BoardList([_info(one) for one in found]))


async def create_board(call: Call[Nothing, Board]) -> Reply:
    """Make a board."""
    check(call.body)
    account, now_ms = call.caller.account, call.context.clock.now_ms()
    amount = len(await _boards(call).all(account, now_ms))
    call.context.allowances.of(account).check("dashboards", amount)
    try:
        kept = await _boards(call).create(account, call.body, now_ms)
    except TooManyDocuments:
        raise Problem("plan_limit", f"At most {DOCUMENTS_MAX} boards.") from None
    return _sent(call, 201, kept)


async def get_board(call: Call[Nothing, Nothing]) -> Reply:
    """One board."""
    return _sent(call, 200, await _board(call))


async def replace_board(call: Call[Nothing, Board]) -> Reply:
    """Write a board over what it was."""
    check(call.body)
    kept = await _board(call)
    expected = wanted_revision(call.request)
    try:
        now_ms = call.context.clock.now_ms()
        kept = await _boards(call).replace(kept, call.body, expected, now_ms)
    except Conflict:
        raise _changed() from None
    return _sent(call, 200, kept)


async def delete_board(call: Call[Nothing, Nothing]) -> Reply:
    """Forget a board; its links end with it."""
    kept = await _board(call)
    try:
        expected = wanted_revision(call.request)
        await _boards(call).forget(kept, expected, call.context.clock.now_ms())
    except Conflict:
        raise _changed() from None
    return reply(call.request.id, 204, b"text/plain", b"")


async def list_shares(call: Call[Nothing, Nothing]) -> Reply:
    """Who may look at a board from outside."""
    kept = await _board(call)
    now_ms = call.context.clock.now_ms()
    found = await _boards(call).shares(kept.account, kept.id, now_ms)
    return call.json(200, ShareList([_share_info(one) for one in found]))


async def create_share(call: Call[Nothing, ShareBody]) -> Reply:
    """Make a link that shows a board to whoever has it."""
    wanted, kept = call.body, await _board(call)
    now_ms = call.context.clock.now_ms()
    known = {variable.name for variable in kept.record.board.variables}
    for name in wanted.variables:
        if name not in known:
            raise _wrong("variables", f"the board has no variable {name[:32]}")
    origins = tuple(_origin(text) for text in wanted.origins)
    expires_ms = None if wanted.expires is None else date_ms(wanted.expires, "expires")
    if expires_ms is not None and expires_ms <= now_ms:
        raise _wrong("expires", "a moment that is still to come")
    boards = _boards(call)
    if len(await boards.shares(kept.account, kept.id, now_ms)) >= SHARES_MAX:
        raise Problem("plan_limit", f"At most {SHARES_MAX} links to a board; revoke one.")
    record = ShareRecord(kept.id, now_ms, dict(wanted.variables), origins)
    try:
        share, token = await boards.share(kept.account, record, expires_ms, now_ms)
    except TooManyDocuments:
        raise Problem("plan_limit", f"At most {DOCUMENTS_MAX} links; revoke one.") from None
    info = _share_info(share)
    base = call.context.public_url
    body = NewShare(
        info.id, info.created, info.expires, info.variables, info.origins, info.views,
        token, f"{base}/p/{token}", f"{base}/e/{token}" if origins else None,
    )  # fmt: skip
    return call.json(201, body)


async def revoke_share(call: Call[Nothing, Nothing]) -> Reply:
    """Take a link back; it ends at once."""
    kept = await _board(call)
    now_ms = call.context.clock.now_ms()
    if not await _boards(call).revoke(kept.account, kept.id, call.ids["share"], now_ms):
        raise Problem("not_found", "There is no such link.")
    return reply(call.request.id, 204, b"text/plain", b"")


def check(board: Board) -> None:
    """Raise Problem when a board cannot be kept."""
    errors = [
        FieldError("field_invalid", f"{field}: {text}.", field=field)
        for field, text in faults(board)
    ]
    if errors:
        raise Problem("field_invalid", errors[0].message, errors)


def _boards(call: Call[P, B]) -> Boards:
    return Boards(call.context.documents)


async def _board(call: Call[P, B]) -> KeptBoard:
    now_ms = call.context.clock.now_ms()
    found = await _boards(call).get(call.caller.account, call.ids["id"], now_ms)
    if found is None:
        raise Problem("not_found", "There is no such dashboard.")
    return found


def _sent(call: Call[P, B], status: int, kept: KeptBoard) -> Reply:
    record = kept.record
    created, changed = date_text(record.created_ms), date_text(record.changed_ms)
    body = BoardReply(kept.id, kept.version, created, changed, record.board)
    return tagged_reply(call.request, kept.version, body, status)


def _info(kept: KeptBoard) -> BoardInfo:
    record = kept.record
    return BoardInfo(
        kept.id,
        record.board.title,
        len(record.board.panels),
        date_text(record.created_ms),
        date_text(record.changed_ms),
    )


def _share_info(kept: KeptShare) -> ShareInfo:
    record = kept.record
    return ShareInfo(
        kept.id,
        date_text(record.created_ms),
        None if kept.expires_ms is None else date_text(kept.expires_ms),
        record.variables,
        list(record.origins),
        record.views,
    )


def _origin(text: str) -> str:
    """An origin as a policy takes it; Problem when it is none."""
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    host = parts.hostname or ""
    plain = re.fullmatch(r"[a-z0-9.-]{1,253}", host) is not None
    whole = f"{parts.scheme}://{host}{port}"
    if parts.scheme not in {"http", "https"} or not plain or text.lower().rstrip("/") != whole:
        raise _wrong("origins", "each like https://www.example.com")
    return whole


def _changed() -> Problem:
    return Problem("precondition_failed", "Somebody changed it meanwhile: read it again.")


def _wrong(field: str, text: str) -> Problem:
    detail = f"{field}: {text}."
    return Problem("field_invalid", detail, [FieldError("field_invalid", detail, field=field)])


WRITING: Final = ("store_unavailable", "outcome_unknown")

ROUTES: Final = (
    Route(
        "GET", "/v1/dashboards", "List the dashboards", "read",
        {200: BoardList}, Nothing, Nothing, list_boards,
    ),
    Route(
        "POST", "/v1/dashboards", "Make a dashboard", EDIT,
        {201: BoardReply}, Nothing, Board, create_board, problems=("plan_limit", *WRITING),
        example={"title": "Shop"},
    ),
    Route(
        "GET", "/v1/dashboards/{id}", "Read a dashboard", "read",
        {200: BoardReply, 304: "application/json"}, Nothing, Nothing, get_board,
        headers=LookHeaders,
    ),
    Route(
        "PUT", "/v1/dashboards/{id}", "Replace a dashboard", EDIT,
        {200: BoardReply}, Nothing, Board, replace_board,
        problems=("precondition_failed", *WRITING), headers=ChangeHeaders,
        example={"title": "Shop"},
    ),
    Route(
        "DELETE", "/v1/dashboards/{id}", "Forget a dashboard", EDIT,
        {204: "text/plain"}, Nothing, Nothing, delete_board,
        problems=("precondition_failed", *WRITING), headers=ChangeHeaders,
    ),
    Route(
        "GET", "/v1/dashboards/{id}/shares", "List the links to a dashboard", EDIT,
        {200: ShareList}, Nothing, Nothing, list_shares,
    ),
    Route(
        "POST", "/v1/dashboards/{id}/shares", "Make a link to a dashboard", EDIT,
        {201: NewShare}, Nothing, ShareBody, create_share, problems=("plan_limit", *WRITING),
        example={"origins": ["https://www.example.com"]},
    ),
    Route(
        "DELETE", "/v1/dashboards/{id}/shares/{share}", "Take a link back", EDIT,
        {204: "text/plain"}, Nothing, Nothing, revoke_share, problems=WRITING,
    ),
)  # fmt: skip
