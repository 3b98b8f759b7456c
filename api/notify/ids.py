"""Ids of what people make: a prefix and eleven digits that nobody had before: `ch_5kQ0Zt2VbXa`."""

import secrets
from typing import Final

from engine.base62 import base62

BITS: Final = 63
DIGITS: Final = 11


def new_id(prefix: str) -> str:
    """An id that was never used."""
    return f"{prefix}_{base62(secrets.randbits(BITS), DIGITS)}"
