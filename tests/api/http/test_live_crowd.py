"""Many live clients at once: together they take no more than their share, and all are told."""

from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock

from api.http import streams
from api.http.feed import PACE_S
from api.http.streams import Streams
from engine.stats import public_id
from tests.api.http.harness import Server, serving
from tests.api.http.listener import listening

CLIENTS = 8


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        await add(server)
        yield server


async def add(server: Server) -> None:
    """Count one more."""
    item = {"stat": "a", "value": 1, "type": "counter"}
    assert (await server.send("POST", "/v1/ingest", json=item)).status == 202


async def collect(server: Server, path: str, times: list[float], last: list[float]) -> None:
    """Listen; note when messages come and what the last one said."""
    async with listening(server, path) as listener:
        while True:
            event = await listener.event(60)
            if event.name != "snapshot":
                times.append(event.at_s)
            last[:] = [point["sum"] for point in event.data["points"]][-1:]


async def test_together_they_are_told_so_often(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MESSAGES_A_SECOND", 40)
    path = f"/v1/live?stats={public_id(server.stat('a').id)}&resolution=1h"
    times: list[float] = []
    lasts: list[list[float]] = [[] for _ in range(CLIENTS)]
    async with trio.open_nursery() as nursery:
        for last in lasts:
            nursery.start_soon(collect, server, path, times, last)
        await trio.sleep(1)
        began = trio.current_time()
        for _ in range(200):
            await add(server)
            await trio.sleep(0.01)
        elapsed = trio.current_time() - began
        told = len(times)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert told <= 40 * elapsed + CLIENTS
    assert told >= 0.8 * 40 * elapsed
    assert lasts == [[201]] * CLIENTS


async def test_few_clients_do_not_wait_for_each_other(
    server: Server, autojump_clock: MockClock
) -> None:
    path = f"/v1/live?stats={public_id(server.stat('a').id)}"
    async with listening(server, path) as one, listening(server, path) as other:
        await one.event()
        await other.event()
        await trio.sleep(1)
        await add(server)
        sent_at = trio.current_time()
        for listener in (one, other):
            assert (await listener.event()).at_s - sent_at < PACE_S


async def test_turns_come_in_order(autojump_clock: MockClock) -> None:
    crowd = Streams()
    order: list[int] = []

    async def take(number: int) -> None:
        await crowd.turn()
        order.append(number)

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for number in range(5):
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(take, number)
    assert order == sorted(order)
    assert trio.current_time() - began == pytest.approx(4 / streams.MESSAGES_A_SECOND)


async def test_those_who_come_at_once_are_counted_too(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_LIMIT", 2)
    path = f"/v1/live?stats={public_id(server.stat('a').id)}"
    reasons: list[str] = []

    async def stay() -> None:
        async with listening(server, path) as listener:
            while True:
                event = await listener.event(60)
                if event.name == "bye":
                    reasons.append(event.data["reason"])
                    return

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(stay)
        await trio.sleep(5)
        assert len(server.context.streams) == 2
        nursery.cancel_scope.cancel()
    assert reasons == ["too many live streams are open"] * 3
