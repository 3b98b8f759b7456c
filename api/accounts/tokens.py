"""Opaque tokens of sessions, devices and links: 256 bits, kept only as their digest. Pure."""

import re
from hashlib import sha256
from typing import Final

from api.accounts.keys import Chooser
from engine.base62 import DIGITS

TOKEN_LENGTH: Final = 43
"""Characters of base 62 that hold 256 bits."""

ID_LENGTH: Final = 12
"""Characters of an id, which is no secret: 71 bits, so that none is drawn twice."""

_TOKEN: Final = re.compile(rf"[0-9A-Za-z]{{{TOKEN_LENGTH}}}", re.ASCII)


def new_token(chooser: Chooser) -> str:
    """A token that nobody has."""
    return "".join(chooser.choice(DIGITS) for _ in range(TOKEN_LENGTH))


def new_link(chooser: Chooser) -> tuple[str, bytes]:
    """A token that nobody has, and its digest."""
    token = new_token(chooser)
    return token, sha256(token.encode()).digest()


def new_id(prefix: str, chooser: Chooser) -> str:
    """An id that nothing else has: `us_…`."""
    return f"{prefix}_" + "".join(chooser.choice(DIGITS) for _ in range(ID_LENGTH))


def digest_of(token: str) -> bytes | None:
    """By what a token is found; None when it has not the form of one."""
    return sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None
