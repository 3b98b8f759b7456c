"""Ping addresses: made with a key, called by anybody who knows them, as healthchecks does."""

from typing import Any, Final

from msgspec import Struct

from api.http.dates import date_text
from api.http.messages import Reply, reply
from api.http.problems import Problem, wrong_field
from api.http.route import Call, Nothing, Route
from api.http.selected import named_stat
from api.notify.ping import NAME_LENGTH_MAX, PINGS_MAX, TOKEN, Ping, signal_of
from engine.stats import Kind, public_id

TEXT: Final = b"text/plain; charset=utf-8"


class NewPing(Struct, frozen=True, forbid_unknown_fields=True):
    """An address for a job: `stat` (a name, or an id) counts how often it was done."""

    stat: str
    name: str | None = None


class PingInfo(Struct, frozen=True, kw_only=True):
    """An address: `url` when done, `url`/start when it begins, `url`/fail when it failed."""

    id: str
    name: str
    url: str
    stat: str
    seconds: str
    created: str


class PingList(Struct, frozen=True):
    """The addresses of the account, the oldest first."""

    pings: list[PingInfo]
    next: str | None = None


class PingParams(Struct, frozen=True):
    """`signal` in the path: `start`, `fail`, or an exit code. What else is sent is passed over."""


async def create_ping(call: Call[Nothing, NewPing]) -> Reply:
    """Make an address; its stat is made if there is none."""
    context, caller, body = call.context, call.caller, call.body
    pings = context.office.pings
    name = (body.name or body.stat).strip()
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise wrong_field("name", f"1 to {NAME_LENGTH_MAX} printable characters")
    if len(await pings.all(caller.account)) >= PINGS_MAX:
        raise Problem("plan_limit", f"At most {PINGS_MAX} ping addresses; remove one.")
    if not body.stat.startswith("st_") and caller.may_touch(body.stat):
        await context.directory.register(caller.account, {body.stat: Kind.COUNTER})
    stat = named_stat(context, caller, body.stat)
    if stat.kind is not Kind.COUNTER:
        raise wrong_field("stat", "a counter: every call adds one")
    ping, _ = await pings.create(caller.account, name, stat)
    return call.json(201, _info(call, ping))


async def list_pings(call: Call[Nothing, Nothing]) -> Reply:
    """The addresses of the account; whoever sees them can call them."""
    pings = await call.context.office.pings.all(call.caller.account)
    return call.json(200, PingList([_info(call, ping) for ping in pings]))


async def remove_ping(call: Call[Nothing, Nothing]) -> Reply:
    """Forget an address; its stat stays."""
    ping = await call.context.office.pings.get(call.caller.account, call.ids["id"])
    if ping is None:
        raise Problem("not_found", "There is no such ping address.")
    await call.context.office.pings.remove(ping)
    return reply(call.request.id, 204, b"text/plain", b"")


async def ping(call: Call[PingParams, Nothing]) -> Reply:
    """A job says how it goes; whatever it sends along is not looked at."""
    token, pings = call.ids["token"], call.context.office.pings
    signal = signal_of(call.ids.get("signal"))
    found = await pings.find(token) if TOKEN.fullmatch(token) else None
    if found is None or signal is None or not await pings.call(found, signal):
        raise Problem("not_found", "There is no such ping address.")
    return reply(call.request.id, 200, TEXT, b"OK")


def _info(call: Call[Any, Any], ping: Ping) -> PingInfo:
    token = call.context.office.pings.token_of(ping)
    return PingInfo(
        id=ping.id, name=ping.name, url=f"{call.context.public_url}/ping/{token}",
        stat=public_id(ping.stat), seconds=public_id(ping.seconds),
        created=date_text(ping.created_ms),
    )  # fmt: skip


_PROBLEMS: Final = (
    "store_unavailable", "outcome_unknown", "overloaded", "read_only", "not_ready",
)  # fmt: skip

ROUTES: Final[tuple[Route[Any, Any], ...]] = (
    Route(
        "POST", "/v1/pings", "Make a ping address", "edit",
        {201: PingInfo}, Nothing, NewPing, create_ping,
        problems=("plan_limit", "stat_name_length", "stat_name_chars", *_PROBLEMS),
    ),
    Route(
        "GET", "/v1/pings", "List the ping addresses", "edit",
        {200: PingList}, Nothing, Nothing, list_pings,
    ),
    Route(
        "DELETE", "/v1/pings/{id}", "Remove a ping address", "edit",
        {204: "text/plain"}, Nothing, Nothing, remove_ping,
    ),
    *(
        Route(
            method, path, summary, None,
            {200: "text/plain"}, PingParams, Nothing, ping, problems=_PROBLEMS,
        )
        for path, summary in (
            ("/ping/{token}", "A job is done"),
            ("/ping/{token}/{signal}", "A job began, failed, or ended with an exit code"),
        )
        for method in ("GET", "POST")
    ),
)  # fmt: skip
