"""Who asks: from the Authorization header to an identity with the scope that a route needs."""

import re
from typing import Final

from api.accounts.keys import Identity, Scope
from api.http.context import Context
from api.http.messages import RawRequest
from api.http.problems import Problem

BEARER: Final = re.compile(rb"bearer +(?P<token>[\x21-\x7e]+) *", re.IGNORECASE)

TOKEN_LIMIT: Final = 256
"""Bytes of a token; a key is much shorter."""


async def identify(context: Context, request: RawRequest, scope: Scope) -> Identity:
    """Who asks, if they may; Problem 401 or 403 otherwise.

    A mistyped key is refused without asking the store.
    """
    given = request.all(b"authorization")
    if not given:
        raise Problem("missing_key", "Send a header: Authorization: Bearer sf_…")
    if len(given) > 1:
        raise Problem("duplicate_header", "authorization: once per request.")
    found = BEARER.fullmatch(given[0])
    if found is None:
        raise Problem("invalid_key", "Authorization: only Bearer is understood.")
    identity = await identify_token(context, found["token"])
    check_scope(identity, scope)
    return identity


async def identify_token(context: Context, token: bytes) -> Identity:
    """Whose key this is; Problem when it is nobody's."""
    identity = None
    if len(token) <= TOKEN_LIMIT and token.isascii():
        identity = await context.keyring.identify(token.decode("ascii"))
    if identity is None:
        raise Problem("invalid_key", "There is no such key; perhaps it was mistyped or revoked.")
    return identity


def check_scope(identity: Identity, scope: Scope) -> None:
    """Problem unless the key was given the scope."""
    if not identity.may(scope):
        given = ", ".join(sorted(identity.scopes)) or "none"
        raise Problem(
            "insufficient_scope", f"This needs a key with the scope {scope}; yours has {given}."
        )
