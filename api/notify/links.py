"""Links in messages: signed, so that whoever has the message may act on what it tells of. Pure.

Law: a link names one thing to do to one thing, and until when. Looking at it changes nothing: the
scanners of mail servers look at everything.
"""

import base64
import binascii
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac_of
from typing import Final

import msgspec
from msgspec import Struct

SIGNATURE_BYTES: Final = 16
TOKEN_LENGTH_MAX: Final = 512
LINK_MS: Final = 7 * 86_400_000
"""A link in a message is good for a week."""


class Link(Struct, frozen=True, array_like=True):
    """What a link allows: `action` on `target` (and its `part`) of an account, until then.

    `until_ms` is in epoch milliseconds.
    """

    action: str
    account: int
    target: str
    part: str
    until_ms: int


def sign_link(key: bytes, link: Link) -> str:
    """The token of a link."""
    text = msgspec.msgpack.encode(link)
    return base64.urlsafe_b64encode(_signature(key, text) + text).decode().rstrip("=")


def read_link(key: bytes, token: str, action: str, now_ms: int) -> Link | None:
    """What a token allows; None when it is none of ours, for something else, or too old."""
    if len(token) > TOKEN_LENGTH_MAX:
        return None
    try:
        data = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (binascii.Error, UnicodeError):
        return None
    signature, text = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
    if not compare_digest(signature, _signature(key, text)):
        return None
    link = msgspec.msgpack.decode(text, type=Link)
    return link if link.action == action and now_ms < link.until_ms else None


def _signature(key: bytes, text: bytes) -> bytes:
    return hmac_of(key, text, sha256).digest()[:SIGNATURE_BYTES]
