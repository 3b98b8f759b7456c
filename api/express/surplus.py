"""Bytes of a body beyond its Content-Length, from clients that count characters there. Pure.

Law: they are taken only when they fit exactly: the body has as many characters with them as its
length says, nothing follows, and they do not begin as a request does. What a proxy or a client that
counts bytes sends next is thus never taken for the end of a body.
"""

import re
from typing import Final

REQUEST: Final = re.compile(rb"[A-Z]+ ")

SURPLUS_LIMIT: Final = 4 * 1024
"""Bytes; a stat has a name of 255 characters."""


def surplus_of(body: bytes, rest: bytes | bytearray) -> int:
    """How many bytes of what follows belong to a body: all of them or none."""
    if not 0 < len(rest) <= SURPLUS_LIMIT or body.isascii() or REQUEST.match(rest):
        return 0
    try:
        text = (body + rest).decode()
    except UnicodeDecodeError:
        return 0
    # A character beyond the first plane is two, where they come from.
    characters = len(text) + sum(sign > "\uffff" for sign in text)
    return len(rest) if characters == len(body) else 0
