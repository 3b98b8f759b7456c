"""What is kept of people, as documents: models, kinds, and how they become bytes. Pure.

Law: of what opens anything only a digest is kept, or it is sealed. Fields are added at the end,
with a default; what an earlier release must not ignore gets another version byte.

kind         account   id            claims
user         0         us_…          e-mail address
sessions     0         us_…          digests of the session tokens
reset        0         us_…          digest of the link
change       0         us_…          digest of the link
signup       0         of the mail   digest of the link
claim        owner     link          digest of the link
deletion     0         account       none
members      its own   all           none
invite       its own   in_…          digest of the link
revocations  0         all           none; its version is the generation of all sessions
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from api.accounts.keys import Permission
from engine.ports import Damaged
from storage.documents import Document, Write

Role = Literal["owner", "editor", "viewer"]

GRANTS: Final[dict[str, frozenset[Permission]]] = {
    "owner": frozenset[Permission]({"read", "write", "snooze", "edit", "admin"}),
    "editor": frozenset[Permission]({"read", "write", "snooze", "edit"}),
    "viewer": frozenset[Permission]({"read"}),
}

VERSION: Final = b"\x01"

IDLE_MS: Final = 24 * 3_600_000
"""A session that is not used for so long is over."""

LIFE_MS: Final = 30 * 24 * 3_600_000
"""A session is over after so long, however much it is used."""

NOBODY: Final = 0
"""The account of documents that belong to none."""

ALL: Final = "all"
"""The id of a document of which there is one."""


class Totp(Struct, frozen=True, array_like=True):
    """An authenticator app; `step` is the last one whose code was used, -1 while not confirmed.

    The secret is sealed for its person.
    """

    secret: bytes
    step: int
    recovery: tuple[bytes, ...] = ()

    @property
    def active(self) -> bool:
        """Whether log-in asks for it."""
        return self.step >= 0


class User(Struct, frozen=True, array_like=True):
    """A person; `accounts` are those that they are a member of, the one of log-in first."""

    email: str
    password: str
    created_ms: int
    accounts: tuple[int, ...]
    verified: bool = False
    totp: Totp | None = None


class Session(Struct, frozen=True, array_like=True):
    """One log-in; `proven_ms` is when the password was last given. Times are epoch ms."""

    id: str
    digest: bytes
    account: int
    created_ms: int
    seen_ms: int
    proven_ms: int
    address: str
    agent: str

    def ends_ms(self, seen_ms: int) -> int:
        """When it is over, if it was last used then."""
        return min(seen_ms + IDLE_MS, self.created_ms + LIFE_MS)


class Device(Struct, frozen=True, array_like=True):
    """A browser that somebody has logged in with."""

    digest: bytes
    seen_ms: int


class Presence(Struct, frozen=True, array_like=True):
    """Where a person is logged in, and with what they have been."""

    sessions: tuple[Session, ...] = ()
    devices: tuple[Device, ...] = ()


class Member(Struct, frozen=True, array_like=True):
    """A person in an account; the address is as it was when they joined."""

    user: str
    email: str
    role: Role
    since_ms: int


class Members(Struct, frozen=True, array_like=True):
    """Who may use an account; one of them is an owner, once there is anybody."""

    members: tuple[Member, ...] = ()

    def role_of(self, user: str) -> Role | None:
        """What somebody is there."""
        return next((one.role for one in self.members if one.user == user), None)


class SignUp(Struct, frozen=True, array_like=True):
    """An account that is made once the address has been confirmed."""

    email: str
    password: str
    name: str


class Reset(Struct, frozen=True, array_like=True):
    """A password that may be chosen anew."""

    email: str


class Change(Struct, frozen=True, array_like=True):
    """An address that is to be confirmed: another one, or the one they have."""

    email: str


class Claim(Struct, frozen=True, array_like=True):
    """The owner's account, for whoever has the link."""

    made_ms: int


class Invite(Struct, frozen=True, array_like=True):
    """A place in an account, for an address or for whoever has the link."""

    role: Role
    email: str | None
    invited_by: str
    created_ms: int
    expires_ms: int


R = TypeVar("R", bound=Struct)


@dataclass(frozen=True, slots=True)
class Kept(Generic[R]):
    """A record as it was read: `version` 0 means that there is none yet."""

    kind: str
    account: int
    id: str
    record: R
    version: int

    def becomes(
        self, record: R, claims: tuple[str, ...] = (), expires_ms: int | None = None
    ) -> Write:
        """What to write in its place, if nobody else does meanwhile."""
        body = VERSION + msgspec.msgpack.encode(record)
        return Write(self.kind, self.account, self.id, body, self.version, expires_ms, claims)

    def ends(self) -> Write:
        """Forget it, if it is still there."""
        return Write(self.kind, self.account, self.id, None, self.version)


def read_record(document: Document, model: type[R]) -> Kept[R]:
    """The record of a document; Damaged, naming it, when it is none."""
    what = f"{document.kind} {document.id}"
    if document.body[:1] != VERSION:
        raise Damaged(f"{what}: its version is {document.body[:1].hex()}, not known here")
    try:
        record = msgspec.msgpack.decode(document.body[1:], type=model)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{what}: {error}") from error
    return Kept(document.kind, document.account, document.id, record, document.version)


def claim_of(digest: bytes) -> str:
    """A digest as a name in the store."""
    return urlsafe_b64encode(digest).decode().rstrip("=")


def revocation() -> Write:
    """What goes with every write that takes something away from sessions."""
    return Write("revocations", NOBODY, ALL, b"")
