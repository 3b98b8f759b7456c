"""Dashboards and their shares as documents.

Law: a share is found by the digest of its token alone, and the token is known to nobody but whoever
got it. What has expired or was revoked is gone at once, for every reader.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from api.boards.board import Board, renamed
from engine.base62 import DIGITS, base62
from storage.documents import Conflict, Document, Documents, Write

BOARD: Final = "board"
SHARE: Final = "share"

TOKEN_LENGTH: Final = 26
"""Characters after `pd_`: 154 bits."""

SHARES_MAX: Final = 50
"""Shares of one board."""


class BoardRecord(Struct, frozen=True, omit_defaults=True):
    """A board as it is kept; times are epoch ms. `by` is the import that brought it, if one did."""

    board: Board
    created_ms: int
    changed_ms: int
    by: str = ""


class ShareRecord(Struct, frozen=True):
    """A share as it is kept: of which board, with which variables locked, to be framed by whom."""

    board: str
    created_ms: int
    variables: dict[str, str] = {}
    origins: tuple[str, ...] = ()
    views: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class KeptBoard:
    """A board with its id; `version` counts its writes."""

    id: str
    account: int
    version: int
    record: BoardRecord


@dataclass(frozen=True, slots=True)
class KeptShare:
    """A share with its id."""

    id: str
    account: int
    version: int
    expires_ms: int | None
    record: ShareRecord


@dataclass(frozen=True, slots=True)
class Boards:
    """The dashboards of every account."""

    documents: Documents

    async def all(self, account: int, now_ms: int) -> list[KeptBoard]:
        """The boards of an account, the last changed first."""
        found = await self.documents.all(BOARD, account, now_ms)
        boards = [_board(one) for one in found]
        return sorted(boards, key=lambda one: (-one.record.changed_ms, one.id))

    async def get(self, account: int, board: str, now_ms: int) -> KeptBoard | None:
        """One board, or None."""
        found = await self.documents.get(BOARD, account, board, now_ms)
        return None if found is None else _board(found)

    async def create(self, account: int, board: Board, now_ms: int, by: str = "") -> KeptBoard:
        """A new board; TooManyDocuments when the account has as many as it may."""
        name = f"db_{base62(secrets.randbits(64))}"
        return await self._write(account, name, BoardRecord(board, now_ms, now_ms, by), 0, now_ms)

    async def replace(
        self, kept: KeptBoard, board: Board, expected: int | None, now_ms: int
    ) -> KeptBoard:
        """Write a board over what it was; Conflict when it has another version than expected."""
        record = msgspec.structs.replace(kept.record, board=board, changed_ms=now_ms)
        return await self._write(kept.account, kept.id, record, expected, now_ms)

    async def rename(self, account: int, before: str, after: str, now_ms: int) -> None:
        """Let the boards of an account follow a stat that has another name now."""
        for kept in await self.all(account, now_ms):
            found: KeptBoard | None = kept
            while found is not None and (board := renamed(found.record.board, before, after)):
                try:
                    await self.replace(found, board, found.version, now_ms)
                    break
                except Conflict:  # Somebody moved a panel meanwhile.
                    found = await self.get(account, kept.id, now_ms)

    async def forget(self, kept: KeptBoard, expected: int | None, now_ms: int) -> None:
        """Forget a board and its shares."""
        shares = await self.shares(kept.account, kept.id, now_ms)
        writes = [Write(SHARE, one.account, one.id, None) for one in shares]
        board = Write(BOARD, kept.account, kept.id, None, expected)
        await self.documents.write([board, *writes], now_ms)

    async def shares(self, account: int, board: str, now_ms: int) -> list[KeptShare]:
        """The shares of a board, the oldest first."""
        found = [_share(one) for one in await self.documents.all(SHARE, account, now_ms)]
        mine = [one for one in found if one.record.board == board]
        return sorted(mine, key=lambda one: one.record.created_ms)

    async def share(
        self, account: int, record: ShareRecord, expires_ms: int | None, now_ms: int
    ) -> tuple[KeptShare, str]:
        """A new share and its token, which is told this once."""
        token = "pd_" + "".join(secrets.choice(DIGITS) for _ in range(TOKEN_LENGTH))
        name = f"sh_{base62(secrets.randbits(64))}"
        record = msgspec.structs.replace(record, digest=_digest(token))
        kept = KeptShare(name, account, 1, expires_ms, record)
        await self.documents.write([_share_write(kept, 0)], now_ms)
        return kept, token

    async def revoke(self, account: int, board: str, share: str, now_ms: int) -> bool:
        """Forget a share; False when the board has none of that id."""
        mine = await self.shares(account, board, now_ms)
        if share not in {one.id for one in mine}:
            return False
        await self.documents.write([Write(SHARE, account, share, None)], now_ms)
        return True

    async def shared(self, token: str, now_ms: int) -> tuple[KeptShare, KeptBoard] | None:
        """The share of a token and its board, or None."""
        found = await self.documents.find(SHARE, _digest(token), now_ms)
        if found is None:
            return None
        share = _share(found)
        board = await self.get(share.account, share.record.board, now_ms)
        return None if board is None else (share, board)

    async def viewed(self, share: KeptShare, views: int, now_ms: int) -> None:
        """Count views; Conflict when somebody else wrote the share meanwhile."""
        record = msgspec.structs.replace(share.record, views=share.record.views + views)
        kept = KeptShare(share.id, share.account, share.version, share.expires_ms, record)
        await self.documents.write([_share_write(kept, share.version)], now_ms)

    async def _write(
        self, account: int, name: str, record: BoardRecord, expected: int | None, now_ms: int
    ) -> KeptBoard:
        body = msgspec.json.encode(record)
        write = Write(BOARD, account, name, body, expected)
        (version,) = await self.documents.write([write], now_ms)
        return KeptBoard(name, account, version, record)


def _board(found: Document) -> KeptBoard:
    record = msgspec.json.decode(found.body, type=BoardRecord)
    return KeptBoard(found.id, found.account, found.version, record)


def _share(found: Document) -> KeptShare:
    record = msgspec.json.decode(found.body, type=ShareRecord)
    return KeptShare(found.id, found.account, found.version, found.expires_ms, record)


def _share_write(kept: KeptShare, expected: int) -> Write:
    body = msgspec.json.encode(kept.record)
    claims = (kept.record.digest,)
    return Write(SHARE, kept.account, kept.id, body, expected, kept.expires_ms, claims)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
