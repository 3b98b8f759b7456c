"""The description is valid, complete, and says what the program does."""

from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.http.codecs import JSON
from api.http.messages import Reply
from api.http.openapi import describe, operation_id
from api.http.problems import TABLE
from api.http.route import Call, Nothing, Route
from api.http.routes.table import ROUTES
from tests.api.http.harness import Server, serving

DESCRIPTION = describe(ROUTES, "1.2.3")


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


def operation(name: str, description: Any = DESCRIPTION) -> Any:  # ruff: ignore[any-type]
    """What is said of a method and a path."""
    method, path = name.split(" ")
    return description["paths"][path][method.lower()]


def test_it_is_valid() -> None:
    # As clients get it: JSON knows no tuples.
    OpenAPIV31SpecValidator(msgspec.json.decode(msgspec.json.encode(DESCRIPTION))).validate()


@pytest.mark.parametrize("route", ROUTES, ids=operation_id)
def test_every_route_is_described(route: Route[Any, Any]) -> None:
    found = operation(f"{route.method} {route.path}")
    codes = {
        code
        for response in found["responses"].values()
        for media, body in response.get("content", {}).items()
        if media == "application/problem+json"
        for code in body["schema"]["properties"]["code"]["enum"]
    }
    assert codes == set(route.all_problems)
    assert {int(status) for status in found["responses"]} == {
        *route.replies,
        *(TABLE[code][0] for code in route.all_problems),
    }
    assert ("requestBody" in found) == (route.body is not Nothing)
    assert found["summary"]
    assert found["description"]


def test_operations_have_names_of_their_own() -> None:
    assert len({operation_id(route) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=operation_id)
def test_every_parameter_says_what_it_is_for(route: Route[Any, Any]) -> None:
    parameters = operation(f"{route.method} {route.path}").get("parameters", [])
    names = {parameter["name"] for parameter in parameters}
    assert set(route.params.__struct_encode_fields__) <= names
    told = route.params.__doc__ or ""
    silent = [one["name"] for one in parameters if not one.get("description")]
    assert [name for name in silent if f"`{name}`" not in told] == []
    assert [one["name"] for one in parameters if {"type": "null"} in _kinds(one["schema"])] == []


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.example is not None], ids=operation_id
)
def test_examples_are_understood(route: Route[Any, Any]) -> None:
    JSON.decode(msgspec.json.encode(route.example), route.body)


def test_batches_come_in_three_forms() -> None:
    content = operation("POST /v1/ingest/batch")["requestBody"]["content"]
    assert list(content) == ["application/json", "application/x-ndjson", "application/msgpack"]
    assert content["application/x-ndjson"]["schema"]["items"]["$ref"].endswith("/Item")
    headers = {one["name"] for one in operation("POST /v1/ingest/batch")["parameters"]}
    assert headers == {"atomic", "Idempotency-Key", "Content-Encoding"}


def test_a_file_is_no_model() -> None:
    content = operation("POST /v1/import/stathat")["requestBody"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/ImportBody"}
    assert content["text/csv"]["schema"] == {"contentMediaType": "text/csv"}


def test_ways_in() -> None:
    assert operation("GET /v1/live")["security"] == [
        {"key": ["read"]}, {"session": ["viewer"]}, {"ticket": []},
    ]  # fmt: skip
    assert operation("DELETE /v1/auth/api-keys/{id}")["security"] == [
        {"key": ["admin"]}, {"session": ["owner"], "csrf": []},
    ]  # fmt: skip
    assert operation("POST /v1/dashboards")["security"] == [
        {"key": ["admin"]}, {"session": ["editor"], "csrf": []},
    ]  # fmt: skip
    assert operation("POST /v1/auth/logout")["security"] == [{"session": [], "csrf": []}]
    assert operation("GET /healthz")["security"] == []
    assert operation("GET /metrics")["security"] == [{}, {"key": []}]


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    many: Annotated[int, Meta(ge=1)] | None = None


async def handler(call: Call[Params, Nothing]) -> Reply:
    """Counts."""
    return call.json(200, {})


def test_a_new_route_is_described_without_a_word_more() -> None:
    route: Route[Params, Nothing] = Route(
        "GET", "/v1/sheep/{id}", "Count", "read", {200: "text/plain"}, Params, Nothing, handler
    )
    found = describe([route], "1")
    assert operation("GET /v1/sheep/{id}", found)["tags"] == ["Sheep"]
    names = [one["name"] for one in operation("GET /v1/sheep/{id}", found)["parameters"]]
    assert names == ["id", "many"]
    assert operation("GET /v1/sheep/{id}", found)["parameters"][1]["schema"] == {
        "type": "integer", "minimum": 1,
    }  # fmt: skip


async def test_it_is_served(server: Server) -> None:
    answer = await server.send("GET", "/openapi.json", key=None)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["paths"].keys() == {route.path for route in ROUTES}


def _kinds(schema: Any) -> Iterator[Any]:  # ruff: ignore[any-type]
    yield schema
    yield from schema.get("anyOf", ())
