"""Who asks: from the Authorization header, or the cookie of a session, to an identity that may.

Law: a request with an Authorization header is judged by that alone, whatever cookies it carries.
"""

import re
from typing import Final

import trio

from api.accounts.addresses import site_of
from api.accounts.keys import SCOPES, Identity, Permission
from api.accounts.records import GRANTS
from api.http.context import Context
from api.http.cookies import check_csrf
from api.http.messages import RawRequest
from api.http.problems import Problem, unavailable

BEARER: Final = re.compile(rb"bearer +(?P<token>[\x21-\x7e]+) *", re.IGNORECASE)

TOKEN_LIMIT: Final = 256
"""Bytes of a token; a key is much shorter."""


async def identify(context: Context, request: RawRequest, permission: Permission) -> Identity:
    """Who asks, if they may; Problem 401 or 403 otherwise.

    A mistyped key is refused without asking the store.
    """
    token = bearer_token(request)
    if token is None:
        identity = await _identify_session(context, request)
    else:
        identity = await identify_token(context, request, token)
    check_scope(identity, permission)
    return identity


def bearer_token(request: RawRequest) -> bytes | None:
    """The token of the Authorization header; None without one, Problem when it is another kind."""
    given = request.all(b"authorization")
    if not given:
        return None
    if len(given) > 1:
        raise Problem("duplicate_header", "authorization: once per request.")
    found = BEARER.fullmatch(given[0])
    if found is None:
        raise Problem("invalid_key", "Authorization: only Bearer is understood.")
    return found["token"]


async def identify_token(context: Context, request: RawRequest, token: bytes) -> Identity:
    """Whose key this is; Problem when it is nobody's, or may not be used from there."""
    identity = None
    if len(token) <= TOKEN_LIMIT and token.isascii():
        identity = await context.keyring.identify(token.decode("ascii"))
    if identity is None:
        site = site_of(context.client_of(request))
        wait_s = context.desk.throttles.wrong_keys.take(site, trio.current_time())
        if wait_s:
            raise unavailable("rate_limited", wait_s, "Too many keys that do not exist.")
        raise Problem("invalid_key", "There is no such key; perhaps it was mistyped or revoked.")
    if identity.allow_from and not identity.may_come_from(context.client_of(request)):
        raise Problem("address_not_allowed", "The key is limited to other networks.")
    return identity


def check_scope(identity: Identity, permission: Permission) -> None:
    """Problem unless the key, or the role, gives the permission."""
    if identity.may(permission):
        return
    if permission == "person":
        raise Problem("session_required", "This is for people who have logged in, not for keys.")
    if identity.user is not None:
        roles = " or ".join(role for role in GRANTS if permission in GRANTS[role])
        raise Problem("insufficient_scope", f"This needs the role {roles} in the account.")
    given = ", ".join(sorted(identity.scopes)) or "none"
    needed = permission if permission in SCOPES else "admin"
    raise Problem(
        "insufficient_scope", f"This needs a key with the scope {needed}; yours has {given}."
    )


async def _identify_session(context: Context, request: RawRequest) -> Identity:
    token = context.cookies.session_of(request)
    if token is None:
        raise Problem("missing_key", "Send a header: Authorization: Bearer sf_…; or log in.")
    identity = await context.desk.sessions.identify(token)
    if identity is None:
        raise Problem("session_ended", "Log in again.")
    check_csrf(request, token, context.public_url)
    return identity
