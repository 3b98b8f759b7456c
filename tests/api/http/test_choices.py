"""Where one of a few words is expected, whoever sends another is told which."""

from collections.abc import AsyncGenerator

import pytest

from tests.api.http.harness import Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


@pytest.mark.parametrize(
    ("query", "field", "choices"),
    [
        ({"sort": "size"}, "sort", "name, activity"),
        ({"type": "gauge"}, "type", "counter, value"),
        ({"state": "gone"}, "state", "live, trash"),
    ],
)
async def test_a_parameter(server: Server, query: dict[str, str], field: str, choices: str) -> None:
    answer = await server.send("GET", "/v1/stats", query=query)
    assert (answer.status, answer.code) == (422, "parameter_invalid")
    assert answer.json["errors"][0]["field"] == field
    assert f"one of {choices}" in answer.json["detail"]


@pytest.mark.parametrize("query", [{"type": "null"}, {"type": "NULL"}])
async def test_null_is_a_text_and_no_choice(server: Server, query: dict[str, str]) -> None:
    answer = await server.send("GET", "/v1/stats", query=query)
    assert (answer.status, answer.code) == (422, "parameter_invalid")
    assert answer.json["errors"][0]["field"] == "type"


async def test_a_stat_may_be_called_null(server: Server) -> None:
    for name in ("null", "other"):
        await server.send("POST", "/v1/ingest", json={"stat": name, "value": 1})
    answer = await server.send("GET", "/v1/stats", query={"q": "null"})
    assert [stat["name"] for stat in answer.json["stats"]] == ["null"]


async def test_an_item_of_a_list(server: Server) -> None:
    answer = await server.send("POST", "/v1/auth/api-keys", json={"scopes": ["read", "all"]})
    assert (answer.status, answer.code) == (422, "field_invalid")
    assert answer.json["errors"][0]["field"] == "scopes[1]"
    assert "one of read, write, snooze, admin" in answer.json["detail"]
