"""API keys over HTTP, and what operators ask."""

from collections.abc import AsyncGenerator

import pytest

from api.http.exposition import HELP
from engine.ports import Unavailable
from tests.api.http.harness import Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


KEYS = "/v1/auth/api-keys"


async def test_a_key_is_shown_once_and_does_what_it_may(server: Server) -> None:
    wanted = {"name": "ci", "scopes": ["write"], "prefix": "ci.", "expires": 1_999_999_999}
    answer = await server.send("POST", KEYS, json=wanted)
    assert answer.status == 201
    secret = answer.json["key"]
    assert (secret[:3], len(secret)) == ("sf_", 49)
    assert (answer.json["scopes"], answer.json["prefix"]) == (["write"], "ci.")
    assert answer.json["expires"] == "2033-05-18T03:33:19Z"
    server.keys["ci"] = secret
    item = {"stat": "ci.builds", "value": 1, "type": "counter"}
    assert (await server.send("POST", "/v1/ingest", json=item, key="ci")).status == 202
    listed = await server.send("GET", KEYS)
    assert secret.encode() not in listed.body
    (found,) = [key for key in listed.json["keys"] if key["id"] == answer.json["id"]]
    assert found["last4"] == secret[-4:]


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({}, 422, "field_required"),
        ({"scopes": []}, 422, "field_invalid"),
        ({"scopes": ["everything"]}, 422, "field_invalid"),
        ({"scopes": "write"}, 422, "field_type"),
        ({"scopes": ["write"], "name": "a\nb"}, 422, "field_invalid"),
        ({"scopes": ["write"], "expires": "tomorrow"}, 422, "field_invalid"),
        ({"scopes": ["write"], "expires": 1_000_000_000}, 422, "field_invalid"),
        ({"scopes": ["admin"], "prefix": "a."}, 422, "field_invalid"),
        ({"scopes": ["write"], "colour": 1}, 422, "unknown_field"),
    ],
)
async def test_keys_that_cannot_be(server: Server, wanted: object, status: int, code: str) -> None:
    answer = await server.send("POST", KEYS, json=wanted)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"", "application/json", 400, "invalid_json"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"[" * 100_000, "application/json", 400, "invalid_json"),
        (b'{"scopes":["\xff"]}', "application/json", 400, "invalid_encoding"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
    ],
)
async def test_bodies_that_are_none(
    server: Server, body: bytes, media: str, status: int, code: str
) -> None:
    answer = await server.send("POST", KEYS, body=body, headers={"content-type": media})
    assert (answer.status, answer.code) == (status, code)


async def test_a_key_that_is_not_there_cannot_be_revoked(server: Server) -> None:
    answer = await server.send("DELETE", f"{KEYS}/12345678")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_health(server: Server) -> None:
    answer = await server.send("GET", "/healthz", key=None)
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    ready = await server.send("GET", "/readyz", key=None)
    assert ready.status == 200
    assert (ready.json["status"], ready.json["ready"], ready.json["warnings"]) == ("ready", 4, [])
    assert (await server.send("HEAD", "/healthz", key=None)).status == 200


async def test_a_server_that_stops_is_not_ready(server: Server) -> None:
    server.context.stop()
    ready = await server.send("GET", "/readyz", key=None)
    assert (ready.status, ready.json["status"]) == (503, "stopping")
    live = await server.send("GET", "/v1/live?match=*")
    assert live.status in {422, 503}


async def test_metrics(server: Server) -> None:
    item = {"stat": "a", "value": 1, "type": "counter"}
    await server.send("POST", "/v1/ingest", json=item)
    await server.send("POST", "/v1/ingest", json={"stat": ""})
    assert (await server.send("GET", "/metrics", key=None)).code == "missing_key"
    assert (await server.send("GET", "/metrics", key="read")).code == "insufficient_scope"
    answer = await server.send("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines["statflow_points_accepted_total"] == "1"
    assert lines["statflow_points_applied_total"] == "1"
    assert lines["statflow_stats_registered"] == "1"
    assert lines['statflow_refusals_total{code="stat_name_length"}'] == "1"
    assert lines["statflow_ack_seconds_count"] == "1"
    assert lines['statflow_ack_seconds_bucket{le="+Inf"}'] == "1"
    assert lines["statflow_partitions_ready"] == "4"
    named = {
        line.split()[2].removeprefix("statflow_") for line in text.splitlines() if "# HELP" in line
    }
    assert named <= HELP.keys()


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip"])
async def test_75_nobody_comes_nearer_by_saying_so(server: Server, name: str) -> None:
    """What a header says of the client's address is not believed."""
    for address in ("127.0.0.1", "::1", "for=127.0.0.1"):
        answer = await server.send("GET", "/metrics", key=None, headers={name: address})
        assert (answer.status, answer.code) == (401, "missing_key")


async def test_a_bug_is_answered_without_a_trace(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.context.directory = None  # type: ignore[assignment]
    answer = await server.send("POST", "/v1/ingest", json={"stat": "a", "value": 1})
    assert (answer.status, answer.code) == (500, "internal")
    assert answer.json["request_id"] in caplog.text
    assert b"NoneType" not in answer.body


async def test_48_a_store_that_does_not_answer_questions(server: Server) -> None:
    async def fail(*_: object) -> None:
        raise Unavailable("gone")

    await server.send("POST", "/v1/ingest", json={"stat": "a", "value": 1})
    server.context.node.latest_with_imports = fail  # type: ignore[method-assign, assignment]
    answer = await server.send("GET", "/v1/stats")
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert answer.headers["retry-after"] == "1"
