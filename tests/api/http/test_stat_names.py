"""Names of stats, asked for and refused: how they are spelled, and what a refusal says."""

from collections.abc import AsyncGenerator

import pytest

from tests.api.http.harness import Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        items = [{"stat": name, "value": 1} for name in ("café.guests", "CAFÉ.tables", "bar")]
        answer = await server.send("POST", "/v1/ingest/batch", json={"items": items})
        assert answer.json["accepted"] == 3
        yield server


@pytest.mark.parametrize("q", ["café", "cafe\u0301", "CAFE\u0301", "cafe\u0301.*", "caf?.*"])
async def test_a_search_finds_any_spelling(server: Server, q: str) -> None:
    answer = await server.send("GET", "/v1/stats", query={"q": q})
    assert {stat["name"] for stat in answer.json["stats"]} == {"café.guests", "CAFÉ.tables"}


async def test_a_pattern_finds_any_spelling(server: Server) -> None:
    answer = await server.send("GET", "/v1/query", query={"match": "cafe\u0301.*"})
    assert [series["name"] for series in answer.json["series"]] == ["café.guests"]


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        (" ", "stat_name_length", "1 to 255 characters"),
        ("a\nb", "stat_name_chars", "no control characters"),
        ("bar", "stat_name_taken", "another stat of this account"),
    ],
)
async def test_a_new_name_that_cannot_be(server: Server, name: str, code: str, text: str) -> None:
    stats = (await server.send("GET", "/v1/stats", query={"q": "guests"})).json["stats"]
    path = f"/v1/stats/{stats[0]['id']}"
    answer = await server.send("PATCH", path, json={"name": name})
    assert answer.code == code
    (error,) = answer.json["errors"]
    assert (error["field"], error["code"]) == ("name", code)
    assert answer.json["detail"] == error["message"]
    assert answer.json["detail"].startswith("name: ")
    assert text in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"cursor": "x"}, "cursor_invalid", "cursor"),
        ({"q": "x" * 256}, "parameter_invalid", "q"),
    ],
)
async def test_a_question_that_cannot_be_asked(
    server: Server, query: dict[str, str], code: str, field: str
) -> None:
    answer = await server.send("GET", "/v1/stats", query=query)
    assert (answer.status, answer.code) == (422, code)
    assert [error["field"] for error in answer.json["errors"]] == [field]


async def test_what_is_in_the_trash_cannot_be_changed(server: Server) -> None:
    stats = (await server.send("GET", "/v1/stats", query={"q": "bar"})).json["stats"]
    path = f"/v1/stats/{stats[0]['id']}"
    await server.send("DELETE", path)
    answer = await server.send("PATCH", path, json={"unit": "s"})
    assert (answer.status, answer.code) == (422, "stat_in_trash")
    assert answer.json["detail"] == "The stat is in the trash; restore it first."
