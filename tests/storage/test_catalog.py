"""Accounts and keys: one contract, kept by the memory catalogue and by the one on a server."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import trio

from engine.ports import Damaged, Refused, Unavailable
from storage.catalog import (
    ACCOUNT_KEYS_MAX,
    OWNER,
    Account,
    Catalog,
    KeyIdTaken,
    KeyRecord,
    TooManyKeys,
)
from storage.link import Link
from storage.memory_catalog import MemoryCatalog
from storage.redis_catalog import RedisCatalog
from storage.server.testing import ThrowawayServer, embedded_server

NOW_MS = 1_795_302_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThrowawayServer]:
    with embedded_server(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.real)])
def catalog(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    if request.param == "memory":
        yield MemoryCatalog()
        return
    running = request.getfixturevalue("server")
    with running.client() as client:
        client.flushall()
    with closing(Link(running.url)) as link:
        yield RedisCatalog(link)


def key(name: str = "qZkvkSoa", account: int = OWNER, created_ms: int = NOW_MS) -> KeyRecord:
    digest = sha256(f"{account} {name}".encode()).digest()
    return KeyRecord(name, account, digest, "D85V", "ci", ("read", "write"), None, created_ms)


async def test_the_first_start_founds_the_owner_with_a_key(catalog: Catalog) -> None:
    assert await catalog.found("owner", NOW_MS, key())
    assert await catalog.accounts() == [Account(OWNER, "owner", NOW_MS)]
    assert await catalog.account(OWNER) == Account(OWNER, "owner", NOW_MS)
    assert await catalog.account(OWNER + 1) is None
    assert await catalog.keys(OWNER) == [key()]


async def test_an_account_is_renamed(catalog: Catalog) -> None:
    account = await catalog.create_account("shop", NOW_MS, spread=4)
    assert await catalog.rename_account(account.id, "bar")
    assert await catalog.account(account.id) == replace(account, name="bar")
    assert not await catalog.rename_account(account.id + 1, "bar")


async def test_networks_of_a_key_are_kept(catalog: Catalog) -> None:
    limited = replace(key(), allow_from=("10.0.0.0/8", "2001:db8::/32"))
    await catalog.put_key(limited)
    assert await catalog.key(limited.digest) == limited


async def test_only_one_of_many_first_starts_founds(catalog: Catalog) -> None:
    founded = []

    async def start(name: str) -> None:
        if await catalog.found("owner", NOW_MS, key(name)):
            founded.append(name)

    async with trio.open_nursery() as nursery:
        for name in ("aaaaaaaa", "bbbbbbbb", "cccccccc"):
            nursery.start_soon(start, name)
    assert [kept.id for kept in await catalog.keys(OWNER)] == founded
    assert len(founded) == 1


async def test_accounts_have_ids_of_their_own(catalog: Catalog) -> None:
    await catalog.found("owner", NOW_MS, key())
    second = await catalog.create_account("second", NOW_MS + 1)
    third = await catalog.create_account("third", NOW_MS + 2, spread=4)
    assert second.id != third.id
    assert await catalog.accounts() == [
        Account(OWNER, "owner", NOW_MS),
        Account(second.id, "second", NOW_MS + 1),
        Account(third.id, "third", NOW_MS + 2, spread=4),
    ]
    assert not await catalog.found("late", NOW_MS, key())


async def test_a_key_is_found_by_its_digest_whole(catalog: Catalog) -> None:
    whole = replace(key(), prefix="web.é", expires_ms=NOW_MS + 60_000, scopes=("write",))
    await catalog.put_key(whole)
    assert await catalog.key(whole.digest) == whole
    assert await catalog.key(bytes(32)) is None


async def test_keys_are_listed_by_account_the_oldest_first(catalog: Catalog) -> None:
    old, new, other = key("zzzzzzzz"), key("aaaaaaaa", created_ms=NOW_MS + 1), key(account=2)
    for one in (new, other, old):
        await catalog.put_key(one)
    assert await catalog.keys(OWNER) == [old, new]
    assert await catalog.keys(2) == [other]
    assert await catalog.keys(3) == []


async def test_a_key_id_is_given_once_in_an_account(catalog: Catalog) -> None:
    await catalog.put_key(key())
    with pytest.raises(KeyIdTaken):
        await catalog.put_key(replace(key(), digest=bytes(32)))
    assert await catalog.key(bytes(32)) is None
    await catalog.put_key(key(account=2))


async def test_an_account_has_so_many_keys_and_no_more(catalog: Catalog) -> None:
    for number in range(ACCOUNT_KEYS_MAX):
        await catalog.put_key(key(f"{number:08}"))
    with pytest.raises(TooManyKeys, match="at most 1000"):
        await catalog.put_key(key())
    await catalog.revoke_key(OWNER, "00000007")
    await catalog.put_key(key())


async def test_a_revoked_key_is_gone_and_the_generation_says_so(catalog: Catalog) -> None:
    await catalog.put_key(key())
    before = await catalog.generation()
    assert await catalog.revoke_key(OWNER, key().id)
    assert await catalog.generation() != before
    assert await catalog.key(key().digest) is None
    assert await catalog.keys(OWNER) == []


async def test_only_an_own_key_can_be_revoked(catalog: Catalog) -> None:
    await catalog.put_key(key())
    before = await catalog.generation()
    assert not await catalog.revoke_key(2, key().id)
    assert not await catalog.revoke_key(OWNER, "nosuchid")
    assert await catalog.generation() == before
    assert await catalog.key(key().digest) == key()


async def test_the_last_use_is_told_and_goes_with_the_key(catalog: Catalog) -> None:
    await catalog.put_key(key())
    await catalog.put_key(key(account=2))
    await catalog.note_used({(OWNER, key().id): NOW_MS + 5, (2, key().id): NOW_MS + 6})
    assert [kept.used_ms for kept in await catalog.keys(OWNER)] == [NOW_MS + 5]
    assert [kept.used_ms for kept in await catalog.keys(2)] == [NOW_MS + 6]
    await catalog.revoke_key(OWNER, key().id)
    await catalog.note_used({(OWNER, key().id): NOW_MS + 7})
    await catalog.put_key(key())
    assert [kept.used_ms for kept in await catalog.keys(OWNER)] == [None]


async def test_the_memory_catalogue_fails_when_told_to() -> None:
    catalog = MemoryCatalog()
    catalog.failure = Unavailable("gone")
    with pytest.raises(Unavailable):
        await catalog.generation()
    assert repr(catalog) == "<MemoryCatalog 0 accounts, 0 keys>"


@pytest.mark.real
async def test_a_full_server_takes_no_key_but_still_revokes(tmp_path: Path) -> None:
    with embedded_server(tmp_path) as full, closing(Link(full.url)) as link:
        catalog = RedisCatalog(link)
        await catalog.put_key(key())
        full.restart(maxmemory=1)
        with pytest.raises(Refused):
            await catalog.put_key(key(account=2))
        assert await catalog.revoke_key(OWNER, key().id)
        assert await catalog.generation() == 1


@pytest.mark.real
async def test_a_damaged_record_is_named(server: ThrowawayServer) -> None:
    with closing(Link(server.url)) as link, server.client() as client:
        client.flushall()
        client.hset("{sf}:accounts", "7", b"\x02later")
        catalog = RedisCatalog(link)
        with pytest.raises(Damaged, match="account 7: its version is 02"):
            await catalog.accounts()
        assert repr(catalog).startswith("<RedisCatalog over <Link 0 running")
