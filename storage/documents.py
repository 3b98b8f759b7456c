"""Documents: small records of accounts, such as sessions, dashboards and channels.

Law: a call writes all of its documents or none, in one step. What has expired is gone for every
reader at once, and is swept away later. Kinds are names of the code; what users choose is an id, a
claim or a body, never a part of a key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

BODY_BYTES_MAX: Final = 256 * 1024
"""Bytes of one document."""

DOCUMENTS_MAX: Final = 10_000
"""Documents of one kind in one account; of no account there are as many as there are accounts."""

WRITES_MAX: Final = 200
"""Documents in one step: the store does nothing else meanwhile."""

CLAIMS_BYTES_MAX: Final = 4_096
"""All claims of one document together."""

JOURNAL_MAX: Final = 10_000
"""Notes kept in a journal, about; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it is kept: `version` counts its writes from 1, times are epoch ms.

    Account 0 stands for no account.
    """

    kind: str
    account: int
    id: str
    body: bytes
    version: int
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """What becomes of one document; without a body it is forgotten.

    `expected` is the version that it must have now, 0 when there must be none, None for any.
    `claims` are names within the kind of which each is held by one document at a time, for instance
    an e-mail address or the digest of a token; they replace those that it held before.
    """

    kind: str
    account: int
    id: str
    body: bytes | None
    expected: int | None = None
    expires_ms: int | None = None
    claims: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.body or b"") <= BODY_BYTES_MAX, f"BUG: a {self.kind} is too large"
        held = "\n".join(self.claims)
        assert len(held.encode()) <= CLAIMS_BYTES_MAX, f"BUG: a {self.kind} claims too much"
        assert held.count("\n") == max(0, len(self.claims) - 1), "BUG: a claim of several lines"


class Note(NamedTuple):
    """One entry of a journal; `at_ms` is in epoch ms, `id` orders the notes."""

    id: str
    at_ms: int
    body: bytes


class NotWritten(Exception):
    """Nothing was written; `write` is the one that could not be."""

    def __init__(self, write: Write, text: str) -> None:
        super().__init__(f"{write.kind} {write.id}: {text}")
        self.write = write


class Conflict(NotWritten):
    """The document has another version than expected: read it again."""


class Taken(NotWritten):
    """Another document holds the name `claim`."""

    def __init__(self, write: Write, claim: str) -> None:
        super().__init__(write, "another one holds its name")
        self.claim = claim


class TooManyDocuments(NotWritten):
    """The account has as many of the kind as it may."""


class Documents(Protocol):
    """Where documents are kept; errors are those of `engine.ports` and `NotWritten`."""

    async def write(self, writes: Sequence[Write], now_ms: int) -> list[int]:
        """Write different documents in one step; returns their versions, 0 for forgotten ones."""

    async def get(self, kind: str, account: int, document_id: str, now_ms: int) -> Document | None:
        """One document, or None."""

    async def find(self, kind: str, claim: str, now_ms: int) -> Document | None:
        """The document that holds a claim, or None."""

    async def all(self, kind: str, account: int, now_ms: int) -> list[Document]:
        """Every document of a kind in an account, by id."""

    async def sweep(self, now_ms: int, limit: int) -> int:
        """Forget at most `limit` documents that have expired; returns how many there were."""

    async def note(self, journal: str, account: int, body: bytes, at_ms: int) -> None:
        """Write an entry into a journal of an account."""

    async def notes(self, journal: str, account: int, before: str | None, limit: int) -> list[Note]:
        """At most `limit` entries of a journal, the newest first; those before the id `before`."""
