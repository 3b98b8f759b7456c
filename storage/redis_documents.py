"""Documents in the store server, all under one hash tag.

{sf}:documents:<kind>:<account>   hash: id → record
{sf}:holders:<kind>               hash: claim → until when (epoch ms, 8 bytes), account (8), id
{sf}:expiring                     sorted set: kind, account and id by when they expire, epoch ms
{sf}:journal:<name>:<account>     stream: b = body, t = epoch ms

A record is a byte 1, version (4 bytes), expiry in epoch ms or 0 (8), length of the claims (2), the
claims joined by line feeds, the body. Numbers are big endian.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

import redis

from engine.ports import Damaged
from storage.documents import (
    DOCUMENTS_MAX,
    JOURNAL_MAX,
    WRITES_MAX,
    Conflict,
    Document,
    Note,
    Taken,
    TooManyDocuments,
    Write,
)
from storage.link import Link
from storage.scripts import Argument, Reply, run_script, run_scripts

EXPIRING: Final = "{sf}:expiring"

_HEAD: Final = Struct(">BIQH")
_HOLDER: Final = Struct(">QQ")
_FORMAT: Final = 1


class RedisDocuments:
    """Documents behind a link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __repr__(self) -> str:
        return f"<RedisDocuments over {self._link!r}>"

    async def write(self, writes: Sequence[Write], now_ms: int) -> list[int]:
        assert len(writes) <= WRITES_MAX, "BUG: too many documents in one step"
        places = {(write.kind, write.account, write.id) for write in writes}
        assert len(places) == len(writes), "BUG: one document twice"
        keys = [EXPIRING]
        arguments: list[Argument] = [now_ms, DOCUMENTS_MAX, *(write.account for write in writes)]
        for write in writes:
            keys += (_documents(write.kind, write.account), _holders(write.kind))
            arguments += _arguments(write)
        call = ("write_documents", keys, arguments)
        return _versions(writes, await self._link.run(lambda client: run_script(client, call)))

    async def get(self, kind: str, account: int, document_id: str, now_ms: int) -> Document | None:
        def step(client: redis.Redis) -> Reply:
            return client.hget(_documents(kind, account), document_id)

        record = await self._link.run(step)
        if record is None:
            return None
        return _living(_read(kind, account, document_id, record)[0], now_ms)

    async def find(self, kind: str, claim: str, now_ms: int) -> Document | None:
        def step(client: redis.Redis) -> Document | None:
            holder: Reply = client.hget(_holders(kind), claim)
            if holder is None:
                return None
            _, account = _HOLDER.unpack_from(holder)
            document_id = holder[_HOLDER.size :].decode()
            record: Reply = client.hget(_documents(kind, account), document_id)
            if record is None:
                return None
            document, claims = _read(kind, account, document_id, record)
            # It may have been written between the two questions.
            return document if claim in claims else None

        found = await self._link.run(step)
        return None if found is None else _living(found, now_ms)

    async def all(self, kind: str, account: int, now_ms: int) -> list[Document]:
        def step(client: redis.Redis) -> Reply:
            return client.hgetall(_documents(kind, account))

        records = await self._link.run(step)
        found = (_read(kind, account, key.decode(), record)[0] for key, record in records.items())
        living = (document for document in found if _living(document, now_ms) is not None)
        return sorted(living, key=lambda document: document.id)

    async def sweep(self, now_ms: int, limit: int) -> int:
        def step(client: redis.Redis) -> int:
            members: Reply = client.zrangebyscore(EXPIRING, 0, now_ms, start=0, num=limit)
            calls = []
            for member in members:
                kind, account, document_id = member.decode().split("\n", 2)
                keys = [EXPIRING, _documents(kind, int(account)), _holders(kind)]
                calls.append(("forget_expired", keys, [now_ms, member, account, document_id]))
            return sum(int(reply) for reply in run_scripts(client, calls)) if calls else 0

        return await self._link.run(step)

    async def note(self, journal: str, account: int, body: bytes, at_ms: int) -> None:
        def step(client: redis.Redis) -> Reply:
            fields: dict[Reply, Reply] = {"b": body, "t": at_ms}
            return client.xadd(_journal(journal, account), fields, maxlen=JOURNAL_MAX)

        await self._link.run(step)

    async def notes(self, journal: str, account: int, before: str | None, limit: int) -> list[Note]:
        def step(client: redis.Redis) -> Reply:
            newest = "+" if before is None else f"({before}"
            return client.xrevrange(_journal(journal, account), max=newest, count=limit)

        found = await self._link.run(step)
        return [Note(key.decode(), int(fields[b"t"]), fields[b"b"]) for key, fields in found]


def _documents(kind: str, account: int) -> str:
    return f"{{sf}}:documents:{kind}:{account}"


def _holders(kind: str) -> str:
    return f"{{sf}}:holders:{kind}"


def _journal(name: str, account: int) -> str:
    return f"{{sf}}:journal:{name}:{account}"


def _arguments(write: Write) -> list[Argument]:
    return [
        write.id,
        f"{write.kind}\n{write.account}\n{write.id}",
        "" if write.expected is None else write.expected,
        write.expires_ms or 0,
        0 if write.body is None else 1,
        "\n".join(write.claims),
        write.body or b"",
    ]


def _versions(writes: Sequence[Write], reply: Reply) -> list[int]:
    match reply:
        case [b"conflict", number, version]:
            write = writes[number - 1]
            raise Conflict(write, f"it has version {version}, not {write.expected}")
        case [b"taken", number, claim]:
            raise Taken(writes[number - 1], claim.decode())
        case [b"full", number]:
            raise TooManyDocuments(writes[number - 1], f"an account has at most {DOCUMENTS_MAX}")
        case _:
            return [int(version) for version in reply]


def _read(kind: str, account: int, document_id: str, record: bytes) -> tuple[Document, list[str]]:
    """A record as the document and its claims; Damaged when it is none."""
    if len(record) < _HEAD.size or record[0] != _FORMAT:
        raise Damaged(f"{kind} {document_id} of account {account}: its format is not known here")
    _, version, expires_ms, size = _HEAD.unpack_from(record)
    claims = record[_HEAD.size : _HEAD.size + size].decode()
    body = record[_HEAD.size + size :]
    document = Document(kind, account, document_id, body, version, expires_ms or None)
    return document, claims.split("\n") if claims else []


def _living(document: Document, now_ms: int) -> Document | None:
    expired = document.expires_ms is not None and document.expires_ms <= now_ms
    return None if expired else document
