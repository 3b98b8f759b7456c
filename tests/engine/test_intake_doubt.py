"""What the intake does when nobody knows whether a group was stored."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from trio.testing import MockClock

from engine.clock import TrioClock
from engine.intake import OutcomeUnknown, StoreDown
from engine.node import open_node
from engine.points import Batch, Points
from engine.ports import Appended, Fenced, Group, Refused, StoreError, Unavailable
from engine.tiers import D1
from storage.memory import MemoryStore, append

T0_MS = 1_800_000_000_000
BATCH = Batch(Points.of([1], [T0_MS], [2.5]))

LOADING = Refused("loading", "the store reads its data")
OOM = Refused("oom", "the memory of the store is full")
LOST = Unavailable("the connection broke")


@dataclass(frozen=True, slots=True)
class Fault:
    """What comes instead of the reply to an append, which is done first if `stored`."""

    error: StoreError
    stored: bool = False


class FaultyStore(MemoryStore):
    """A store whose next appends fail as told; `meanwhile` happens after each failure."""

    def __init__(self, *faults: Fault, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.faults = deque(faults)
        self.meanwhile = meanwhile

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        if not self.faults:
            return await super().append(groups)
        fault = self.faults.popleft()
        if fault.stored:
            await super().append(groups)
        self.meanwhile()
        return [fault.error] * len(groups)


@pytest.mark.parametrize("code", ["loading", "misconf", "readonly", "clusterdown"])
async def test_a_refused_repeat_says_nothing_about_the_first_try(
    autojump_clock: MockClock, code: str
) -> None:
    store = FaultyStore(Fault(LOST, stored=True), Fault(Refused(code, "no")), Fault(LOADING))
    async with open_node(store, TrioClock(T0_MS)) as node:
        await node.submit(0, BATCH)
        reading = await node.read(0, 1, D1, 0, T0_MS)
        assert reading.rollups.count.tolist() == [1]
    assert store.state[0].appended == 1


async def test_a_request_in_doubt_is_not_told_that_it_is_surely_not_stored(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore(Fault(LOST, stored=True), *[Fault(LOADING)] * 100)
    async with open_node(store, TrioClock(T0_MS)) as node:
        with pytest.raises(OutcomeUnknown):
            await node.submit(0, BATCH)
    assert store.state[0].appended == 1


async def test_a_request_that_was_only_ever_refused_is_surely_not_stored(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore(*[Fault(LOADING)] * 100)
    async with open_node(store, TrioClock(T0_MS)) as node:
        with pytest.raises(StoreDown):
            await node.submit(0, BATCH)
    assert store.state[0].appended == 0


async def test_a_full_store_does_not_end_a_doubt(autojump_clock: MockClock) -> None:
    store = FaultyStore(Fault(LOST), Fault(OOM))
    async with open_node(store, TrioClock(T0_MS)) as node:
        receipt = await node.submit(0, BATCH)
        assert receipt.position == store.state[0].tail
    assert store.state[0].appended == 1


async def test_a_try_that_arrives_while_the_store_is_full_is_counted(
    autojump_clock: MockClock,
) -> None:
    def arrives() -> None:
        if len(store.faults) == 1:  # The first try was long on its way.
            append(store.state[0], Group(0, 1, 1, (BATCH,), T0_MS))

    store = FaultyStore(Fault(LOST), Fault(OOM), Fault(OOM), meanwhile=arrives)
    async with open_node(store, TrioClock(T0_MS)) as node:
        receipt = await node.submit(0, BATCH)
        reading = await node.read(0, 1, D1, 0, T0_MS // 1000 + 100)
        assert reading.position == receipt.position
        assert reading.rollups.count.tolist() == [1]
    assert store.state[0].appended == 1


async def test_whoever_lost_the_partition_cannot_know_what_became_of_its_last_group(
    autojump_clock: MockClock,
) -> None:
    def another_owner() -> None:
        state = store.state[0]
        state.epoch += 1
        append(state, Group(0, state.epoch, 1, (BATCH,), T0_MS))

    store = FaultyStore(Fault(LOST, stored=True), meanwhile=another_owner)
    with pytest.RaisesGroup(Fenced, allow_unwrapped=True, flatten_subgroups=True):
        async with open_node(store, TrioClock(T0_MS)) as node:
            with pytest.raises(OutcomeUnknown):
                await node.submit(0, BATCH)
    assert store.state[0].appended == 2
