"""Who a key belongs to, answered from memory; and making, listing and revoking keys."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from math import inf
from typing import Final

import trio

from api.accounts.addresses import read_network
from api.accounts.keys import Chooser, Identity, known_scopes, read_key
from api.accounts.new_key import NewKey, new_key
from api.accounts.remembered import KNOWN_MAX, Remembered
from api.accounts.room import make_room
from engine.ports import Clock, StoreError
from engine.supervision import patiently
from storage.catalog import Catalog, KeyIdTaken, KeyRecord

USED_EVERY_MS: Final = 60_000
"""The last use of a key is written at most this often."""

DRAWS_MAX: Final = 5


@dataclass(slots=True, eq=False)
class _Known:
    """A key that exists; `noted_ms` is when its use was last noted. Epoch milliseconds."""

    identity: Identity
    expires_ms: float
    noted_ms: int


class Keyring:
    """The keys of all accounts; `run` keeps it fresh."""

    def __init__(self, catalog: Catalog, clock: Clock, chooser: Chooser = secrets) -> None:
        self._catalog = catalog
        self._clock = clock
        self._chooser = chooser
        self._remembered = Remembered("API keys", self._ask, catalog.generation)
        self._used: dict[tuple[int, str], int] = {}
        self._noted: dict[tuple[int, str], int] = {}

    def __repr__(self) -> str:
        return f"<Keyring at {self._remembered.generation}: {len(self._remembered)} known>"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep fresh what is remembered and write last uses, for ever; started once confirmed."""
        await patiently("API keys", self._remembered.confirm)
        task_status.started()
        await self._remembered.keep_fresh(self._write_used)

    @property
    def confirmed(self) -> bool:
        """Whether the store has answered lately; without `run` nobody expects it to."""
        return self._remembered.confirmed

    async def confirm(self) -> None:
        """Read the generation, and forget everything when a key was revoked since."""
        await self._remembered.confirm()

    async def identify(self, secret: str) -> Identity | None:
        """Who has this key; None when it is mistyped, unknown, revoked or expired.

        StoreError when that cannot be found out.
        """
        await self._remembered.check()
        digest = sha256(secret.encode()).digest()
        known = self._remembered.get(digest)
        if known is None:
            if read_key(secret) is None:
                return None
            known = await self._remembered.find(digest)
        if known is None:
            return None
        now_ms = self._clock.now_ms()
        if now_ms - known.noted_ms >= USED_EVERY_MS:
            self._note(known, now_ms)
        return known.identity if now_ms < known.expires_ms else None

    def known(self, digest: bytes) -> Identity | None:
        """Who has the key of this digest, if that is known without asking or writing anything."""
        known = self._remembered.get(digest) if self._remembered.fresh else None
        if known is None:
            return None
        now_ms = self._clock.now_ms()
        settled = now_ms - known.noted_ms < USED_EVERY_MS and now_ms < known.expires_ms
        return known.identity if settled else None

    async def until_gone(self, identity: Identity) -> None:
        """Return once the key is revoked or has expired; for connections that stay open."""
        await self._remembered.until_gone(
            identity.digest, lambda known: (known.expires_ms - self._clock.now_ms()) / 1000
        )

    async def create(
        self,
        account: int,
        name: str,
        scopes: Collection[str],
        prefix: str | None = None,
        expires_ms: int | None = None,
        allow_from: Collection[str] = (),
    ) -> NewKey:
        """Make a key; its secret is never to be had again. Raises KeyFault or TooManyKeys."""
        for _ in range(DRAWS_MAX):
            made = new_key(
                self._chooser, self._clock.now_ms(), account, name, scopes, prefix, expires_ms,
                allow_from,
            )  # fmt: skip
            try:
                await self._catalog.put_key(made.record)
            except KeyIdTaken:
                continue
            return made
        raise AssertionError("BUG: the source of secrets repeats itself")

    async def keys(self, account: int) -> list[KeyRecord]:
        """The keys of an account, the oldest first."""
        return await self._catalog.keys(account)

    async def revoke(self, account: int, key_id: str) -> bool:
        """Take a key away, here at once, elsewhere within a second; False: no such key."""
        try:
            return await self._catalog.revoke_key(account, key_id)
        finally:
            # Also after an error: perhaps it was carried out.
            self._remembered.forget()

    async def _ask(self, digest: bytes) -> _Known | None:
        record = await self._catalog.key(digest)
        if record is None or not compare_digest(record.digest, digest):
            return None
        identity = Identity(
            record.account, record.id, known_scopes(record.scopes), record.prefix, digest,
            allow_from=tuple(map(read_network, record.allow_from)),
        )  # fmt: skip
        expires_ms = inf if record.expires_ms is None else record.expires_ms
        return _Known(identity, expires_ms, self._noted.get((record.account, record.id), 0))

    def _note(self, known: _Known, now_ms: int) -> None:
        known.noted_ms = now_ms
        place = known.identity.account, known.identity.key_id
        make_room(self._noted, KNOWN_MAX)
        self._used[place] = self._noted[place] = now_ms

    async def _write_used(self) -> None:
        if not self._used:
            return
        used, self._used = self._used, {}
        try:
            await self._catalog.note_used(used)
        except StoreError:
            self._used = used | self._used
            raise
