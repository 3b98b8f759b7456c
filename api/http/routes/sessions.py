"""Who one is here, where one is logged in, and the second factor of log-in."""

from typing import Final

from msgspec import UNSET, Struct, UnsetType

from api.accounts import second_factor
from api.accounts.logging_in import end_sessions
from api.accounts.membership import switch_account
from api.accounts.records import Role
from api.accounts.sessions import PROVEN_MS, csrf_of
from api.http.dates import date_text
from api.http.messages import Reply
from api.http.people import AnyCall, check_proven, done, seat_of, user_id, visit_of
from api.http.problems import Problem
from api.http.route import Call, Nothing, Route


class UserInfo(Struct, frozen=True):
    """A person."""

    id: str
    email: str
    verified: bool
    totp: bool


class AccountInfo(Struct, frozen=True):
    """An account that one is a member of."""

    id: int
    name: str


class SessionInfo(Struct, frozen=True):
    """Who is logged in, in which account, as what.

    `csrf` goes into the header X-CSRF-Token of whatever changes anything. Until `proven_until` what
    needs the password may be done.
    """

    user: UserInfo
    account: AccountInfo | None
    role: Role | None
    accounts: list[AccountInfo]
    csrf: str
    proven_until: str


class SessionPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """The account to look at from now on."""

    account: int | UnsetType = UNSET


class SessionItem(Struct, frozen=True):
    """One log-in; `address` is the network that it came from."""

    id: str
    created: str
    last_used: str
    address: str
    agent: str
    current: bool


class SessionList(Struct, frozen=True):
    """Where one is logged in, the latest first."""

    sessions: list[SessionItem]
    next: str | None = None


class TotpSecret(Struct, frozen=True):
    """For an authenticator app, this once; `uri` is what a QR code would hold."""

    secret: str
    uri: str


class TotpCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The code that the app shows."""

    code: str


class RecoveryCodes(Struct, frozen=True):
    """For when the app is lost, shown this once; each is good once."""

    recovery_codes: list[str]


async def session(call: AnyCall) -> Reply:
    """Who one is."""
    context, seat = call.context, await seat_of(call)
    user = await context.desk.user(user_id(call.caller))
    accounts = []
    for number in user.record.accounts:
        found = await context.desk.catalog.account(number)
        if found is not None:
            accounts.append(AccountInfo(found.id, found.name))
    totp = user.record.totp
    info = UserInfo(
        user.id, user.record.email, user.record.verified, totp is not None and totp.active
    )
    here = next((one for one in accounts if one.id == seat.session.account), None)
    token = context.cookies.session_of(call.request)
    assert token is not None, "BUG: a session without a cookie"
    proven_until = date_text(seat.session.proven_ms + PROVEN_MS)
    return call.json(
        200, SessionInfo(info, here, seat.role, accounts, csrf_of(token), proven_until)
    )


async def change_session(call: Call[Nothing, SessionPatch]) -> Reply:
    """Look at another account."""
    if call.body.account is not UNSET:
        await switch_account(
            call.context.desk, user_id(call.caller), call.caller.digest, call.body.account
        )
    return await session(call)


async def list_sessions(call: Call[Nothing, Nothing]) -> Reply:
    """Where one is logged in."""
    kept = await call.context.desk.sessions.presence(user_id(call.caller))
    now_ms = call.context.clock.now_ms()
    living = [one for one in kept.record.sessions if one.ends_ms(one.seen_ms) > now_ms]
    items = [
        SessionItem(
            one.id, date_text(one.created_ms), date_text(one.seen_ms), one.address, one.agent,
            one.digest == call.caller.digest,
        )
        for one in sorted(living, key=lambda one: (one.seen_ms, one.id), reverse=True)
    ]  # fmt: skip
    return call.json(200, SessionList(items))


async def end_one(call: Call[Nothing, Nothing]) -> Reply:
    """End one session; its streams end within a second."""
    desk, user = call.context.desk, user_id(call.caller)
    if not await end_sessions(desk, user, only=call.ids["id"]):
        raise Problem("not_found", "There is no such session.")
    record = (await desk.user(user)).record
    await desk.note(record.accounts, "sessions_revoked", record.email, visit_of(call), "1")
    return done(call)


async def end_others(call: Call[Nothing, Nothing]) -> Reply:
    """End every session but this one."""
    desk, user = call.context.desk, user_id(call.caller)
    ended = await end_sessions(desk, user, but=call.caller.digest)
    record = (await desk.user(user)).record
    await desk.note(record.accounts, "sessions_revoked", record.email, visit_of(call), str(ended))
    return done(call)


async def enrol(call: Call[Nothing, Nothing]) -> Reply:
    """Get a secret for an authenticator app; nothing changes until its first code is confirmed."""
    await check_proven(call)
    made = await second_factor.enrol(call.context.desk, user_id(call.caller))
    return call.json(201, TotpSecret(made.secret, made.uri))


async def confirm(call: Call[Nothing, TotpCode]) -> Reply:
    """Switch the second factor on with a first code."""
    await check_proven(call)
    codes = await second_factor.switch_on(
        call.context.desk, user_id(call.caller), call.body.code, visit_of(call)
    )
    return call.json(200, RecoveryCodes(list(codes)))


async def disable(call: Call[Nothing, Nothing]) -> Reply:
    """Switch the second factor off."""
    await check_proven(call)
    await second_factor.switch_off(call.context.desk, user_id(call.caller), visit_of(call))
    return done(call)


PROVEN: Final = ("reauthentication_required", "overloaded")

ROUTES: Final = (
    Route(
        "GET", "/v1/auth/session", "Who is logged in", "person",
        {200: SessionInfo}, Nothing, Nothing, session,
    ),
    Route(
        "PATCH", "/v1/auth/session", "Look at another account", "person",
        {200: SessionInfo}, Nothing, SessionPatch, change_session, problems=("overloaded",),
    ),
    Route(
        "GET", "/v1/auth/sessions", "Where one is logged in", "person",
        {200: SessionList}, Nothing, Nothing, list_sessions,
    ),
    Route(
        "DELETE", "/v1/auth/sessions", "End every other session", "person",
        {204: "text/plain"}, Nothing, Nothing, end_others, problems=("overloaded",),
    ),
    Route(
        "DELETE", "/v1/auth/sessions/{id}", "End one session", "person",
        {204: "text/plain"}, Nothing, Nothing, end_one, problems=("overloaded",),
    ),
    Route(
        "POST", "/v1/auth/totp", "Get a secret for an authenticator app", "person",
        {201: TotpSecret}, Nothing, Nothing, enrol, problems=(*PROVEN, "totp_active"),
    ),
    Route(
        "POST", "/v1/auth/totp/confirm", "Ask for codes at log-in", "person",
        {200: RecoveryCodes}, Nothing, TotpCode, confirm,
        problems=(*PROVEN, "totp_active", "wrong_code"),
    ),
    Route(
        "DELETE", "/v1/auth/totp", "Ask for no codes any more", "person",
        {204: "text/plain"}, Nothing, Nothing, disable, problems=PROVEN,
    ),
)  # fmt: skip
