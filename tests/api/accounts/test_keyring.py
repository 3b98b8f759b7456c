"""The keyring: who a key belongs to, from memory, and never for long after it was revoked."""

import random
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from api.accounts import remembered as module
from api.accounts.keyring import Keyring
from engine.clock import TrioClock
from engine.ports import Refused, StoreError, Unavailable
from storage.catalog import OWNER, KeyRecord
from storage.memory_catalog import MemoryCatalog

START_MS = 1_795_302_000_000


class CountingCatalog(MemoryCatalog):
    """Counts questions; while `gate` is there, answers wait for it, and then perhaps fail.

    The generation cannot be read `away` times.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.gate: trio.Event | None = None
        self.late_failure: StoreError | None = None
        self.away = 0

    async def generation(self) -> int:
        if self.away:
            self.away -= 1
            raise Unavailable("the store was killed")
        return await super().generation()

    async def key(self, digest: bytes) -> KeyRecord | None:
        self.asked += 1
        found = await super().key(digest)
        if self.gate is not None:
            await self.gate.wait()
        if self.late_failure is not None:
            raise self.late_failure
        return found


@pytest.fixture
def catalog() -> CountingCatalog:
    return CountingCatalog()


@pytest.fixture
def keyring(catalog: CountingCatalog) -> Keyring:
    return Keyring(catalog, TrioClock(START_MS), random.Random(1))


@pytest.fixture
async def running(
    keyring: Keyring, nursery: trio.Nursery, autojump_clock: MockClock
) -> AsyncIterator[Keyring]:
    await nursery.start(keyring.run)
    yield keyring
    nursery.cancel_scope.cancel()


def other_node(catalog: CountingCatalog) -> Keyring:
    return Keyring(catalog, TrioClock(START_MS), random.Random(2))


async def test_a_key_says_who_asks(keyring: Keyring) -> None:
    made = await keyring.create(OWNER, "ci", ["write", "read"], prefix="web.")
    identity = await keyring.identify(made.secret)
    assert identity is not None
    assert (identity.account, identity.key_id) == (OWNER, made.record.id)
    assert identity.scopes == {"read", "write"}
    assert identity.prefix == "web."


async def test_a_mistyped_key_is_refused_without_asking(
    keyring: Keyring, catalog: CountingCatalog
) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    for mistyped in ("", "sf_typo", made.secret[:-1] + "!", made.secret.swapcase(), "é" * 49):
        assert await keyring.identify(mistyped) is None
    assert catalog.asked == 0


async def test_a_known_key_is_asked_for_once(keyring: Keyring, catalog: CountingCatalog) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    for _ in range(10):
        assert await keyring.identify(made.secret)
    assert catalog.asked == 1


async def test_those_who_ask_for_a_key_at_once_share_the_question(
    keyring: Keyring, catalog: CountingCatalog
) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    catalog.gate = trio.Event()
    found = []

    async def ask() -> None:
        found.append(await keyring.identify(made.secret))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        catalog.gate.set()
    assert len(found) == 10
    assert None not in found
    assert catalog.asked == 1


async def test_those_who_share_a_question_share_its_failure(
    keyring: Keyring, catalog: CountingCatalog
) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    await keyring.confirm()
    catalog.gate = trio.Event()
    failed = 0

    async def ask() -> None:
        nonlocal failed
        try:
            await keyring.identify(made.secret)
        except Unavailable:
            failed += 1

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        catalog.late_failure = Unavailable("gone")
        catalog.gate.set()
    assert failed == 10
    assert catalog.asked == 1


async def test_who_shares_a_question_gets_an_answer_though_the_first_one_left(
    keyring: Keyring, catalog: CountingCatalog
) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    catalog.gate = trio.Event()
    with trio.CancelScope() as first:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keyring.identify, made.secret)
            await trio.testing.wait_all_tasks_blocked()
            first.cancel()
    catalog.gate = None
    assert await keyring.identify(made.secret)


async def test_a_start_outlasts_a_store_that_is_away_for_a_moment(
    keyring: Keyring, catalog: CountingCatalog, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    catalog.away = 3
    await nursery.start(keyring.run)
    assert catalog.away == 0
    assert keyring.confirmed
    nursery.cancel_scope.cancel()


async def test_an_unknown_key_is_asked_for_again_after_a_while(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    unknown = (await other_node(CountingCatalog()).create(OWNER, "ci", ["read"])).secret
    for _ in range(10):
        assert await running.identify(unknown) is None
    assert catalog.asked == 1
    await trio.sleep(module.UNKNOWN_FOR_S + 1)
    assert await running.identify(unknown) is None
    assert catalog.asked == 2


async def test_memory_of_unknown_keys_is_bounded(
    keyring: Keyring, catalog: CountingCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNKNOWN_MAX", 2)
    stranger = other_node(CountingCatalog())
    unknown = [(await stranger.create(OWNER, "ci", ["read"])).secret for _ in range(3)]
    for secret in unknown:
        assert await keyring.identify(secret) is None
    await keyring.identify(unknown[2])
    assert catalog.asked == 3
    await keyring.identify(unknown[0])
    assert catalog.asked == 4


async def test_a_key_revoked_here_is_gone_at_once(keyring: Keyring) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    assert await keyring.identify(made.secret)
    assert await keyring.revoke(OWNER, made.record.id)
    assert await keyring.identify(made.secret) is None
    assert await keyring.keys(OWNER) == []


async def test_a_key_revoked_elsewhere_is_gone_within_a_second(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])
    assert await running.identify(made.secret)
    await other_node(catalog).revoke(OWNER, made.record.id)
    await trio.sleep(1)
    assert await running.identify(made.secret) is None


async def test_other_keys_outlive_a_revocation(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    kept = await running.create(OWNER, "kept", ["read"])
    gone = await running.create(OWNER, "gone", ["read"])
    await other_node(catalog).revoke(OWNER, gone.record.id)
    await trio.sleep(1)
    assert await running.identify(kept.secret)


async def test_an_answer_from_before_a_revocation_is_not_remembered(
    keyring: Keyring, catalog: CountingCatalog
) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    catalog.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keyring.identify, made.secret)
        await trio.testing.wait_all_tasks_blocked()
        await keyring.revoke(OWNER, made.record.id)
        catalog.gate.set()
    assert await keyring.identify(made.secret) is None


async def test_revoking_what_is_not_there_or_not_ours(keyring: Keyring) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    assert not await keyring.revoke(2, made.record.id)
    assert not await keyring.revoke(OWNER, "nosuchid")
    assert await keyring.identify(made.secret)


async def test_nobody_is_known_when_revocations_cannot_be_heard_of(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])
    assert await running.identify(made.secret)
    catalog.failure = Unavailable("gone")
    await trio.sleep(module.CONFIRMED_FOR_S / 2)
    assert await running.identify(made.secret), "a short pause is bridged"
    await trio.sleep(module.CONFIRMED_FOR_S)
    with pytest.raises(Unavailable):
        await running.identify(made.secret)
    catalog.failure = None
    await trio.sleep(1)
    assert await running.identify(made.secret)


async def test_without_a_background_the_request_confirms(
    keyring: Keyring, catalog: CountingCatalog, autojump_clock: MockClock
) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    assert await keyring.identify(made.secret)
    await other_node(catalog).revoke(OWNER, made.record.id)
    await trio.sleep(module.CONFIRMED_FOR_S + 0.1)
    assert await keyring.identify(made.secret) is None


async def test_a_key_expires(running: Keyring, autojump_clock: MockClock) -> None:
    expires_ms = TrioClock(START_MS).now_ms() + 10_000
    made = await running.create(OWNER, "ci", ["read"], expires_ms=expires_ms)
    await trio.sleep(9)
    assert await running.identify(made.secret)
    await trio.sleep(1)
    assert await running.identify(made.secret) is None


async def test_a_key_is_known_until_there_is_something_to_ask_or_to_write(
    running: Keyring, autojump_clock: MockClock
) -> None:
    expires_ms = TrioClock(START_MS).now_ms() + 100_000
    made = await running.create(OWNER, "ci", ["read"], expires_ms=expires_ms)
    digest = made.record.digest
    assert running.known(digest) is None
    identity = await running.identify(made.secret)
    assert running.known(digest) == identity
    await trio.sleep(module.CONFIRMED_FOR_S + 1)
    assert running.known(digest) == identity
    await trio.sleep(60)
    assert running.known(digest) is None
    await running.identify(made.secret)
    assert running.known(digest) == identity
    await trio.sleep(40)
    assert running.known(digest) is None


async def test_the_last_use_is_written_once_a_minute(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])

    async def used_ms() -> int | None:
        (record,) = await catalog.keys(OWNER)
        return record.used_ms

    assert await used_ms() is None
    await running.identify(made.secret)
    await trio.sleep(1)
    first_ms = await used_ms()
    assert first_ms is not None
    for _ in range(50):
        await running.identify(made.secret)
        await trio.sleep(1)
    assert await used_ms() == first_ms
    await trio.sleep(10)
    await running.identify(made.secret)
    await trio.sleep(1)
    assert await used_ms() == first_ms + 61_000


async def test_a_revocation_does_not_make_the_last_use_be_written_more_often(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])
    await running.identify(made.secret)
    await trio.sleep(1)
    other = await running.create(OWNER, "other", ["read"])
    await running.revoke(OWNER, other.record.id)
    await running.identify(made.secret)
    await trio.sleep(1)
    assert [key.used_ms for key in await catalog.keys(OWNER)] == [START_MS]


async def test_a_last_use_that_cannot_be_written_is_written_later(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])
    await running.identify(made.secret)
    catalog.failure = Refused("oom", "full")
    await trio.sleep(1)
    catalog.failure = None
    await trio.sleep(1)
    assert [key.used_ms for key in await catalog.keys(OWNER)] == [START_MS]


async def test_open_connections_hear_of_the_revocation(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])
    kept = await running.create(OWNER, "kept", ["read"])
    ended: list[str] = []

    async def stream(name: str, secret: str) -> None:
        identity = await running.identify(secret)
        assert identity is not None
        await running.until_gone(identity)
        ended.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream, "gone", made.secret)
        nursery.start_soon(stream, "kept", kept.secret)
        await trio.sleep(10)
        await other_node(catalog).revoke(OWNER, made.record.id)
        await trio.sleep(1)
        assert ended == ["gone"]
        nursery.cancel_scope.cancel()


async def test_open_connections_end_when_the_key_expires(
    keyring: Keyring, autojump_clock: MockClock
) -> None:
    days = 3
    expires_ms = TrioClock(START_MS).now_ms() + days * 86_400_000
    made = await keyring.create(OWNER, "ci", ["read"], expires_ms=expires_ms)
    identity = await keyring.identify(made.secret)
    assert identity is not None
    await keyring.until_gone(identity)
    assert trio.current_time() == pytest.approx(days * 86_400, abs=1)


async def test_open_connections_outlast_a_silent_store(
    running: Keyring, autojump_clock: MockClock, catalog: CountingCatalog
) -> None:
    made = await running.create(OWNER, "ci", ["read"])
    identity = await running.identify(made.secret)
    assert identity is not None
    await running.revoke(OWNER, "nosuchid")
    catalog.failure = Unavailable("gone")
    with trio.move_on_after(5) as scope:
        await running.until_gone(identity)
    assert scope.cancelled_caught


async def test_it_can_show_itself(keyring: Keyring) -> None:
    made = await keyring.create(OWNER, "ci", ["read"])
    await keyring.identify(made.secret)
    assert repr(keyring) == "<Keyring at 0: 1 known>"
