"""What everything that people do with their accounts works with, and the records it begins with.

Law: what belongs together is written in one step that names the versions it was decided from. When
somebody was quicker, it is decided anew.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import trio

from api.accounts import audit
from api.accounts.addresses import site_of
from api.accounts.audit import Event
from api.accounts.faults import AccountFault
from api.accounts.hashing import Hasher
from api.accounts.keys import Chooser
from api.accounts.records import ALL, NOBODY, Kept, Members, R, User, read_record
from api.accounts.sessions import Sessions, Visit
from api.accounts.throttle import Buckets, Delays
from api.accounts.vault import Vault
from api.notify.mail import Mail
from api.setting_values import SignUpRule
from engine.ports import Clock
from storage.catalog import Catalog
from storage.documents import Conflict, Documents, Taken, TooManyDocuments, Write

HOUR_S: Final = 3_600.0

TRIES_AN_HOUR: Final = 20
"""Wrong passwords, sign-ups and links that are asked for, from one address."""

LETTERS_AN_HOUR: Final = 5
"""Mails with links to one mailbox."""

DEVICE_TRIES_AN_HOUR: Final = 30
"""Wrong passwords from a browser that has logged in before, whatever others do meanwhile."""

WRONG_KEYS_A_MINUTE: Final = 60
"""API keys that do not exist, from one address."""

ATTEMPTS_MAX: Final = 5
"""Decisions about records that others change at the same moment."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Throttles:
    """What is remembered of those who may be guessing."""

    tries: Buckets = field(default_factory=lambda: Buckets(TRIES_AN_HOUR, HOUR_S))
    letters: Buckets = field(default_factory=lambda: Buckets(LETTERS_AN_HOUR, HOUR_S))
    devices: Buckets = field(default_factory=lambda: Buckets(DEVICE_TRIES_AN_HOUR, HOUR_S))
    wrong_keys: Buckets = field(default_factory=lambda: Buckets(WRONG_KEYS_A_MINUTE, 60.0))
    delays: Delays = field(default_factory=Delays)


@dataclass(slots=True, eq=False)
class Desk:
    """Everything about accounts of one server.

    `post` takes a mail and never waits. `confirm_mail` says that an account needs an address that
    was confirmed. `check_members` raises when an account with so many members may have no more.
    """

    documents: Documents
    catalog: Catalog
    clock: Clock
    sessions: Sessions
    hasher: Hasher
    vault: Vault
    post: Callable[[Mail], object]
    public_url: str
    sign_up: SignUpRule = "closed"
    confirm_mail: bool = False
    check_members: Callable[[int, int], None] = lambda account, amount: None
    chooser: Chooser = secrets
    throttles: Throttles = field(default_factory=Throttles)

    @property
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self.clock.now_ms()

    async def write(self, *writes: Write) -> None:
        """All or nothing; AccountFault when the store has no room for it."""
        try:
            await self.documents.write(writes, self.now_ms)
        except TooManyDocuments as full:
            raise AccountFault("overloaded", f"no room: {full}", retry_after_s=HOUR_S) from full

    async def user(self, user_id: str) -> Kept[User]:
        """A person who is there; AccountFault when they are not any more."""
        found = await self.record("user", NOBODY, user_id, User)
        if found is None:
            raise AccountFault("session_required", "log in again")
        return found

    async def user_of(self, email: str) -> Kept[User] | None:
        """The person with this address."""
        return await self.found("user", email, User)

    async def members(self, account: int) -> Kept[Members]:
        """Who may use an account; version 0 when nobody does."""
        found = await self.record("members", account, ALL, Members)
        return found or Kept("members", account, ALL, Members(), 0)

    async def owners(self, account: int) -> list[str]:
        """The addresses of those who own an account."""
        members = (await self.members(account)).record.members
        return [member.email for member in members if member.role == "owner"]

    async def proven_addresses(self, account: int) -> set[str]:
        """The addresses that members of an account have proved to read."""
        members = (await self.members(account)).record.members
        users = [await self.record("user", NOBODY, member.user, User) for member in members]
        return {one.record.email for one in users if one is not None and one.record.verified}

    async def record(
        self, kind: str, account: int, document_id: str, model: type[R]
    ) -> Kept[R] | None:
        """A record by its id."""
        found = await self.documents.get(kind, account, document_id, self.now_ms)
        return None if found is None else read_record(found, model)

    async def found(self, kind: str, claim: str, model: type[R]) -> Kept[R] | None:
        """The record that holds a claim."""
        found = await self.documents.find(kind, claim, self.now_ms)
        return None if found is None else read_record(found, model)

    async def note(
        self, accounts: Iterable[int], event: Event, who: str, visit: Visit, about: str = ""
    ) -> None:
        """Write an event into the audit log of each of the accounts."""
        for account in accounts:
            await audit.note(self.documents, account, event, who, visit.client, about, self.now_ms)

    def take_try(self, visit: Visit) -> None:
        """AccountFault when the address has tried too much."""
        wait_s = self.throttles.tries.take(site_of(visit.client), trio.current_time())
        if wait_s:
            raise slower(wait_s)

    def give_back_try(self, visit: Visit) -> None:
        """It was no guess."""
        self.throttles.tries.give_back(site_of(visit.client))


def slower(wait_s: float) -> AccountFault:
    """Come back later; the same for everybody, known or not."""
    return AccountFault("rate_limited", "too many attempts: wait", retry_after_s=wait_s)


async def settled(decide: Callable[[], Awaitable[T]]) -> T:
    """What comes of a decision, made anew when the records it was made from have changed."""
    for _ in range(ATTEMPTS_MAX):
        try:
            return await decide()
        except Conflict as conflict:
            if conflict.write.body is None:
                # Of all records only links are used up.
                raise link_gone() from conflict
        except Taken as taken:
            raise AccountFault("email_taken", "somebody has it already", "email") from taken
    raise AccountFault("overloaded", "others change the same", retry_after_s=1.0)


def link_gone() -> AccountFault:
    """Links are good once, and not for long."""
    return AccountFault("link_gone", "ask for another")


def totp_owner(user_id: str) -> str:
    """Whom the secret of an authenticator app is sealed for."""
    return f"totp {user_id}"


def user_claims(user: User) -> tuple[str, ...]:
    """By what a person is found."""
    return (user.email,)
