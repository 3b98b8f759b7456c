"""Repeated requests: what names one, and the first answer that every repeat gets. Pure.

A claim is stored in the same step as the points (`engine.points.Claim`), so a request that was
carried out is known as such whatever was killed in between. Its answer begins with a digest of the
body: the same key with another body is a mistake of the sender, not a repeat.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple, Self

import msgspec

from api.http.problems import Problem

KEY_FORM: Final = re.compile(rb"[\x21-\x7e]{1,255}")

WINDOW_MS: Final = 3_600_000
"""How long a claim is remembered, in milliseconds."""

FIELD_LIMIT: Final = 32
"""Bytes of a field name that are told: a thousand refusals must fit into the 64 KiB of a claim."""

UUID7_FORM: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)
ULID_FORM: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
ULID_DIGITS: Final = {digit: n for n, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
ULID_SINCE_MS: Final = 1_451_606_400_000
"""ULIDs were invented in 2016: 26 such characters that say an earlier time are no ULID."""


class Refusal(NamedTuple):
    """One item that was not taken: its place in the batch, the problem code, the field."""

    item: int
    code: str
    field: str = ""


class Answer(NamedTuple):
    """What a request was answered: enough to say the same again, byte for byte."""

    body_digest: bytes
    accepted: int
    stat: int
    refused: tuple[Refusal, ...]

    @classmethod
    def of(cls, body: bytes, accepted: int, stat: int, refused: Iterable[Refusal]) -> Self:
        """An answer that a repeat can be given word for word: refusals in order, names cut."""
        return cls(body, accepted, stat, tuple(sorted(map(_cut, refused))))

    def pack(self) -> bytes:
        """As stored with a claim."""
        return self.body_digest + _PACK.encode((self.accepted, self.stat, self.refused))

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Read what `pack` wrote."""
        accepted, stat, refused = _UNPACK.decode(packed[8:])
        return cls(packed[:8], accepted, stat, tuple(refused))


def _cut(refusal: Refusal) -> Refusal:
    field = refusal.field.encode(errors="replace")[:FIELD_LIMIT].decode(errors="ignore")
    return refusal._replace(field=field)


_PACK: Final = msgspec.msgpack.Encoder()
_UNPACK: Final = msgspec.msgpack.Decoder(tuple[int, int, list[Refusal]])


def checked_key(given: bytes, now_ms: int) -> str:
    """The key of an `Idempotency-Key` header, or the problem with it.

    Keys that carry their time (UUIDv7, ULID) and are older than the window are refused: whether
    they were used is no longer known, and counting twice would be silent.
    """
    if not KEY_FORM.fullmatch(given):
        raise Problem(
            "idempotency_key_invalid", "Idempotency-Key: 1 to 255 visible ASCII characters."
        )
    key = given.decode("ascii")
    made_ms = _made_ms(key)
    if made_ms is not None and made_ms < now_ms - WINDOW_MS:
        raise Problem(
            "idempotency_key_expired",
            "Keys are remembered for one hour and this one is older. Look whether the points"
            " are there before you send them under a new key.",
        )
    return key


def request_digest(account: int, route: str, key: str) -> bytes:
    """The 16 bytes that name one request of an account."""
    return _digest(b"request", str(account).encode(), route.encode(), key.encode())


def item_digest(account: int, stat: int, item_id: str) -> bytes:
    """The 16 bytes that name one item of a stat."""
    return _digest(b"item", str(account).encode(), str(stat).encode(), item_id.encode())


def body_digest(body: bytes, variant: bytes) -> bytes:
    """The 8 bytes that tell bodies apart; `variant` is what else decides the answer."""
    return blake2b(body, digest_size=8, person=variant[:16]).digest()


def _digest(*parts: bytes) -> bytes:
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return state.digest()


def _made_ms(key: str) -> int | None:
    """The time that a UUIDv7 or ULID carries, in epoch milliseconds."""
    if UUID7_FORM.fullmatch(key):
        return int(key[:8] + key[9:13], 16)
    if ULID_FORM.fullmatch(key):
        made_ms = 0
        for digit in key[:10]:
            made_ms = made_ms << 5 | ULID_DIGITS[digit]
        return made_ms if made_ms >= ULID_SINCE_MS else None
    return None
