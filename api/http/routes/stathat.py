"""StatHat's addresses, and the keys that its clients use here."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.messages import Reply
from api.http.people import check_proven, visit_of, who
from api.http.route import Call, Nothing, Route
from api.http.wanted import stat_of
from api.stathat.access import Access, Secret
from api.stathat.writing import StatHatReply, write_classic, write_ez

Number = Annotated[float | str | None, Meta(description="One of count and value.", examples=[1])]
SentTime = Annotated[float | str | None, Meta(description="Epoch seconds; without it, now.")]


class EzParams(Struct, frozen=True):
    """One point: `ezkey` says whose, `stat` of what; `id` makes a repeat count once.

    `email` is read in place of `ezkey`. `stat` may stand for several: `sent~total,female`.
    """

    ezkey: str | None = None
    email: str | None = None
    stat: str | None = None
    count: Number = None
    value: Number = None
    t: SentTime = None
    id: str | None = None


class EzPoint(Struct, frozen=True):
    """One of many points."""

    stat: str
    count: Number = None
    value: Number = None
    t: SentTime = None
    id: str | None = None


class EzBody(EzParams, frozen=True):
    """The same as a form or as JSON; in JSON `data` may have up to 1000 points."""

    data: list[EzPoint] | None = None


class ClassicParams(Struct, frozen=True):
    """One point: `ukey` is the user key, `key` that of the stat."""

    ukey: str | None = None
    key: str | None = None
    count: Number = None
    value: Number = None
    t: SentTime = None


class ClassicBody(ClassicParams, frozen=True):
    """The same as a form."""


class StatHatInfo(Struct, frozen=True):
    """The keys by which StatHat's clients know the account; `user_key` is for `/c` and `/v`."""

    ezkey: str
    access_token: str
    user_key: str
    enabled: bool
    emails: list[str]


class StatHatBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change: whether clients are let in, whether owners' addresses are EZ keys, too.

    Keys in `renew` are drawn anew, and the old ones end.
    """

    enabled: bool | UnsetType = UNSET
    email_as_ezkey: bool | UnsetType = UNSET
    renew: list[Literal["ezkey", "access_token", "user_key"]] = []


class StatKeys(Struct, frozen=True):
    """How classic clients name a stat."""

    key: str
    ukey: str


async def show(call: Call[Nothing, Nothing]) -> Reply:
    """The keys for StatHat's clients."""
    return call.json(200, _info(await call.context.stathat.of(call.caller.account)))


async def change(call: Call[Nothing, StatHatBody]) -> Reply:
    """Let clients in or not, let addresses be keys, draw keys anew."""
    await check_proven(call)
    account, wanted = call.caller.account, call.body
    emails: tuple[str, ...] | None = None
    if wanted.email_as_ezkey is not UNSET:
        emails = tuple(await call.context.desk.owners(account)) if wanted.email_as_ezkey else ()
    renew: frozenset[Secret] = frozenset(wanted.renew)
    enabled = None if wanted.enabled is UNSET else wanted.enabled
    changed = await call.context.stathat.change(
        account, enabled=enabled, emails=emails, renew=renew
    )
    about = ",".join(sorted(renew))
    await call.context.desk.note(
        [account], "stathat_changed", await who(call), visit_of(call), about
    )
    return call.json(200, _info(changed))


async def stat_keys(call: Call[Nothing, Nothing]) -> Reply:
    """The keys that a classic client sends to `/c` or `/v` for this stat."""
    stat = stat_of(call.context, call.caller, call.ids["id"])
    access = await call.context.stathat.of(call.caller.account)
    return call.json(200, StatKeys(access.stat_key(stat.id), access.secrets.user_key))


def _info(access: Access) -> StatHatInfo:
    secrets = access.secrets
    return StatHatInfo(
        secrets.ezkey, secrets.access_token, secrets.user_key, access.enabled, list(access.emails)
    )


MEDIA: Final = ("application/json", "application/x-www-form-urlencoded")
EZ_EXAMPLE: Final = {"ezkey": "ez_0", "data": [{"stat": "page view", "count": 2}]}
CLASSIC_EXAMPLE: Final = {"ukey": "uk_0", "key": "1-0", "count": 1}
TOLD: Final[dict[int, Any]] = {200: StatHatReply, 503: StatHatReply}

ROUTES: Final = (
    Route(
        "POST", "/ez", "StatHat: send points of stats by name", None,
        TOLD, EzParams, EzBody, raw=write_ez, body_required=False, media=MEDIA,
        example=EZ_EXAMPLE, express=True, by_characters=True,
    ),
    Route(
        "GET", "/ez", "StatHat: send a point of a stat by name", None,
        TOLD, EzParams, Nothing, raw=write_ez, express=True,
    ),
    Route(
        "POST", "/c", "StatHat: send a count by the key of its stat", None,
        TOLD, ClassicParams, ClassicBody, raw=write_classic, body_required=False, media=MEDIA,
        example=CLASSIC_EXAMPLE, express=True, by_characters=True,
    ),
    Route(
        "GET", "/c", "StatHat: send a count by the key of its stat", None,
        TOLD, ClassicParams, Nothing, raw=write_classic, express=True,
    ),
    Route(
        "POST", "/v", "StatHat: send a value by the key of its stat", None,
        TOLD, ClassicParams, ClassicBody, raw=write_classic, body_required=False, media=MEDIA,
        example=CLASSIC_EXAMPLE, express=True, by_characters=True,
    ),
    Route(
        "GET", "/v", "StatHat: send a value by the key of its stat", None,
        TOLD, ClassicParams, Nothing, raw=write_classic, express=True,
    ),
    Route(
        "GET", "/v1/stathat", "The keys for StatHat's clients", "admin",
        {200: StatHatInfo}, Nothing, Nothing, show,
    ),
    Route(
        "PATCH", "/v1/stathat", "Change what StatHat's clients may, and their keys", "admin",
        {200: StatHatInfo}, Nothing, StatHatBody, change,
        problems=("email_taken", "reauthentication_required"), example={"enabled": True},
    ),
    Route(
        "GET", "/v1/stats/{id}/stathat", "The keys of a stat for StatHat's classic clients",
        "admin", {200: StatKeys}, Nothing, Nothing, stat_keys,
    ),
)  # fmt: skip
