"""Sessions: from memory, and never for long after they were ended."""

import random
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from api.accounts.records import (
    IDLE_MS,
    LIFE_MS,
    Kept,
    Member,
    Members,
    Presence,
    User,
    read_record,
    revocation,
)
from api.accounts.remembered import CONFIRM_EVERY_S, CONFIRMED_FOR_S
from api.accounts.sessions import (
    DEVICES_MAX,
    SESSIONS_MAX,
    Sessions,
    Visit,
    csrf_of,
    enter,
    knows,
    present,
)
from engine.clock import TrioClock
from engine.ports import Damaged, Unavailable
from storage.documents import Document
from storage.memory_documents import MemoryDocuments

START_MS = 1_795_302_000_000
ANN = "us_ann"
ACCOUNT = 7


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
async def sessions(
    documents: MemoryDocuments, nursery: trio.Nursery, autojump_clock: MockClock
) -> AsyncIterator[Sessions]:
    found = Sessions(documents, TrioClock(START_MS))
    await nursery.start(found.run)
    yield found
    nursery.cancel_scope.cancel()


@pytest.fixture
async def quiet(documents: MemoryDocuments, autojump_clock: MockClock) -> Sessions:
    """Without a task that would wake four times a second for a month."""
    return Sessions(documents, TrioClock(START_MS))


async def entered(documents: MemoryDocuments, sessions: Sessions, seed: int = 1) -> str:
    """The token of a new session of Ann."""
    now_ms = START_MS + int(trio.current_time() * 1000)
    kept = await sessions.presence(ANN)
    made, write = enter(kept, ACCOUNT, Visit("192.0.2.7"), now_ms, random.Random(seed))
    await documents.write([write], now_ms)
    return made.token


async def with_role(documents: MemoryDocuments, *members: Member) -> None:
    """Make these the members of the account."""
    found = await documents.get("members", ACCOUNT, "all", START_MS)
    kept = Kept("members", ACCOUNT, "all", Members(), 0 if found is None else found.version)
    await documents.write([kept.becomes(Members(members)), revocation()], START_MS)


async def ended(documents: MemoryDocuments) -> None:
    """End all sessions of Ann, as another node does."""
    found = await documents.get("sessions", 0, ANN, START_MS)
    assert found is not None
    kept = read_record(found, Presence)
    await documents.write([present(kept, (), START_MS), revocation()], START_MS)


async def test_a_role_gives_permissions(
    documents: MemoryDocuments, sessions: Sessions, autojump_clock: MockClock
) -> None:
    token = await entered(documents, sessions)
    for role, may in (
        ("viewer", [True, False, False, False]),
        ("editor", [True, True, True, False]),
        ("owner", [True, True, True, True]),
    ):
        await with_role(documents, Member(ANN, "ann@example.com", role, START_MS))  # type: ignore[arg-type]
        await trio.sleep(CONFIRM_EVERY_S * 2)
        identity = await sessions.identify(token)
        assert identity is not None
        assert (identity.account, identity.user) == (ACCOUNT, ANN)
        assert [identity.may(one) for one in ("read", "write", "edit", "admin")] == may
        assert identity.may("person")


async def test_what_another_node_ended_is_gone_within_a_second(
    documents: MemoryDocuments, sessions: Sessions, autojump_clock: MockClock
) -> None:
    token = await entered(documents, sessions)
    assert await sessions.identify(token)
    await ended(documents)
    assert await sessions.identify(token)  # From memory.
    await trio.sleep(CONFIRM_EVERY_S * 2)
    assert await sessions.identify(token) is None


@pytest.mark.parametrize("how", ["ended", "no member any more", "another role"])
async def test_an_open_stream_hears_of_it_within_a_second(
    documents: MemoryDocuments, sessions: Sessions, autojump_clock: MockClock, how: str
) -> None:
    await with_role(documents, Member(ANN, "ann@example.com", "owner", START_MS))
    token = await entered(documents, sessions)
    await trio.sleep(CONFIRM_EVERY_S * 2)
    identity = await sessions.identify(token)
    assert identity is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sessions.until_gone, identity)
        await trio.sleep(5)
        began_s = trio.current_time()
        match how:
            case "ended":
                await ended(documents)
            case "no member any more":
                await with_role(documents)
            case _:
                await with_role(documents, Member(ANN, "ann@example.com", "viewer", START_MS))
    assert trio.current_time() - began_s <= 1.0


async def test_an_open_stream_ends_with_its_session(
    documents: MemoryDocuments, quiet: Sessions, autojump_clock: MockClock
) -> None:
    token = await entered(documents, quiet)
    identity = await quiet.identify(token)
    assert identity is not None
    with trio.fail_after(IDLE_MS / 1000 + 86_500):
        await quiet.until_gone(identity)
    assert trio.current_time() >= IDLE_MS / 1000 - 1


async def test_a_silent_store_knows_nobody(
    documents: MemoryDocuments, sessions: Sessions, autojump_clock: MockClock
) -> None:
    token = await entered(documents, sessions)
    assert await sessions.identify(token)
    documents.failure = Unavailable("gone")
    await trio.sleep(CONFIRMED_FOR_S + CONFIRM_EVERY_S)
    with pytest.raises(Unavailable):
        await sessions.identify(token)
    documents.failure = None
    await trio.sleep(CONFIRM_EVERY_S * 2)
    assert await sessions.identify(token)
    assert "1 known" in repr(sessions)


async def test_a_person_has_so_many_sessions_and_browsers(
    documents: MemoryDocuments, sessions: Sessions, autojump_clock: MockClock
) -> None:
    tokens = []
    for seed in range(SESSIONS_MAX + 5):
        tokens.append(await entered(documents, sessions, seed))
        await trio.sleep(1)
    presence = (await sessions.presence(ANN)).record
    assert (len(presence.sessions), len(presence.devices)) == (SESSIONS_MAX, DEVICES_MAX)
    assert await sessions.identify(tokens[4]) is None
    assert await sessions.identify(tokens[5])


async def test_old_sessions_are_not_kept(
    documents: MemoryDocuments, quiet: Sessions, autojump_clock: MockClock
) -> None:
    await entered(documents, quiet, 1)
    await trio.sleep(LIFE_MS / 1000)
    await entered(documents, quiet, 2)
    assert len((await quiet.presence(ANN)).record.sessions) == 1


async def test_browsers_that_were_here(
    documents: MemoryDocuments, sessions: Sessions, autojump_clock: MockClock
) -> None:
    kept = await sessions.presence(ANN)
    made, write = enter(kept, ACCOUNT, Visit(), START_MS, random.Random(1))
    await documents.write([write], START_MS)
    presence = (await sessions.presence(ANN)).record
    assert knows(presence, made.device, START_MS)
    for other in (None, "", "x", "x" * 43):
        assert not knows(presence, other, START_MS)
    assert not knows(presence, made.device, START_MS + 401 * 86_400_000)


def test_the_token_of_a_page_is_that_of_its_session() -> None:
    assert csrf_of("a" * 43) == csrf_of("a" * 43) != csrf_of("b" * 43)
    assert "a" * 43 not in csrf_of("a" * 43)


@pytest.mark.parametrize("body", [b"", b"\x02x", b"\x01", b"\x01\xc1", b"\x01\x90"])
def test_a_damaged_record_is_named(body: bytes) -> None:
    with pytest.raises(Damaged, match="user us_1"):
        read_record(Document("user", 0, "us_1", body, 1), User)
