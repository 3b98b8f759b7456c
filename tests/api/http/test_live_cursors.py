"""Coming back to a live stream with a cursor that this log never gave."""

from collections.abc import AsyncGenerator

import pytest
from trio.testing import MockClock

from engine.stats import public_id
from tests.api.http.harness import Server, serving
from tests.api.http.listener import listening


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        item = {"stat": "a", "value": 5, "type": "counter"}
        assert (await server.send("POST", "/v1/ingest", json=item)).status == 202
        yield server


def path(server: Server, cursor: str) -> str:
    """The address of a stream that continues from a cursor."""
    stat = server.stat("a")
    cursor = cursor.replace("HOME", str(stat.partition))
    return f"/v1/live?stats={public_id(stat.id)}&cursor={cursor}"


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("pHOME:999999999999999-9999999999", id="ahead-of-the-log"),
        pytest.param("p99999:1-1", id="of-a-partition-that-is-none"),
        pytest.param("pHOME:1-1,pHOME:999999999999999-0", id="twice"),
    ],
)
async def test_it_gets_a_snapshot(server: Server, autojump_clock: MockClock, cursor: str) -> None:
    async with listening(server, path(server, cursor)) as listener:
        event = await listener.event()
        assert event.name == "snapshot"
        assert [point["sum"] for point in event.data["points"]] == [5]
