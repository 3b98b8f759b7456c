"""A change is refused when somebody else was faster, and nothing is sent that the client has."""

from collections.abc import AsyncGenerator

import pytest

from engine.stats import public_id
from tests.api.http.harness import Answer, Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        await server.send("POST", "/v1/ingest", json={"stat": "a", "value": 1})
        yield server


def path(server: Server) -> str:
    """The address of the stat."""
    return f"/v1/stats/{public_id(server.stat('a').id)}"


async def patch(server: Server, body: object, tag: str) -> Answer:
    """A change that holds only for this tag."""
    return await server.send("PATCH", path(server), json=body, headers={"if-match": tag})


async def test_what_is_known_already_is_not_sent_again(server: Server) -> None:
    first = await server.send("GET", path(server))
    again = await server.send(
        "GET", path(server), headers={"if-none-match": f'"x", {first.headers["etag"]}'}
    )
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_new_point_is_news_but_no_change_of_the_record(server: Server) -> None:
    tag = (await server.send("GET", path(server))).headers["etag"]
    await server.send("POST", "/v1/ingest", json={"stat": "a", "value": 7})
    looked = await server.send("GET", path(server), headers={"if-none-match": tag})
    assert (looked.status, looked.json["latest"]) == (200, 7)
    assert (await patch(server, {"unit": "ms"}, tag)).status == 200


async def test_the_slower_of_two_changes_is_refused(server: Server) -> None:
    tag = (await server.send("GET", path(server))).headers["etag"]
    assert (await patch(server, {"unit": "ms"}, tag)).status == 200
    late = await patch(server, {"unit": "s"}, tag)
    assert (late.status, late.code) == (412, "precondition_failed")
    assert (await server.send("GET", path(server))).json["unit"] == "ms"


@pytest.mark.parametrize("query", ["", "?purge=true"])
async def test_what_was_changed_is_not_thrown_away(server: Server, query: str) -> None:
    tag = (await server.send("GET", path(server))).headers["etag"]
    await patch(server, {"unit": "ms"}, tag)
    late = await server.send("DELETE", path(server) + query, headers={"if-match": tag})
    assert (late.status, late.code) == (412, "precondition_failed")
    assert (await server.send("GET", path(server))).json["state"] == "live"


@pytest.mark.parametrize(
    ("tag", "status"),
    [("*", 200), ("", 200), ("nonsense", 412), ('"x"', 412), ('"1.a", "2.b"', 412), ('"9.a"', 412)],
)
async def test_other_tags(server: Server, tag: str, status: int) -> None:
    assert (await patch(server, {"unit": "ms"}, tag)).status == status
