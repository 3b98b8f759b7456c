"""API keys as text: `sf_`, 8 characters of id, 32 of secret, 6 of checksum. Pure.

The prefix lets scanners find keys that leaked, the underscore lets a double click select the whole,
the checksum tells a typo from an unknown key without asking the store. 32 characters are 190 bits,
so a plain SHA-256 is all that has to be kept.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, Protocol, get_args
from zlib import crc32

from api.accounts.addresses import Network, is_within, read_address
from engine.base62 import DIGITS, base62

Scope = Literal["read", "write", "snooze", "admin"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

Permission = Literal["read", "write", "snooze", "edit", "admin", "person"]
"""What a route may ask for: a scope; `edit` for dashboards, alerts and the like, which a role or an
admin key gives; `person` for whoever has logged in, whatever the role."""

KEY_LENGTH: Final = 49

ID_LENGTH: Final = 8
SECRET_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6

KEY_SHAPE: Final = re.compile(r"sf_[0-9A-Za-z]{46}", re.ASCII)


class Chooser(Protocol):
    """A source of secrets; the module `secrets` is one."""

    def choice(self, seq: str) -> str:
        """One of the characters, each as likely as the others."""


@dataclass(frozen=True, slots=True)
class Key:
    """What may be kept of a key: its id, the digest to find it by, and how it ends."""

    id: str
    digest: bytes
    last4: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and what they may do: a key, or a person who has logged in.

    `prefix` limits a key to stats whose names begin so, `allow_from` to networks it is used from.
    For a person `user` is their id, and `key_id` that of the session.
    """

    account: int
    key_id: str
    scopes: frozenset[Permission]
    prefix: str | None = None
    digest: bytes = field(default=b"", repr=False)
    user: str | None = None
    allow_from: tuple[Network, ...] = ()

    def may(self, permission: Permission) -> bool:
        """Whether it was given, or `admin`, which contains the others."""
        if permission == "person":
            return self.user is not None
        return permission in self.scopes or "admin" in self.scopes

    def may_come_from(self, client: str) -> bool:
        """Whether it may be used from this address."""
        return not self.allow_from or is_within(read_address(client), self.allow_from)

    def may_touch(self, name: str) -> bool:
        """Whether the key may see or feed a stat of this name."""
        return self.prefix is None or name.startswith(self.prefix)


def new_secret(chooser: Chooser) -> str:
    """A key that nobody has."""
    length = ID_LENGTH + SECRET_LENGTH
    body = "sf_" + "".join(chooser.choice(DIGITS) for _ in range(length))
    return body + _checksum(body)


def read_key(secret: str) -> Key | None:
    """The key in a text; None when it is none of ours, or mistyped."""
    if not KEY_SHAPE.fullmatch(secret):
        return None
    if _checksum(secret[:-CHECKSUM_LENGTH]) != secret[-CHECKSUM_LENGTH:]:
        return None
    return Key(secret[3 : 3 + ID_LENGTH], sha256(secret.encode()).digest(), secret[-4:])


def known_scopes(names: Collection[str]) -> frozenset[Scope]:
    """Those of the names that are scopes."""
    return frozenset(scope for scope in SCOPES if scope in names)


def _checksum(body: str) -> str:
    return base62(crc32(body.encode()), CHECKSUM_LENGTH)
