"""Rules over a real server: what fires is in the outbox, and a new life knows it."""

from collections.abc import Generator

import pytest
import trio

from api.clock import WallClock
from engine.alerts import Alerts
from engine.node import Node, open_node
from engine.points import Batch, Points
from engine.ports import Judged
from engine.position import START
from engine.rules import Kind, Rule
from engine.transition import Status, Tells, unpack_transition
from storage.opening import open_store
from storage.redis_store import RedisStore
from storage.server.testing import ThrowawayServer, embedded_server

pytestmark = pytest.mark.real

STAT = 7
RULE = Rule("al_1", 1, "too many", Kind.THRESHOLD, threshold=10, window_s=60, no_data="zero")


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ThrowawayServer, None, None]:
    with embedded_server(tmp_path_factory.mktemp("store")) as server:
        yield server


async def test_a_point_is_told_of_once_and_known_after_a_restart(server: ThrowawayServer) -> None:
    clock = WallClock()
    told = trio.Event()

    def hear(partition: int, judged: Judged) -> None:
        if judged.messages:
            told.set()

    async with open_store(server.url, partitions=1) as store:
        async with open_node(store, clock, on_judged=hear) as node:
            await node.wait_ready()
            await Alerts(node).put(0, RULE, [STAT])
            await _send(node, 11)
            with trio.fail_after(60):
                await told.wait()
        await _firing(store)
        async with open_node(store, clock) as node:
            await node.wait_ready()
            ((rule, stat, state),) = Alerts(node).states(0)
            assert (rule, stat, state.status) == ("al_1", STAT, Status.FIRING)
            explained = Alerts(node).explain(0, "al_1", STAT)
            assert explained is not None
            assert explained.compared == 11
        await _firing(store)


async def _send(node: Node, value: float) -> None:
    await node.submit(0, Batch(Points.of([STAT], [node.clock.now_ms()], [value])))


async def _firing(store: RedisStore) -> None:
    (message,) = await store.outbox(0, START, 10)
    transition = unpack_transition(message.body)
    assert (transition.tells, transition.value) == (Tells.FIRING, 11)
    assert message.id == transition.message_id
