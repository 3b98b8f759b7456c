"""The keys by which StatHat's clients know an account.

Law: the secrets are kept sealed, because their owner may look at them again, and found by digests.
What was taken away is refused within two seconds.

kind         account   id            claims
stathat      its own   all           digests of the EZ key, the access token and the user key;
                                     the addresses of owners, where those are to be EZ keys
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, Literal

import msgspec
import trio
from msgspec import Struct

from api.accounts.desk import Desk, settled
from api.accounts.keys import Chooser
from api.accounts.records import ALL, Kept, claim_of, read_record
from api.accounts.room import make_room
from engine.base62 import DIGITS, base62, from_base62
from engine.stats import STAT_ID_MAX

KIND: Final = "stathat"

SECRET_LENGTH: Final = 27
"""Characters of base 62 that hold 160 bits."""

MARK_LENGTH: Final = 12
"""Characters of a stat's key that cannot be guessed: 71 bits."""

KEY_LENGTH_MAX: Final = 254
"""Characters of any key; of an e-mail address at most."""

REMEMBERED_S: Final = 2.0
REMEMBERED_MAX: Final = 10_000
"""What the store said of a key counts for so long; so many keys are remembered."""

Secret = Literal["ezkey", "access_token", "user_key"]

# How each begins; it is no secret.
PREFIXES: Final[Mapping[Secret, str]] = {
    "ezkey": "ez",
    "access_token": "at",  # nosec B105
    "user_key": "uk",
}


# What the keys of single stats are good for.
_CLASSIC: Final = b""
_EMBED: Final = b"embed"


class Secrets(Struct, frozen=True):
    """What opens an account to StatHat's clients; `seed` makes the keys of single stats."""

    ezkey: str
    access_token: str
    user_key: str
    seed: str


class Granted(Struct, frozen=True, array_like=True):
    """As it is kept: the sealed secrets, and what is allowed."""

    sealed: bytes
    enabled: bool = True
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """How StatHat's clients get at one account; `emails` are EZ keys, too."""

    account: int
    enabled: bool
    emails: tuple[str, ...]
    secrets: Secrets = field(repr=False)

    def stat_key(self, stat: int) -> str:
        """The key by which classic clients know a stat."""
        return f"{base62(stat)}-{self._mark(stat, _CLASSIC)}"

    def stat_of(self, key: str) -> int | None:
        """The stat with that key; None when there cannot be one."""
        return self._marked(key, _CLASSIC)

    def embed_key(self, stat: int) -> str:
        """The key that shows a stat on pages elsewhere, and opens nothing else."""
        return f"{base62(stat)}-{self._mark(stat, _EMBED)}"

    def embedded(self, key: str) -> int | None:
        """The stat that such a key shows."""
        return self._marked(key, _EMBED)

    def _marked(self, key: str, purpose: bytes) -> int | None:
        stat, mark = numbered(key), key.partition("-")[2]
        if stat is None or not mark.isascii():
            return None
        return stat if hmac.compare_digest(self._mark(stat, purpose), mark) else None

    def _mark(self, stat: int, purpose: bytes) -> str:
        marked = purpose + stat.to_bytes(8, "big")
        digest = hmac.digest(self.secrets.seed.encode(), marked, "sha256")
        return base62(int.from_bytes(digest[:8], "big"), MARK_LENGTH)[-MARK_LENGTH:]


class Accesses:
    """The accesses of one server, found by whatever key a client has."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # By claim: what the store said, and until when that counts.
        self._remembered: dict[str, tuple[Access | None, float]] = {}

    def __repr__(self) -> str:
        return f"<Accesses {len(self._remembered)} remembered>"

    async def find(self, key: str, *kinds: Secret) -> Access | None:
        """The access that one of these keys opens; an address only where an EZ key is expected."""
        key = key.strip()
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            return None
        for kind in kinds:
            if key.startswith(f"{PREFIXES[kind]}_"):
                return await self._find(_claim(key))
        # In a form that nobody encoded a plus has become a space.
        address = key.replace(" ", "+").lower()
        if "ezkey" not in kinds or "@" not in address:
            return None
        found = await self._find(_claim(address))
        return found if found is not None and address in found.emails else None

    async def of(self, account: int) -> Access:
        """The access of an account; its keys are drawn when somebody first wants to see them."""
        return await settled(lambda: self._seen(account))

    async def known(self, account: int) -> Access | None:
        """The access of an account whose keys somebody has seen."""
        found = await self._read(account)
        return self._opened(found) if found.version else None

    async def change(
        self,
        account: int,
        *,
        enabled: bool | None = None,
        emails: tuple[str, ...] | None = None,
        renew: frozenset[Secret] = frozenset(),
    ) -> Access:
        """Change what is given; keys to `renew` are drawn anew, the old ones end.

        A new user key also changes those of all stats. AccountFault when an address opens another
        account.
        """
        drawn = new_secrets(self._desk.chooser)
        changes: dict[str, str] = {name: getattr(drawn, name) for name in renew}
        if "user_key" in renew:
            changes["seed"] = drawn.seed

        async def decide() -> Access:
            before = await self._seen(account)
            found = await self._read(account)
            return await self._write(
                found,
                msgspec.structs.replace(before.secrets, **changes),
                enabled=before.enabled if enabled is None else enabled,
                emails=before.emails if emails is None else emails,
            )

        return await settled(decide)

    async def _seen(self, account: int) -> Access:
        found = await self._read(account)
        if found.version:
            return self._opened(found)
        return await self._write(found, new_secrets(self._desk.chooser), enabled=True, emails=())

    async def _find(self, claim: str) -> Access | None:
        now_s = trio.current_time()
        access, until_s = self._remembered.get(claim, (None, 0.0))
        if until_s > now_s:
            return access
        document = await self._desk.documents.find(KIND, claim, self._desk.now_ms)
        access = None if document is None else self._opened(read_record(document, Granted))
        if access is not None and access.emails:
            # An address opens the account for as long as it is that of an owner.
            owners = await self._desk.owners(access.account)
            access = replace(access, emails=tuple(set(access.emails) & set(owners)))
        self._remembered.pop(claim, None)
        make_room(self._remembered, REMEMBERED_MAX)
        self._remembered[claim] = access, now_s + REMEMBERED_S
        return access

    async def _read(self, account: int) -> Kept[Granted]:
        found = await self._desk.record(KIND, account, ALL, Granted)
        return found or Kept(KIND, account, ALL, Granted(b""), 0)

    async def _write(
        self, found: Kept[Granted], secrets: Secrets, *, enabled: bool, emails: tuple[str, ...]
    ) -> Access:
        text = msgspec.json.encode(secrets).decode()
        granted = Granted(self._desk.vault.seal(text, _owner(found.account)), enabled, emails)
        keys = (secrets.ezkey, secrets.access_token, secrets.user_key, *emails)
        await self._desk.write(found.becomes(granted, tuple(map(_claim, keys))))
        self._remembered.clear()
        return Access(found.account, enabled, emails, secrets)

    def _opened(self, found: Kept[Granted]) -> Access:
        text = self._desk.vault.open(found.record.sealed, _owner(found.account))
        secrets = msgspec.json.decode(text, type=Secrets)
        return Access(found.account, found.record.enabled, found.record.emails, secrets)


def numbered(key: str) -> int | None:
    """The stat that a key of a single stat says it is for; None when there cannot be one."""
    try:
        stat = from_base62(key.partition("-")[0][:12])
    except ValueError:
        return None
    return stat if 0 < stat <= STAT_ID_MAX else None


def new_secrets(chooser: Chooser) -> Secrets:
    """Keys that nobody has."""
    drawn = {name: f"{prefix}_{_drawn(chooser)}" for name, prefix in PREFIXES.items()}
    return Secrets(**drawn, seed=_drawn(chooser))


def _drawn(chooser: Chooser) -> str:
    return "".join(chooser.choice(DIGITS) for _ in range(SECRET_LENGTH))


def _claim(key: str) -> str:
    return claim_of(sha256(key.encode()).digest())


def _owner(account: int) -> str:
    """Whom the keys of an account are sealed for."""
    return f"stathat {account}"
