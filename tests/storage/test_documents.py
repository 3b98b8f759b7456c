"""Documents: one contract, kept in memory and on a server."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from engine.ports import Damaged
from storage import memory_documents, redis_documents
from storage.documents import (
    BODY_BYTES_MAX,
    Conflict,
    Document,
    Documents,
    Taken,
    TooManyDocuments,
    Write,
)
from storage.link import Link
from storage.memory_documents import MemoryDocuments
from storage.redis_documents import RedisDocuments
from storage.server.testing import ThrowawayServer, embedded_server

NOW_MS = 1_795_302_000_000
LATER_MS = NOW_MS + 60_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThrowawayServer]:
    with embedded_server(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.real)])
def documents(request: pytest.FixtureRequest) -> Iterator[Documents]:
    if request.param == "memory":
        yield MemoryDocuments()
        return
    running = request.getfixturevalue("server")
    with running.client() as client:
        client.flushall()
    with closing(Link(running.url)) as link:
        yield RedisDocuments(link)


def session(name: str, *claims: str, account: int = 1, body: bytes = b"\x00\xff") -> Write:
    return Write("session", account, name, body, claims=claims)


async def test_a_document_is_as_it_was_written(documents: Documents) -> None:
    assert await documents.write([session("a")], NOW_MS) == [1]
    found = await documents.get("session", 1, "a", NOW_MS)
    assert found == Document("session", 1, "a", b"\x00\xff", 1)
    assert await documents.write([session("a", body=b"")], NOW_MS) == [2]
    assert await documents.get("session", 1, "a", NOW_MS) == Document("session", 1, "a", b"", 2)


async def test_kinds_and_accounts_are_apart(documents: Documents) -> None:
    await documents.write([session("a"), session("a", account=2), session("b")], NOW_MS)
    await documents.write([Write("user", 1, "a", b"u")], NOW_MS)
    assert [found.id for found in await documents.all("session", 1, NOW_MS)] == ["a", "b"]
    assert await documents.get("session", 3, "a", NOW_MS) is None
    assert await documents.all("session", 3, NOW_MS) == []


async def test_whoever_knows_an_old_version_does_not_overwrite_a_newer_one(
    documents: Documents,
) -> None:
    new = replace(session("a"), expected=0)
    assert await documents.write([new], NOW_MS) == [1]
    with pytest.raises(Conflict):
        await documents.write([new], NOW_MS)
    assert await documents.write([replace(new, expected=1)], NOW_MS) == [2]
    with pytest.raises(Conflict, match="version 2, not 1"):
        await documents.write([replace(new, expected=1, body=None)], NOW_MS)
    assert await documents.write([replace(new, expected=2, body=None)], NOW_MS) == [0]
    assert await documents.get("session", 1, "a", NOW_MS) is None


async def test_a_step_writes_all_or_nothing(documents: Documents) -> None:
    with pytest.raises(Conflict) as raised:
        await documents.write([session("a"), replace(session("b"), expected=3)], NOW_MS)
    assert raised.value.write.id == "b"
    assert await documents.all("session", 1, NOW_MS) == []


async def test_a_claim_has_one_holder(documents: Documents) -> None:
    await documents.write([session("a", "x@example.org", "token")], NOW_MS)
    with pytest.raises(Taken) as raised:
        await documents.write([session("b", "y@example.org", "token", account=2)], NOW_MS)
    assert raised.value.claim == "token"
    found = await documents.find("session", "x@example.org", NOW_MS)
    assert found is not None
    assert found.id == "a"
    assert await documents.find("session", "y@example.org", NOW_MS) is None
    assert await documents.find("user", "token", NOW_MS) is None


async def test_a_claim_can_be_passed_on_in_one_step(documents: Documents) -> None:
    await documents.write([session("a", "token")], NOW_MS)
    await documents.write([session("a"), session("b", "token", account=2)], NOW_MS)
    found = await documents.find("session", "token", NOW_MS)
    assert found is not None
    assert (found.account, found.id) == (2, "b")
    await documents.write([Write("session", 2, "b", None), session("c", "token")], NOW_MS)
    found = await documents.find("session", "token", NOW_MS)
    assert found is not None
    assert found.id == "c"
    with pytest.raises(Taken):
        await documents.write([session("d", "new"), session("e", "new")], NOW_MS)


async def test_what_has_expired_is_gone(documents: Documents) -> None:
    short = replace(session("a", "token"), expires_ms=LATER_MS)
    await documents.write([short, session("b")], NOW_MS)
    assert await documents.find("session", "token", LATER_MS - 1) is not None
    assert await documents.find("session", "token", LATER_MS) is None
    assert await documents.get("session", 1, "a", LATER_MS) is None
    assert [found.id for found in await documents.all("session", 1, LATER_MS)] == ["b"]
    # Its name is free, and whoever comes next begins anew.
    assert await documents.write([session("c", "token")], LATER_MS) == [1]
    assert await documents.write([replace(short, expected=0, claims=())], LATER_MS) == [1]


async def test_the_sweep_forgets_what_has_expired(documents: Documents) -> None:
    short = [replace(session(name, name), expires_ms=LATER_MS) for name in "abc"]
    await documents.write([*short, session("d")], NOW_MS)
    await documents.write([replace(short[2], expires_ms=LATER_MS + 1)], NOW_MS)
    assert await documents.sweep(NOW_MS, 10) == 0
    assert await documents.sweep(LATER_MS, 1) == 1
    assert await documents.sweep(LATER_MS, 10) == 1
    assert [found.id for found in await documents.all("session", 1, NOW_MS)] == ["c", "d"]
    assert await documents.find("session", "a", NOW_MS) is None
    assert await documents.find("session", "c", NOW_MS) is not None


async def test_what_no_longer_expires_is_not_swept(documents: Documents) -> None:
    await documents.write([replace(session("a"), expires_ms=LATER_MS)], NOW_MS)
    await documents.write([session("a")], NOW_MS)
    assert await documents.sweep(LATER_MS, 10) == 0
    assert await documents.get("session", 1, "a", LATER_MS) is not None


async def test_an_account_has_a_limit(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (memory_documents, redis_documents):
        monkeypatch.setattr(module, "DOCUMENTS_MAX", 2)
    await documents.write([session("a"), session("b")], NOW_MS)
    with pytest.raises(TooManyDocuments):
        await documents.write([session("c")], NOW_MS)
    assert await documents.write([session("a"), session("c", account=2)], NOW_MS) == [2, 1]
    await documents.write([session(name, account=0) for name in "abc"], NOW_MS)
    assert len(await documents.all("session", 0, NOW_MS)) == 3


async def test_of_many_at_once_one_is_first(documents: Documents) -> None:
    first = []

    async def write(name: str) -> None:
        try:
            await documents.write([replace(session("one"), expected=0, body=name.encode())], NOW_MS)
        except Conflict:
            return
        first.append(name)

    async with trio.open_nursery() as nursery:
        for name in "abcdef":
            nursery.start_soon(write, name)
    found = await documents.get("session", 1, "one", NOW_MS)
    assert found is not None
    assert [found.body.decode()] == first


async def test_a_large_document_of_any_bytes(documents: Documents) -> None:
    body = bytes(range(256)) * (BODY_BYTES_MAX // 256)
    await documents.write([session("ünï/ \n:*", "ünï", body=body)], NOW_MS)
    found = await documents.find("session", "ünï", NOW_MS)
    assert found is not None
    assert (found.id, found.body == body) == ("ünï/ \n:*", True)
    short = replace(session("ünï/ \n:*"), expires_ms=LATER_MS)
    await documents.write([short], NOW_MS)
    assert await documents.sweep(LATER_MS, 10) == 1


async def test_a_journal_is_read_backwards(documents: Documents) -> None:
    for number in range(5):
        await documents.note("audit", 1, b"%d" % number, NOW_MS + number)
    await documents.note("audit", 2, b"other", NOW_MS)
    newest = await documents.notes("audit", 1, None, 2)
    assert [(note.at_ms - NOW_MS, note.body) for note in newest] == [(4, b"4"), (3, b"3")]
    rest = await documents.notes("audit", 1, newest[-1].id, 10)
    assert [note.body for note in rest] == [b"2", b"1", b"0"]
    assert await documents.notes("other", 1, None, 10) == []


@pytest.mark.real
async def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "store") as running:
        with running.client() as client:
            client.hset("{sf}:documents:session:1", "a", b"\x09nonsense")
        with closing(Link(running.url)) as link, pytest.raises(Damaged, match="session a"):
            await RedisDocuments(link).get("session", 1, "a", NOW_MS)
