"""Accounts and keys in the store server, all under one hash tag.

{sf}:next_account       counter: the last account id that was given away
{sf}:accounts           hash: account id → record
{sf}:keys               hash: SHA-256 of a key → record
{sf}:key_ids:<account>  hash: key id → SHA-256 of the key
{sf}:keys_used:<acc.>   hash: key id → when it was last used, epoch ms
{sf}:key_generation     counter, raised by every revocation
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import redis

from storage.catalog import (
    ACCOUNT_KEYS_MAX,
    OWNER,
    Account,
    KeyIdTaken,
    KeyRecord,
    TooManyKeys,
)
from storage.link import Link
from storage.records import pack, unpack, unpack_all
from storage.scripts import Argument, Reply, run_script

NEXT_ACCOUNT: Final = "{sf}:next_account"
ACCOUNTS: Final = "{sf}:accounts"
KEYS: Final = "{sf}:keys"
GENERATION: Final = "{sf}:key_generation"


class RedisCatalog:
    """The catalogue behind a link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __repr__(self) -> str:
        return f"<RedisCatalog over {self._link!r}>"

    async def found(self, name: str, created_ms: int, key: KeyRecord) -> bool:
        assert key.account == OWNER, "BUG: the first key is the owner's"
        account = pack(name, created_ms, 1)
        reply = await self._script(
            "found_owner",
            [NEXT_ACCOUNT, ACCOUNTS, KEYS, _ids(OWNER)],
            [OWNER, account, key.digest, pack_key(key), key.id],
        )
        return bool(reply)

    async def create_account(self, name: str, created_ms: int, spread: int = 1) -> Account:
        record = pack(name, created_ms, spread)
        number = await self._script("create_account", [NEXT_ACCOUNT, ACCOUNTS], [record])
        return Account(int(number), name, created_ms, spread)

    async def account(self, number: int) -> Account | None:
        def step(client: redis.Redis) -> Reply:
            return client.hget(ACCOUNTS, str(number))

        record = await self._link.run(step)
        return None if record is None else _account(number, record)

    async def accounts(self) -> list[Account]:
        def step(client: redis.Redis) -> Reply:
            return client.hgetall(ACCOUNTS)

        found = {int(number): record for number, record in (await self._link.run(step)).items()}
        return [_account(number, found[number]) for number in sorted(found)]

    async def rename_account(self, number: int, name: str) -> bool:
        def step(client: redis.Redis) -> Reply:
            return client.hget(ACCOUNTS, str(number))

        while (old := await self._link.run(step)) is not None:
            record = _with_name(old, name, number)
            if await self._script("replace_account", [ACCOUNTS], [number, old, record]):
                return True
        return False

    async def put_key(self, key: KeyRecord) -> None:
        arguments: list[Argument] = [key.digest, pack_key(key), key.id, ACCOUNT_KEYS_MAX]
        reply = await self._script("put_key", [KEYS, _ids(key.account)], arguments)
        if reply == b"taken":
            raise KeyIdTaken(key.id)
        if reply == b"full":
            raise TooManyKeys(f"an account has at most {ACCOUNT_KEYS_MAX} API keys")

    async def key(self, digest: bytes) -> KeyRecord | None:
        def step(client: redis.Redis) -> Reply:
            return client.hmget(KEYS, [digest])

        (record,) = await self._link.run(step)
        return None if record is None else unpack_key(digest, record)

    async def keys(self, account: int) -> list[KeyRecord]:
        def step(client: redis.Redis) -> list[KeyRecord]:
            ids: Reply = client.hgetall(_ids(account))
            if not ids:
                return []
            used: Reply = client.hgetall(_used(account))
            records: Reply = client.hmget(KEYS, list(ids.values()))
            return [
                replace(
                    unpack_key(digest, record),
                    used_ms=int(used[key_id]) if key_id in used else None,
                )
                for (key_id, digest), record in zip(ids.items(), records, strict=True)
                # None when it was revoked between the questions.
                if record is not None
            ]

        found = await self._link.run(step)
        return sorted(found, key=lambda key: (key.created_ms, key.id))

    async def revoke_key(self, account: int, key_id: str) -> bool:
        keys = [KEYS, _ids(account), _used(account), GENERATION]
        return bool(await self._script("revoke_key", keys, [key_id]))

    async def generation(self) -> int:
        def step(client: redis.Redis) -> Reply:
            return client.get(GENERATION)

        return int(await self._link.run(step) or 0)

    async def note_used(self, used: Mapping[tuple[int, str], int]) -> None:
        by_account: dict[int, list[Argument]] = {}
        for (account, key_id), at_ms in used.items():
            by_account.setdefault(account, []).extend((key_id, at_ms))
        for account, arguments in by_account.items():
            await self._script("note_used", [_ids(account), _used(account)], arguments)

    async def _script(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Reply:
        return await self._link.run(lambda client: run_script(client, (name, keys, arguments)))


def _ids(account: int) -> str:
    return f"{{sf}}:key_ids:{account}"


def _used(account: int) -> str:
    return f"{{sf}}:keys_used:{account}"


def _account(number: int, record: bytes) -> Account:
    name, created_ms, spread = unpack(record, 3, "account", number)
    return Account(number, name, created_ms, spread)


def _with_name(record: bytes, name: str, number: int) -> bytes:
    """The record with another name, and with fields that a later release may have added."""
    _, *rest = unpack_all(record, "account", number)
    return pack(name, *rest)


def pack_key(key: KeyRecord) -> bytes:
    """The key as it is kept, under its digest."""
    return pack(
        key.id, key.account, key.last4, key.name, key.scopes, key.prefix,
        key.created_ms, key.expires_ms, key.allow_from,
    )  # fmt: skip


def unpack_key(digest: bytes, record: bytes) -> KeyRecord:
    """The key of a record; Damaged, naming it, when it is none."""
    key_id, account, last4, name, scopes, prefix, created_ms, expires_ms, allow_from = unpack(
        record, 9, "API key", digest.hex(), added=((),)
    )
    return KeyRecord(
        key_id, account, digest, last4, name, scopes, prefix, created_ms, expires_ms,
        allow_from=allow_from,
    )  # fmt: skip
