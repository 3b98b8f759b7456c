"""The store in memory keeps the contract."""

import pytest

from engine.points import Batch
from engine.ports import Group, Refused
from storage.memory import MemoryStore, acquire
from tests.storage.alerts_contract import AlertsContract
from tests.storage.imports_contract import ImportsContract
from tests.storage.store_contract import T0_MS, StoreContract, points
from tests.storage.usage_contract import UsageContract


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(partitions=2)


class TestMemoryStore(StoreContract, AlertsContract, UsageContract, ImportsContract):
    """The contract, without a server."""


async def test_a_full_store_refuses_points(store: MemoryStore) -> None:
    own = await store.acquire(0)
    store.used = store.limit + 1
    (reply,) = await store.append([Group(0, own.epoch, 1, (Batch(points(1)),), T0_MS)])
    assert isinstance(reply, Refused)
    assert reply.code == "oom"
    assert "full" in str(reply)


async def test_a_late_copy_of_taking_a_partition_fences_nobody(store: MemoryStore) -> None:
    own = await store.acquire(0)
    with pytest.raises(Refused) as refused:
        acquire(store.state[0], 0, own.epoch - 1)
    assert refused.value.code == "taken"
    assert await store.checkpoint_number(0, own.epoch) == 0
