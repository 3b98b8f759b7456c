"""Who a key belongs to, answered from memory; and making, listing and revoking keys.

Law: what is remembered counts only while the catalogue has confirmed, within two seconds, that no
key was revoked since. A node that cannot ask answers nobody: to it the store is down.
"""

import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from math import inf
from typing import Final, TypeVar

import trio

from api.accounts.keys import Chooser, Identity, known_scopes, read_key
from api.accounts.new_key import NewKey, new_key
from engine.ports import Clock, StoreError, Unavailable
from storage.catalog import Catalog, KeyIdTaken, KeyRecord

log = logging.getLogger("statflow.accounts")

CONFIRM_EVERY_S: Final = 0.25
"""How often the generation is read: so long a key that somebody else revoked may still count."""

CONFIRMED_FOR_S: Final = 2.0
"""Without confirmation for this long, nobody is known."""

KNOWN_MAX: Final = 50_000
"""Keys that are remembered; half a kilobyte each."""

UNKNOWN_FOR_S: Final = 5.0
UNKNOWN_MAX: Final = 10_000
"""A key that does not exist is not looked up again for a while; so many are remembered."""

USED_EVERY_MS: Final = 60_000
"""The last use of a key is written at most this often."""

WAIT_S_MAX: Final = 86_400.0
"""`until_gone` looks at the wall clock again after a day at most."""

DRAWS_MAX: Final = 5

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True, eq=False)
class _Known:
    """A key that exists; `noted_ms` is when its use was last noted. Epoch milliseconds."""

    identity: Identity
    expires_ms: float
    noted_ms: int


@dataclass(slots=True, eq=False)
class _Question:
    """A look-up on its way; whoever wants the same waits for it."""

    answered: trio.Event = field(default_factory=trio.Event)
    error: StoreError | None = None


class Keyring:
    """The keys of all accounts; `run` keeps it fresh."""

    def __init__(self, catalog: Catalog, clock: Clock, chooser: Chooser = secrets) -> None:
        self._catalog = catalog
        self._clock = clock
        self._chooser = chooser
        # Replaced, not emptied, when a key was revoked: a look-up that began before then puts what
        # it found into the old one, where nobody sees it.
        self._known: dict[bytes, _Known] = {}
        self._unknown: dict[bytes, float] = {}
        self._asking: dict[bytes, _Question] = {}
        self._used: dict[tuple[int, str], int] = {}
        self._noted: dict[tuple[int, str], int] = {}
        self._generation = -1
        self._confirmed_s = -inf
        self._running = False
        self._changed = trio.Event()

    def __repr__(self) -> str:
        return f"<Keyring at {self._generation}: {len(self._known)} known>"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep fresh what is remembered and write last uses, for ever; started once confirmed."""
        await self.confirm()
        self._running = True
        task_status.started()
        try:
            while True:
                await trio.sleep(CONFIRM_EVERY_S)
                try:
                    await self.confirm()
                    await self._write_used()
                except StoreError as error:
                    log.debug("keys are not confirmed: %s", error)
        finally:
            self._running = False

    @property
    def confirmed(self) -> bool:
        """Whether the store has answered lately; without `run` nobody expects it to."""
        return not self._running or trio.current_time() - self._confirmed_s <= CONFIRMED_FOR_S

    async def confirm(self) -> None:
        """Read the generation, and forget everything when a key was revoked since."""
        began_s = trio.current_time()
        generation = await self._catalog.generation()
        if generation != self._generation:
            self._generation = generation
            self._forget()
        self._confirmed_s = max(self._confirmed_s, began_s)

    async def identify(self, secret: str) -> Identity | None:
        """Who has this key; None when it is mistyped, unknown, revoked or expired.

        StoreError when that cannot be found out.
        """
        if trio.current_time() - self._confirmed_s > CONFIRMED_FOR_S:
            await self._confirm_late()
        digest = sha256(secret.encode()).digest()
        known = self._known.get(digest)
        if known is None:
            if read_key(secret) is None:
                return None
            known = await self._find(digest)
        if known is None:
            return None
        now_ms = self._clock.now_ms()
        if now_ms - known.noted_ms >= USED_EVERY_MS:
            self._note(known, now_ms)
        return known.identity if now_ms < known.expires_ms else None

    async def until_gone(self, identity: Identity) -> None:
        """Return once the key is revoked or has expired; for connections that stay open."""
        while True:
            changed = self._changed
            try:
                known = await self._find(identity.digest)
            except StoreError:
                await trio.sleep(CONFIRM_EVERY_S)
                continue
            left_ms = -1 if known is None else known.expires_ms - self._clock.now_ms()
            if left_ms <= 0:
                return
            with trio.move_on_after(min(left_ms / 1000, WAIT_S_MAX)):
                await changed.wait()

    async def create(
        self,
        account: int,
        name: str,
        scopes: Collection[str],
        prefix: str | None = None,
        expires_ms: int | None = None,
    ) -> NewKey:
        """Make a key; its secret is never to be had again. Raises KeyFault or TooManyKeys."""
        for _ in range(DRAWS_MAX):
            made = new_key(
                self._chooser, self._clock.now_ms(), account, name, scopes, prefix, expires_ms
            )
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
            self._forget()

    async def _confirm_late(self) -> None:
        # While the background asks, requests do not queue up behind a store that is silent.
        if self._running:
            raise Unavailable("API keys cannot be checked: the store does not answer")
        await self.confirm()

    def _forget(self) -> None:
        self._known = {}
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def _find(self, digest: bytes) -> _Known | None:
        """What is known of a digest; those who ask for the same one at once share one question."""
        while (question := self._asking.get(digest)) is not None:
            await question.answered.wait()
            if question.error is not None:
                # One after another would wait for as long again.
                raise Unavailable(str(question.error)) from question.error
        if (known := self._known.get(digest)) is not None:
            return known
        if self._unknown.get(digest, -inf) > trio.current_time():
            return None
        question = self._asking[digest] = _Question()
        try:
            return await self._ask(digest)
        except StoreError as error:
            question.error = error
            raise
        finally:
            del self._asking[digest]
            question.answered.set()

    async def _ask(self, digest: bytes) -> _Known | None:
        remembered = self._known
        record = await self._catalog.key(digest)
        if record is None or not compare_digest(record.digest, digest):
            self._unknown.pop(digest, None)
            _make_room(self._unknown, UNKNOWN_MAX)
            self._unknown[digest] = trio.current_time() + UNKNOWN_FOR_S
            return None
        identity = Identity(
            record.account, record.id, known_scopes(record.scopes), record.prefix, digest
        )
        expires_ms = inf if record.expires_ms is None else record.expires_ms
        noted_ms = self._noted.get((record.account, record.id), 0)
        _make_room(remembered, KNOWN_MAX)
        known = remembered[digest] = _Known(identity, expires_ms, noted_ms)
        return known

    def _note(self, known: _Known, now_ms: int) -> None:
        known.noted_ms = now_ms
        place = known.identity.account, known.identity.key_id
        _make_room(self._noted, KNOWN_MAX)
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


def _make_room(memory: dict[K, V], limit: int) -> None:
    """Drop the oldest entries until there is room for one more."""
    while len(memory) >= limit:
        del memory[next(iter(memory))]
