"""Registering names: once, durably, and right whatever answer is lost on the way."""

import pytest
import trio

from engine.clock import TrioClock
from engine.intake import OutcomeUnknown, Overloaded, ReadOnly, StoreDown
from engine.ports import Refused, Unavailable
from engine.stats import Kind, partition_of
from storage import directory_changes
from storage.directory import Directory
from storage.directory_changes import IDS_BLOCK, NotReady
from storage.memory import MemoryStore
from tests.storage.directory_log import (
    ACCOUNT,
    T0_MS,
    Log,
    Lost,
    ids,
    opened,
    read_again,
    registered,
)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def directory(log: Log) -> Directory:
    return opened(log)


async def test_a_new_name_becomes_a_stat(directory: Directory, log: Log) -> None:
    await directory.register(ACCOUNT, {"views": Kind.COUNTER, "latency": Kind.VALUE})
    views, latency = (directory.names(ACCOUNT)[name] for name in ("views", "latency"))
    assert (views.kind, latency.kind) == (Kind.COUNTER, Kind.VALUE)
    assert views.id != latency.id
    assert views.partition == directory.home(ACCOUNT)
    assert directory.get(views.id) == views
    assert len(log.entries) == 1, "one commit for both"
    assert ids(read_again(log).names(ACCOUNT)) == ids(directory.names(ACCOUNT))


async def test_a_known_name_keeps_id_and_kind(directory: Directory, log: Log) -> None:
    (before,) = await registered(directory, "views")
    await directory.register(ACCOUNT, {"views": Kind.VALUE})
    assert directory.names(ACCOUNT)["views"] == before
    assert len(log.entries) == 1


async def test_accounts_have_names_of_their_own(directory: Directory) -> None:
    await directory.register(1, {"views": Kind.COUNTER})
    await directory.register(2, {"views": Kind.VALUE})
    assert directory.names(1)["views"].id != directory.names(2)["views"].id
    assert directory.names(3) == {}


async def test_nobody_sees_a_stat_before_it_is_durable(directory: Directory, log: Log) -> None:
    log.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(directory.register, ACCOUNT, {"views": Kind.COUNTER})
        await trio.testing.wait_all_tasks_blocked()
        assert directory.names(ACCOUNT) == {}
        log.gate.set()
    assert list(directory.names(ACCOUNT)) == ["views"]


async def test_a_thousand_at_once_share_one_registration(directory: Directory, log: Log) -> None:
    log.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(directory.register, ACCOUNT, {"first": Kind.COUNTER})
        await trio.testing.wait_all_tasks_blocked()
        for number in range(1_000):
            wanted = {"shared": Kind.COUNTER, f"own {number % 100}": Kind.COUNTER}
            nursery.start_soon(directory.register, ACCOUNT, wanted)
        await trio.testing.wait_all_tasks_blocked()
        log.gate.set()
    assert len(directory.names(ACCOUNT)) == 102
    assert len(log.entries) == 2, "the first one, then all the others together"
    assert len({command.stat for command in log.commands}) == len(log.commands)


async def test_the_first_to_ask_says_the_kind(directory: Directory, log: Log) -> None:
    log.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        for kind in (Kind.VALUE, Kind.COUNTER):
            nursery.start_soon(directory.register, ACCOUNT, {"views": kind})
            await trio.testing.wait_all_tasks_blocked()
        log.gate.set()
    assert len(log.commands) == 1
    assert directory.names(ACCOUNT)["views"].kind is Kind.VALUE


async def test_who_shares_a_registration_is_served_though_the_first_one_left(
    directory: Directory, log: Log
) -> None:
    log.gate = trio.Event()
    first = trio.CancelScope()

    async def leave() -> None:
        with first:
            await directory.register(ACCOUNT, {"views": Kind.COUNTER})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(directory.register, ACCOUNT, {"views": Kind.COUNTER})
        await trio.testing.wait_all_tasks_blocked()
        first.cancel()
        await trio.testing.wait_all_tasks_blocked()
        log.gate.set()
    assert list(directory.names(ACCOUNT)) == ["views"]
    assert len(log.commands) == 1


async def test_ids_are_fetched_in_blocks_and_never_given_twice() -> None:
    class Counting(MemoryStore):
        fetched = 0

        async def allocate(self, amount: int) -> int:
            self.fetched += 1
            return await super().allocate(amount)

    store, log = Counting(4), Log()
    one, other = opened(log, store), opened(log, store)
    for number in range(10):
        await registered(one, f"a {number}")
        await registered(other, f"b {number}")
    await registered(one, *(f"c {number}" for number in range(3 * IDS_BLOCK)))
    assert store.fetched == 3
    given = [command.stat for command in log.commands]
    assert len(set(given)) == len(given) == 20 + 3 * IDS_BLOCK


async def test_a_spread_account_writes_to_each_partition_in_parts(log: Log) -> None:
    directory = opened(log, spread=4)
    stats = await registered(directory, *(f"stat {number}" for number in range(6_000)))
    assert {stat.partition for stat in stats} == {
        partition_of(ACCOUNT, stat.id, 4, 16) for stat in stats
    }
    assert len({partition for partition, _ in log.entries}) == 4
    assert max(len(commands) for _, commands in log.entries) <= 1_000
    assert ids(read_again(log, spread=4).names(ACCOUNT)) == ids(directory.names(ACCOUNT))


async def test_when_one_partition_refuses_the_others_are_stored(log: Log) -> None:
    directory = opened(log, spread=4)
    log.failures.append(Overloaded("busy"))
    names = [f"stat {number}" for number in range(100)]
    with pytest.raises(Overloaded):
        await registered(directory, *names)
    assert 0 < len(directory.names(ACCOUNT)) < 100
    await registered(directory, *names)
    assert len(directory.names(ACCOUNT)) == 100


async def test_an_unknown_outcome_is_told_before_a_refusal(log: Log) -> None:
    directory = opened(log, spread=4)
    log.failures.extend([Overloaded("busy"), Lost.UNSTORED, Overloaded("busy")])
    with pytest.raises(OutcomeUnknown):
        await registered(directory, *(f"stat {number}" for number in range(100)))


@pytest.mark.parametrize("lost", Lost)
async def test_a_lost_answer_never_makes_two_stats_of_a_name(
    directory: Directory, log: Log, lost: Lost
) -> None:
    log.failures.append(lost)
    with pytest.raises(OutcomeUnknown):
        await registered(directory, "views")
    assert directory.names(ACCOUNT) == {}
    await registered(directory, "views")
    assert len({command.stat for command in log.commands}) == 1
    assert read_again(log).names(ACCOUNT) == directory.names(ACCOUNT)
    assert repr(directory) == "<Directory 1 stats, <Changes 0 pending, 0 wanted>>"


async def test_a_lost_answer_is_settled_when_the_partition_applies_it(
    directory: Directory, log: Log
) -> None:
    log.failures.append(Lost.STORED)
    with pytest.raises(OutcomeUnknown):
        await registered(directory, "views")
    for command in log.commands:
        directory.apply(command)
    assert list(directory.names(ACCOUNT)) == ["views"]
    await registered(directory, "views")
    assert len(log.entries) == 1


@pytest.mark.parametrize("refusal", [Overloaded, StoreDown, ReadOnly])
async def test_a_refused_name_is_as_new_as_before(
    directory: Directory, log: Log, refusal: type[Overloaded]
) -> None:
    log.failures.append(refusal("no", 7))
    with pytest.raises(refusal) as refused:
        await directory.register(ACCOUNT, {"views": Kind.COUNTER})
    assert refused.value.retry_after_s == 7
    await directory.register(ACCOUNT, {"views": Kind.VALUE})
    assert directory.names(ACCOUNT)["views"].kind is Kind.VALUE


async def test_all_who_share_a_refused_registration_are_told(
    directory: Directory, log: Log
) -> None:
    log.gate = trio.Event()
    log.failures.append(StoreDown("gone"))
    told: list[StoreDown] = []

    async def ask() -> None:
        try:
            await directory.register(ACCOUNT, {"views": Kind.COUNTER})
        except StoreDown as error:
            told.append(error)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        log.gate.set()
    assert len({id(error) for error in told}) == 3
    assert log.entries == []


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Unavailable("gone"), StoreDown),
        (Refused("loading", "loading"), StoreDown),
        (Refused("oom", "full"), ReadOnly),
    ],
)
async def test_a_store_that_gives_no_ids_is_told(
    log: Log, failure: Exception, told: type[Exception]
) -> None:
    class Without(MemoryStore):
        async def allocate(self, amount: int) -> int:
            raise failure

    with pytest.raises(told):
        await registered(opened(log, Without(1)), "views")


async def test_too_many_new_names_are_refused(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_changes, "WANTED_MAX", 10)
    with pytest.raises(Overloaded, match="too many new stats"):
        await registered(directory, *map(str, range(11)))
    await registered(directory, *map(str, range(10)))


async def test_nothing_changes_before_the_logs_are_applied() -> None:
    directory = Directory(MemoryStore(1), TrioClock(T0_MS))
    with pytest.raises(NotReady) as refused:
        await registered(directory, "views")
    assert refused.value.code == "not_ready"
