"""Accounts and API keys: what is kept of them, and what every catalogue can do.

Law: every method is one atomic step. Whoever takes a key away raises the generation in the same
step, so that a node which sees the old generation may trust what it remembers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

OWNER: Final = 1
"""The account that the first start makes; keys made on the command line belong to it."""

ACCOUNT_KEYS_MAX: Final = 1_000
"""API keys of one account."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account; its stats share `spread` partitions. Times are epoch milliseconds."""

    id: int
    name: str
    created_ms: int
    spread: int = 1


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One API key; its secret is known only by `digest` (SHA-256) and by how it ends.

    `prefix` limits the key to stats whose names begin so, `allow_from` to networks from which it is
    used, any if empty; `used_ms` is up to a minute old, and only told by `keys`. Times are epoch
    milliseconds.
    """

    id: str
    account: int
    digest: bytes
    last4: str
    name: str
    scopes: tuple[str, ...]
    prefix: str | None
    created_ms: int
    expires_ms: int | None = None
    used_ms: int | None = None
    allow_from: tuple[str, ...] = ()


class KeyIdTaken(Exception):
    """The account has a key with this id: draw another."""


class TooManyKeys(Exception):
    """The account has as many keys as it may."""


class Catalog(Protocol):
    """Where accounts and keys are kept; errors are those of `engine.ports`."""

    async def found(self, name: str, created_ms: int, key: KeyRecord) -> bool:
        """Make the account OWNER and its first key; False, and nothing, if any account exists."""

    async def create_account(self, name: str, created_ms: int, spread: int = 1) -> Account:
        """A new account; its id was never used before."""

    async def account(self, number: int) -> Account | None:
        """One account, or None."""

    async def accounts(self) -> list[Account]:
        """All accounts, the oldest first."""

    async def rename_account(self, number: int, name: str) -> bool:
        """Give an account another name; False when there is none."""

    async def put_key(self, key: KeyRecord) -> None:
        """Keep a new key; raises KeyIdTaken or TooManyKeys."""

    async def key(self, digest: bytes) -> KeyRecord | None:
        """The key with this digest, without `used_ms`; None when there is none (any more)."""

    async def keys(self, account: int) -> list[KeyRecord]:
        """The keys of an account, the oldest first."""

    async def revoke_key(self, account: int, key_id: str) -> bool:
        """Forget a key and raise the generation; False when the account has no such key."""

    async def generation(self) -> int:
        """A number that changes whenever a key was revoked."""

    async def note_used(self, used: Mapping[tuple[int, str], int]) -> None:
        """By account and key id, when the key was last used; revoked keys are passed over."""
