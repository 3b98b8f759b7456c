"""Who may destroy: what can be taken back is for any writer, what cannot is for admins."""

from collections.abc import AsyncGenerator

import pytest

from tests.api.http.harness import Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        item = {"stat": "a", "value": 1, "type": "counter"}
        assert (await server.send("POST", "/v1/ingest", json=item)).status == 202
        yield server


async def test_a_writer_cannot_forget_a_stat_for_good(server: Server) -> None:
    answer = await server.send("DELETE", "/v1/stats/st_1?purge=true", key="write")
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    assert (await server.send("GET", "/v1/stats/st_1")).json["state"] == "live"
    assert await server.stored() == {"a": (1, 1.0)}


async def test_a_writer_can_throw_a_stat_away_and_take_it_back(server: Server) -> None:
    answer = await server.send("DELETE", "/v1/stats/st_1", key="write")
    assert (answer.status, answer.json["state"]) == (200, "trash")
    answer = await server.send("DELETE", "/v1/stats/st_1?purge=true", key="write")
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    answer = await server.send("POST", "/v1/stats/st_1/restore", key="write")
    assert (answer.status, answer.json["state"]) == (200, "live")
    assert await server.stored() == {"a": (1, 1.0)}
