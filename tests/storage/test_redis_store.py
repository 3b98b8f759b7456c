"""The store on real servers keeps the contract, and what only a server can do."""

from collections.abc import AsyncGenerator, Generator

import pytest
import trio

from engine.audit import audit
from engine.histogram import Histograms
from engine.node import open_node
from engine.points import Batch
from engine.ports import (
    Appended,
    Checkpoint,
    Damaged,
    DeadLetter,
    Group,
    Partials,
    Refused,
)
from engine.rollup import Rollups
from engine.tiers import S10
from storage.lease import StoreHeld
from storage.opening import WrongStore, open_store
from storage.redis_store import RedisStore
from storage.scripts import Reply, run_script
from storage.server.testing import ThrowawayServer, binaries, embedded_server
from tests.storage.alerts_contract import AlertsContract
from tests.storage.imports_contract import ImportsContract
from tests.storage.store_contract import T0_MS, T0_S, StoreContract, points
from tests.storage.usage_contract import UsageContract

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=binaries(), ids=lambda path: path.name)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ThrowawayServer, None, None]:
    with embedded_server(tmp_path_factory.mktemp("store"), binary=request.param) as server:
        yield server


@pytest.fixture
async def store(server: ThrowawayServer) -> AsyncGenerator[RedisStore, None]:
    server.client().flushall()
    async with open_store(server.url, partitions=2) as store:
        yield store


def raw(server: ThrowawayServer) -> Reply:
    """A client whose replies are what the server says."""
    return server.client()


class StandingClock:
    """It is always T0."""

    def now_ms(self) -> int:
        return T0_MS


class TestRedisStore(StoreContract, AlertsContract, UsageContract, ImportsContract):
    """The contract, on a server."""


async def test_another_number_of_partitions_is_refused(
    server: ThrowawayServer, store: RedisStore
) -> None:
    with pytest.raises(WrongStore, match="2 partitions, the settings say 4"):
        async with open_store(server.url, partitions=4):
            pass


async def test_a_second_process_hears_who_holds_the_store(
    server: ThrowawayServer, store: RedisStore
) -> None:
    with pytest.raises(StoreHeld, match="in use by"):
        async with open_store(server.url, partitions=2):
            pass


async def test_scripts_that_the_server_forgot_are_loaded_again(
    server: ThrowawayServer, store: RedisStore
) -> None:
    await store.acquire(0)
    server.client().script_flush()
    assert (await store.acquire(0)).epoch == 2


async def test_a_late_copy_of_taking_a_partition_fences_nobody(
    server: ThrowawayServer, store: RedisStore
) -> None:
    own = await store.acquire(0)
    assert run_script(server.client(), ("acquire", [store.keys[0].meta], [own.epoch - 1])) == []
    assert await store.checkpoint_number(0, own.epoch) == 0


async def test_of_those_who_take_a_partition_at_once_each_has_an_epoch_or_is_refused(
    store: RedisStore,
) -> None:
    epochs: list[int] = []
    refused: list[str] = []

    async def take() -> None:
        try:
            epochs.append((await store.acquire(0)).epoch)
        except Refused as error:
            refused.append(error.code)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(take)
    assert sorted(epochs) == list(range(1, len(epochs) + 1))
    assert refused == ["taken"] * (20 - len(epochs))


async def test_a_full_server_refuses_points_but_takes_checkpoints(
    server: ThrowawayServer, store: RedisStore
) -> None:
    async with open_node(store, StandingClock()) as node:
        await node.wait_ready()
        await node.submit(0, Batch(points(1)))
        server.client().config_set("maxmemory", 1)
        own = await store.acquire(1)
        (reply,) = await store.append([Group(1, own.epoch, 1, (Batch(points(1)),), T0_MS)])
        assert isinstance(reply, Refused)
        assert reply.code == "oom"
        await node._partitions[0].checkpoint()
        assert len(await store.frames(0)) == 1
        server.client().config_set("maxmemory", 0)
        node._partitions[1].own = own


async def test_a_dead_letter_keeps_the_entry(server: ThrowawayServer, store: RedisStore) -> None:
    own = await store.acquire(0)
    (reply,) = await store.append([Group(0, own.epoch, 1, (Batch(points(1, 2)),), T0_MS)])
    assert isinstance(reply, Appended)
    ((_, entry),) = raw(server).xrange(store.keys[0].log)
    letter = DeadLetter(reply.position, "cannot be counted", 2)
    nothing = Partials(Rollups.empty(), Histograms.empty())
    await store.commit(
        Checkpoint(0, own.epoch, own.number + 1, reply.position, nothing, dead=(letter,))
    )
    ((_, kept),) = raw(server).xrange(store.keys[0].dead)
    told = {b"id": str(reply.position).encode(), b"error": b"cannot be counted", b"points": b"2"}
    assert kept == told | entry


async def test_the_audit_names_a_damaged_chunk_and_a_damaged_frame(
    server: ThrowawayServer, store: RedisStore
) -> None:
    async with open_node(store, StandingClock()) as node:
        await node.submit(0, Batch(points(1, 2, 3, at_ms=T0_MS - 3_000_000)))
        await node.submit(0, Batch(points(4, 5, stat=2)))
        await node.checkpoint()
        await node.fold(T0_S)
        found = await audit(store, 0, T0_S)
        assert found.equal
        assert (found.appended, found.counted, found.stats) == (5, 5, 2)
    client, keys = raw(server), store.keys[0]
    history = f"{keys.history}:1"
    (member, place), *_ = client.zrange(history, 0, 0, withscores=True)
    client.zrem(history, member)
    client.zadd(history, {member[:-1] + b"\x00\x01": place})
    (name, fields), *_ = client.xrange(keys.recent)
    client.delete(keys.recent)
    client.xadd(keys.recent, {b"b": fields[b"b"][:-3]}, id=name)
    found = await audit(store, 0, T0_S)
    assert not found.equal
    told = "\n".join(found.faults)
    assert f"stat 1: a chunk of the {S10.name} tier" in told
    assert "partition 0: the partials of the checkpoint at" in told
    with pytest.raises(Damaged):
        await store.frames(0)
