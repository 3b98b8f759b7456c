"""Who is logged in: from the token of a cookie to an identity, answered from memory.

Law: a session is idle for a day and lives for a month at most. Whoever takes one away raises the
generation in the same step; it ends everywhere within a second, on open streams too.
"""

import hmac
import logging
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
import trio

from api.accounts.addresses import shown_of
from api.accounts.keys import Chooser, Identity
from api.accounts.records import (
    ALL,
    GRANTS,
    IDLE_MS,
    LIFE_MS,
    NOBODY,
    Device,
    Kept,
    Members,
    Presence,
    Role,
    Session,
    claim_of,
    read_record,
)
from api.accounts.remembered import Remembered
from api.accounts.tokens import digest_of, new_id, new_link
from engine.ports import Clock
from engine.supervision import patiently
from storage.documents import Conflict, Documents, Write

log = logging.getLogger("statflow.accounts")

SEEN_EVERY_MS: Final = 300_000
"""That a session is used is written at most this often."""

SEEN_AT_ONCE: Final = 20
"""People whose use is written between two confirmations."""

PROVEN_MS: Final = 600_000
"""For so long after the password was given, what needs it may be done."""

SESSIONS_MAX: Final = 50
"""Sessions of one person; the one that was used longest ago goes first."""

DEVICES_MAX: Final = 20
DEVICE_LIFE_MS: Final = 400 * 24 * 3_600_000

AGENT_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request of a person comes from, and what their browser kept from earlier ones."""

    client: str = ""
    agent: str = ""
    session: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """Tokens of somebody who has just logged in; shown to nobody but their browser."""

    user: str
    session: Session
    token: str
    device: str | None


@dataclass(slots=True, eq=False)
class Seat:
    """A session that is known; `seen_ms` moves with every use."""

    identity: Identity
    session: Session
    role: Role | None
    seen_ms: int
    written_ms: int

    def left_ms(self, now_ms: int) -> int:
        """How long it lives from now on, if it is not used."""
        return self.session.ends_ms(self.seen_ms) - now_ms


class Sessions:
    """The sessions of everybody; `run` keeps them fresh."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._remembered = Remembered("sessions", self._ask, self._read_generation)
        self._used: dict[str, Seat] = {}

    def __repr__(self) -> str:
        return f"<Sessions at {self._remembered.generation}: {len(self._remembered)} known>"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep fresh what is remembered and write last uses, for ever; started once confirmed."""
        await patiently("sessions", self._remembered.confirm)
        task_status.started()
        await self._remembered.keep_fresh(self.write_seen)

    async def identify(self, token: str) -> Identity | None:
        """Who has this token; None when it is nobody's (any more). StoreError as of a key."""
        await self._remembered.check()
        digest = digest_of(token)
        if digest is None:
            return None
        seat = self._remembered.get(digest) or await self._remembered.find(digest)
        now_ms = self._clock.now_ms()
        if seat is None or seat.left_ms(now_ms) <= 0:
            return None
        seat.seen_ms = max(seat.seen_ms, now_ms)
        if now_ms - seat.written_ms >= SEEN_EVERY_MS:
            self._used[seat.session.id] = seat
        return seat.identity

    async def seat_of(self, identity: Identity) -> Seat | None:
        """The session of somebody who was identified; None when it has ended since."""
        return await self._remembered.find(identity.digest)

    async def until_gone(self, identity: Identity) -> None:
        """Return once the session has ended, or may no longer do what it could."""

        def left_s(seat: Seat) -> float:
            return seat.left_ms(self._clock.now_ms()) / 1000 if seat.identity == identity else 0.0

        await self._remembered.until_gone(identity.digest, left_s)

    def forget(self) -> None:
        """Forget what is remembered, after something was taken away here."""
        self._remembered.forget()

    async def presence(self, user: str) -> Kept[Presence]:
        """Where a person is logged in; version 0 when they never were."""
        found = await self._documents.get("sessions", NOBODY, user, self._clock.now_ms())
        if found is None:
            return Kept("sessions", NOBODY, user, Presence(), 0)
        return read_record(found, Presence)

    async def write_seen(self) -> None:
        """Note in the store which sessions were used."""
        for session_id in list(self._used)[:SEEN_AT_ONCE]:
            seat = self._used[session_id]
            assert seat.identity.user is not None, "BUG: a session of nobody"
            kept = await self.presence(seat.identity.user)
            sessions = tuple(
                msgspec.structs.replace(one, seen_ms=seat.seen_ms) if one.id == session_id else one
                for one in kept.record.sessions
            )
            try:
                if sessions != kept.record.sessions:
                    await self._documents.write(
                        [present(kept, sessions, self._clock.now_ms())], self._clock.now_ms()
                    )
            except Conflict:
                continue  # Once more after the next confirmation.
            seat.written_ms = seat.seen_ms
            del self._used[session_id]

    async def _ask(self, digest: bytes) -> Seat | None:
        now_ms = self._clock.now_ms()
        document = await self._documents.find("sessions", claim_of(digest), now_ms)
        if document is None:
            return None
        presence = read_record(document, Presence).record
        session = next((one for one in presence.sessions if one.digest == digest), None)
        if session is None:
            return None
        kept = await self._documents.get("members", session.account, ALL, now_ms)
        role = None if kept is None else read_record(kept, Members).record.role_of(document.id)
        scopes = frozenset() if role is None else GRANTS[role]
        identity = Identity(session.account, session.id, scopes, None, digest, document.id)
        return Seat(identity, session, role, session.seen_ms, session.seen_ms)

    async def _read_generation(self) -> int:
        found = await self._documents.get("revocations", NOBODY, ALL, self._clock.now_ms())
        return 0 if found is None else found.version


def present(
    kept: Kept[Presence],
    sessions: Sequence[Session],
    now_ms: int,
    devices: Sequence[Device] | None = None,
) -> Write:
    """What to write so that a person is logged in with these sessions, as far as they live."""
    living = [one for one in sessions if one.ends_ms(one.seen_ms) > now_ms]
    living = sorted(living, key=lambda one: one.seen_ms)[-SESSIONS_MAX:]
    known = kept.record.devices if devices is None else devices
    known = [one for one in known if one.seen_ms + DEVICE_LIFE_MS > now_ms]
    known = sorted(known, key=lambda one: one.seen_ms)[-DEVICES_MAX:]
    ends_ms = max(
        [one.created_ms + LIFE_MS for one in living]
        + [one.seen_ms + DEVICE_LIFE_MS for one in known],
        default=now_ms + IDLE_MS,
    )
    claims = tuple(claim_of(one.digest) for one in living)
    return kept.becomes(Presence(tuple(living), tuple(known)), claims, ends_ms)


def enter(
    kept: Kept[Presence], account: int, visit: Visit, now_ms: int, chooser: Chooser = secrets
) -> tuple[Entered, Write]:
    """A new session for somebody who has proven who they are, in place of the one they came with.

    A browser that is not known yet becomes known.
    """
    token, digest = new_link(chooser)
    known, old = kept.record.devices, digest_of(visit.session or "")
    session = Session(
        new_id("se", chooser), digest, account, now_ms, now_ms, now_ms,
        shown_of(visit.client), visit.agent[:AGENT_LENGTH_MAX],
    )  # fmt: skip
    device, device_digest = visit.device, digest_of(visit.device or "")
    if device_digest is None or all(one.digest != device_digest for one in known):
        device, device_digest = new_link(chooser)
    devices = [one for one in known if one.digest != device_digest]
    sessions = [one for one in kept.record.sessions if one.digest != old]
    write = present(kept, [*sessions, session], now_ms, [*devices, Device(device_digest, now_ms)])
    return Entered(kept.id, session, token, device), write


def knows(presence: Presence, device: str | None, now_ms: int) -> bool:
    """Whether somebody has logged in with this browser before."""
    digest = digest_of(device or "")
    return digest is not None and any(
        hmac.compare_digest(one.digest, digest) and one.seen_ms + DEVICE_LIFE_MS > now_ms
        for one in presence.devices
    )


def proven(session: Session, now_ms: int) -> Session:
    """The session after the password was given once more."""
    return msgspec.structs.replace(session, proven_ms=now_ms)


def csrf_of(token: str) -> str:
    """What a page of ours sends along and no other page can know; it lives as long as the token."""
    digest = hmac.digest(token.encode(), b"statflow csrf", sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
