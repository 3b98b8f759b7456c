"""Batches that are taken whole or not at all: what is refused leaves nothing behind."""

from collections.abc import AsyncGenerator

import pytest

from tests.api.http.harness import Server, serving

ATOMIC = "/v1/ingest/batch?atomic=true"


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


def point(stat: str, **fields: object) -> dict[str, object]:
    """An item that is good but for the fields."""
    return {"stat": stat, "value": 1, "type": "counter"} | fields


@pytest.mark.parametrize(
    ("items", "index", "code"),
    [
        pytest.param([point("new"), point("b", value="x")], 1, "value_type", id="decoded"),
        pytest.param([point("new"), point("new", type="value")], 1, "stat_type_conflict", id="two"),
        pytest.param([point("new"), point("old", type="value")], 1, "stat_type_conflict", id="old"),
        pytest.param([point("new"), point(" ")], 1, "stat_name_length", id="name"),
        pytest.param(
            [point("new"), {"stat": "v", "type": "value"}], 1, "field_required", id="no-value"
        ),
        pytest.param([point("new"), point("b", t=1)], 1, "timestamp_invalid", id="time"),
    ],
)
async def test_a_refused_batch_makes_no_stats(
    server: Server, items: list[object], index: int, code: str
) -> None:
    await server.send("POST", "/v1/ingest", json=point("old"))
    answer = await server.send("POST", ATOMIC, json={"items": items})
    assert (answer.status, answer.code) == (422, "batch_rejected")
    assert [(e["index"], e["code"]) for e in answer.json["errors"]] == [(index, code)]
    assert set(server.context.directory.names(1)) == {"old"}
    assert await server.stored() == {"old": (1, 1.0)}


async def test_a_good_batch_makes_its_stats(server: Server) -> None:
    items = [point("new"), {"stat": "plain"}, point("v", type="value", value=4)]
    answer = await server.send("POST", ATOMIC, json={"items": items})
    assert (answer.status, answer.json["accepted"]) == (202, 3)
    assert await server.stored() == {"new": (1, 1.0), "plain": (1, 1.0), "v": (1, 4.0)}


async def test_a_refused_batch_of_known_stats_adds_nothing(server: Server) -> None:
    await server.send("POST", "/v1/ingest", json=point("old"))
    items = [point("old"), point("old", value=None)]
    answer = await server.send("POST", ATOMIC, json={"items": items})
    assert (answer.status, answer.code) == (422, "batch_rejected")
    assert await server.stored() == {"old": (1, 1.0)}


@pytest.mark.parametrize("query", ["atomic=1&atomic=0", "atomic=&", "atomic=yes"])
async def test_atomic_is_said_once(server: Server, query: str) -> None:
    path = f"/v1/ingest/batch?{query}"
    answer = await server.send("POST", path, json={"items": [point("a")]})
    assert (answer.status, answer.code) == (422, "parameter_invalid")
    assert await server.stored() == {}
