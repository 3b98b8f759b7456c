"""API keys: make, list, revoke. A key that may do this may make any key of its account."""

from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import asdict

from api.accounts.audit import Event
from api.accounts.keys import Scope
from api.accounts.new_key import KeyFault
from api.http.dates import date_ms, date_text
from api.http.messages import Reply
from api.http.people import AnyCall, check_proven, done, visit_of, who
from api.http.problems import FieldError, Problem
from api.http.route import Call, Nothing, Route
from storage.catalog import ACCOUNT_KEYS_MAX, KeyRecord, TooManyKeys


class NewKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the key may do, to which stats (names begin with `prefix`), from where, and how long."""

    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=3)]
    name: Annotated[str, Meta(description="For people.", examples=["ci"])] = ""
    prefix: Annotated[
        str | None,
        Meta(description="How the names of the key's stats begin.", examples=["web."]),
    ] = None
    expires: Annotated[
        str | int | float | None,
        Meta(description="Epoch seconds, or ISO 8601 with a zone.", examples=[1893456000]),
    ] = None
    allow_from: Annotated[
        list[str],
        Meta(description="Networks from which the key is used.", examples=[["10.0.0.0/8"]]),
    ] = []


class KeyInfo(Struct, frozen=True):
    """A key as it is listed; its secret is not known here, only how it ends."""

    id: str
    name: str
    scopes: list[str]
    prefix: str | None
    last4: str
    created: str
    expires: str | None
    last_used: str | None
    allow_from: list[str]


class CreatedKey(KeyInfo, frozen=True):
    """A new key; `key` is shown this once."""

    key: str


class KeyList(Struct, frozen=True):
    """The keys of the account, the oldest first."""

    keys: list[KeyInfo]
    next: str | None = None


async def create_key(call: Call[Nothing, NewKeyBody]) -> Reply:
    """Make a key."""
    wanted = call.body
    if "admin" in wanted.scopes:
        await check_proven(call)
    expires_ms = None if wanted.expires is None else date_ms(wanted.expires, "expires")
    try:
        made = await call.context.keyring.create(
            call.caller.account, wanted.name, wanted.scopes, wanted.prefix, expires_ms,
            wanted.allow_from,
        )  # fmt: skip
    except KeyFault as fault:
        text = f"{fault.field}: {fault}."
        raise Problem(fault.code, text, [FieldError(fault.code, text, field=fault.field)]) from None
    except TooManyKeys:
        raise Problem("plan_limit", f"At most {ACCOUNT_KEYS_MAX} keys; revoke one.") from None
    await _note(call, "key_made", f"{made.record.id} {','.join(made.record.scopes)}")
    info = asdict(_info(made.record))
    return call.json(201, CreatedKey(**info, key=made.secret))


async def list_keys(call: Call[Nothing, Nothing]) -> Reply:
    """The keys of the account."""
    records = await call.context.keyring.keys(call.caller.account)
    return call.json(200, KeyList([_info(record) for record in records]))


async def revoke_key(call: Call[Nothing, Nothing]) -> Reply:
    """Take a key away; streams that were opened with it end within a second."""
    if not await call.context.keyring.revoke(call.caller.account, call.ids["id"]):
        raise Problem("not_found", "There is no such key.")
    await _note(call, "key_revoked", call.ids["id"])
    return done(call)


async def _note(call: AnyCall, event: Event, about: str) -> None:
    desk = call.context.desk
    await desk.note([call.caller.account], event, await who(call), visit_of(call), about)


def _info(record: KeyRecord) -> KeyInfo:
    return KeyInfo(
        record.id,
        record.name,
        list(record.scopes),
        record.prefix,
        record.last4,
        date_text(record.created_ms),
        None if record.expires_ms is None else date_text(record.expires_ms),
        None if record.used_ms is None else date_text(record.used_ms),
        list(record.allow_from),
    )


ROUTES: Final = (
    Route(
        "POST", "/v1/auth/api-keys", "Make a key", "admin",
        {201: CreatedKey}, Nothing, NewKeyBody, create_key,
        problems=("plan_limit", "reauthentication_required"),
        example={"name": "ci", "scopes": ["write"]},
    ),
    Route(
        "GET", "/v1/auth/api-keys", "List the keys", "admin",
        {200: KeyList}, Nothing, Nothing, list_keys,
    ),
    Route(
        "DELETE", "/v1/auth/api-keys/{id}", "Revoke a key", "admin",
        {204: "text/plain"}, Nothing, Nothing, revoke_key,
    ),
)  # fmt: skip
