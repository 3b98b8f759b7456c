"""Signing up, logging in and out, and every way back in."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from api.accounts import recovery, signing_up
from api.accounts.logging_in import Credentials, confirm_password, end_sessions, log_in
from api.accounts.sessions import Entered, csrf_of
from api.accounts.signing_up import Newcomer
from api.http.messages import Reply
from api.http.people import AnyCall, check_proven, done, door, user_id, visit_of
from api.http.route import Call, Nothing, Route

PASSWORD_BYTES_MAX: Final = 4_096
"""Characters of a password in a request; the rules say what it may be, this that it is one."""

Text = Annotated[str, Meta(max_length=PASSWORD_BYTES_MAX)]

OPEN: Final = ("email", "rate_limited", "overloaded", "insecure_transport", "csrf")
PROOF: Final = (*OPEN, "wrong_credentials", "totp_required", "wrong_code")
CHOICE: Final = (*OPEN, "password")


class SignUpBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An address, a password of 8 to 256 characters, and how the account is to be called."""

    email: Text
    password: Text
    name: Text = ""


class LogInBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`code` is that of an authenticator app, or a recovery code, where one was set up."""

    email: Text
    password: Text
    code: Text | None = None


class ProofBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The password once more, and the code where log-in asks for one."""

    password: Text
    code: Text | None = None


class PasswordBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The password as it is and as it is to be."""

    password: Text
    new_password: Text
    code: Text | None = None


class EmailBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An address that gets a link."""

    email: Text


class TokenBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands behind `#token=` in a link."""

    token: Text


class ResetBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The token of a link, and the new password."""

    token: Text
    password: Text


class JoinBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The token of a link, and who joins: somebody new, or with the password they have."""

    token: Text
    email: Text
    password: Text


class LoggedIn(Struct, frozen=True):
    """A session has begun; `csrf` is the header X-CSRF-Token of whatever changes anything."""

    user: str
    account: int | None
    csrf: str


class Sent(Struct, frozen=True):
    """Perhaps a mail was sent."""

    status: str = "check your mail"


class Confirmed(Struct, frozen=True):
    """The address is confirmed."""

    status: str = "confirmed"


async def sign_up(call: Call[Nothing, SignUpBody]) -> Reply:
    """Make a person and an account; where addresses are confirmed, only a mail is sent."""
    desk, visit = door(call)
    given = call.body
    entered = await signing_up.sign_up(
        desk, Newcomer(given.email, given.password, given.name), visit
    )
    return call.json(202, Sent()) if entered is None else entered_reply(call, 201, entered)


async def start_session(call: Call[Nothing, LogInBody]) -> Reply:
    """Log in; a session that came along is replaced."""
    desk, visit = door(call)
    given = Credentials(call.body.email, call.body.password, call.body.code)
    return entered_reply(call, 200, await log_in(desk, given, visit))


async def end_session(call: Call[Nothing, Nothing]) -> Reply:
    """Log out; the cookie is worthless from now on."""
    desk, user = call.context.desk, user_id(call.caller)
    await end_sessions(desk, user, only=call.caller.key_id)
    record = (await desk.user(user)).record
    await desk.note(record.accounts, "log_out", record.email, visit_of(call))
    return done(call, headers=call.context.cookies.left())


async def reauthenticate(call: Call[Nothing, ProofBody]) -> Reply:
    """Give the password once more: for ten minutes what needs it may be done."""
    desk, user = call.context.desk, user_id(call.caller)
    email = (await desk.user(user)).record.email
    given = Credentials(email, call.body.password, call.body.code)
    await confirm_password(desk, user, call.caller.digest, given, visit_of(call))
    return done(call)


async def change_password(call: Call[Nothing, PasswordBody]) -> Reply:
    """Choose another password; all sessions end but this one, which gets a new cookie."""
    desk, body = call.context.desk, call.body
    email = (await desk.user(user_id(call.caller))).record.email
    given = Credentials(email, body.password, body.code)
    entered = await recovery.change_password(desk, given, body.new_password, visit_of(call))
    return entered_reply(call, 200, entered)


async def ask_for_reset(call: Call[Nothing, EmailBody]) -> Reply:
    """Send a link for a new password, if there is such an address."""
    desk, visit = door(call)
    await recovery.ask_for_reset(desk, call.body.email, visit)
    return call.json(202, Sent())


async def reset_password(call: Call[Nothing, ResetBody]) -> Reply:
    """Choose a new password with a link; every session ends."""
    desk, visit = door(call)
    await recovery.reset_password(desk, call.body.token, call.body.password, visit)
    return done(call)


async def ask_for_change(call: Call[Nothing, EmailBody]) -> Reply:
    """Send a link to the address that one has, or wants to have."""
    await check_proven(call)
    await recovery.ask_for_change(
        call.context.desk, user_id(call.caller), call.body.email, visit_of(call)
    )
    return call.json(202, Sent())


async def verify(call: Call[Nothing, TokenBody]) -> Reply:
    """Open the link of a mail: an account is made, or an address is confirmed."""
    desk, visit = door(call)
    entered = await signing_up.confirm_mail(desk, call.body.token, visit)
    return call.json(200, Confirmed()) if entered is None else entered_reply(call, 201, entered)


async def claim(call: Call[Nothing, JoinBody]) -> Reply:
    """Become an owner of the first account with the link that the first start printed."""
    desk, visit = door(call)
    given = Newcomer(call.body.email, call.body.password)
    entered = await signing_up.claim_owner(desk, call.body.token, given, visit)
    return entered_reply(call, 201, entered)


def entered_reply(call: AnyCall, status: int, entered: Entered) -> Reply:
    """A session with its cookies."""
    body = LoggedIn(entered.user, entered.session.account or None, csrf_of(entered.token))
    return call.json(status, body, call.context.cookies.entered(entered))


ROUTES: Final = (
    Route(
        "POST", "/v1/auth/signup", "Sign up", None,
        {201: LoggedIn, 202: Sent}, Nothing, SignUpBody, sign_up,
        problems=(*CHOICE, "email_taken", "signup_closed", "store_unavailable"),
    ),
    Route(
        "POST", "/v1/auth/login", "Log in", None,
        {200: LoggedIn}, Nothing, LogInBody, start_session,
        problems=(*PROOF, "store_unavailable"), express=True,
    ),
    Route(
        "POST", "/v1/auth/logout", "Log out", "person",
        {204: "text/plain"}, Nothing, Nothing, end_session,
    ),
    Route(
        "POST", "/v1/auth/reauthenticate", "Give the password once more", "person",
        {204: "text/plain"}, Nothing, ProofBody, reauthenticate, problems=PROOF,
    ),
    Route(
        "POST", "/v1/auth/password", "Change the password", "person",
        {200: LoggedIn}, Nothing, PasswordBody, change_password, problems=(*PROOF, "password"),
    ),
    Route(
        "POST", "/v1/auth/reset", "Ask for a new password", None,
        {202: Sent}, Nothing, EmailBody, ask_for_reset, problems=(*OPEN, "store_unavailable"),
    ),
    Route(
        "POST", "/v1/auth/reset/confirm", "Choose a new password", None,
        {204: "text/plain"}, Nothing, ResetBody, reset_password,
        problems=(*CHOICE, "link_gone", "store_unavailable"),
    ),
    Route(
        "POST", "/v1/auth/email", "Confirm an address, or change it", "person",
        {202: Sent}, Nothing, EmailBody, ask_for_change,
        problems=("email", "email_taken", "overloaded", "reauthentication_required"),
    ),
    Route(
        "POST", "/v1/auth/verify", "Open the link of a mail", None,
        {200: Confirmed, 201: LoggedIn}, Nothing, TokenBody, verify,
        problems=(*OPEN, "link_gone", "email_taken", "store_unavailable"),
    ),
    Route(
        "POST", "/v1/auth/claim", "Claim the owner's account", None,
        {201: LoggedIn}, Nothing, JoinBody, claim,
        problems=(*PROOF, "password", "link_gone", "plan_limit", "store_unavailable"),
    ),
)  # fmt: skip
