"""What comes in wrong, and what must come back: every row is one of the list of bad inputs.

A refusal is a whole problem with its code, never an answer of 5xx, and nothing of it is stored.
"""

from collections.abc import AsyncGenerator

import msgspec
import pytest

from tests.api.http.harness import NOW_S, Server, serving

INGEST = "/v1/ingest"
BATCH = "/v1/ingest/batch"


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


def point(**fields: object) -> dict[str, object]:
    """An item that is good but for the fields."""
    return {"stat": "a", "value": 1, "type": "counter"} | fields


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "invalid_json", id="1"),
        pytest.param(b'{"stat":"a","value":NaN}', 400, "invalid_json", id="2-nan"),
        pytest.param(b'{"stat":"a","value":Infinity}', 400, "invalid_json", id="2-infinity"),
        pytest.param(b'{"stat":"a","value":1e999}', 422, "value_out_of_range", id="3-1e999"),
        pytest.param(b'{"stat":"a","value":-1e999}', 422, "value_out_of_range", id="3-negative"),
        pytest.param(
            b'{"stat":"a","value":' + b"9" * 400 + b"}", 422, "value_out_of_range", id="3-400"
        ),
        pytest.param(
            b'{"stat":"a","value":' + b"9" * 5000 + b"}", 422, "value_out_of_range", id="3-5000"
        ),
        pytest.param(
            b'{"stat":"a","value":1e99999999999}', 422, "value_out_of_range", id="3-exponent"
        ),
        pytest.param(point(value=True), 422, "value_type", id="4-true"),
        pytest.param(point(value="1"), 422, "value_type", id="4-text"),
        pytest.param(point(value=None), 422, "value_type", id="4-null"),
        pytest.param(point(value=[]), 422, "value_type", id="4-list"),
        pytest.param(point(value={}), 422, "value_type", id="4-object"),
        pytest.param(point(value=1e101), 422, "value_out_of_range", id="5"),
        pytest.param({"value": 1}, 422, "field_required", id="6-stat"),
        pytest.param({"stat": "a", "type": "value"}, 422, "field_required", id="6-value"),
        pytest.param(point(vaule=1), 422, "unknown_field", id="7"),
        pytest.param(b'{"stat":"a","value":1,"value":2}', 422, "duplicate_field", id="8"),
        pytest.param(b"[" * 100_000, 400, "invalid_json", id="9"),
        pytest.param(b'{"stat":"\xff","value":1}', 400, "invalid_encoding", id="10-utf8"),
        pytest.param(b'{"stat":"\\ud800","value":1}', 400, "invalid_encoding", id="10-surrogate"),
        pytest.param('{"stat":"a"}'.encode("utf-16"), 400, "invalid_encoding", id="10-utf16"),
        pytest.param(b'\xef\xbb\xbf{"stat":"a"}', 400, "invalid_encoding", id="10-mark"),
        pytest.param(b'{"stat":"a",}', 400, "invalid_json", id="11-comma"),
        pytest.param(b'{"stat":"a"} x', 400, "invalid_json", id="11-garbage"),
        pytest.param(b"{'stat':'a'}", 400, "invalid_json", id="11-quotes"),
        pytest.param(b'{"stat":"a","value":0x1}', 400, "invalid_json", id="11-hex"),
        pytest.param(point(stat=""), 422, "stat_name_length", id="12-empty"),
        pytest.param(point(stat="   "), 422, "stat_name_length", id="12-spaces"),
        pytest.param(point(stat="é" * 256), 422, "stat_name_length", id="12-256"),
        pytest.param(point(stat="a\0b"), 422, "stat_name_chars", id="13-nul"),
        pytest.param(point(stat="a\nb"), 422, "stat_name_chars", id="13-newline"),
        pytest.param(point(stat="a\x1bb"), 422, "stat_name_chars", id="13-escape"),
        pytest.param(point(stat="a\u202eb"), 422, "stat_name_chars", id="13-turned"),
        pytest.param(point(type="gauge"), 422, "stat_type", id="17-gauge"),
        pytest.param(point(type=5), 422, "stat_type", id="17-number"),
        pytest.param(point(timestamp=NOW_S + 61), 422, "timestamp_in_future", id="19"),
        pytest.param(point(timestamp=NOW_S - 10**9), 422, "timestamp_too_old", id="20-old"),
        pytest.param(point(timestamp=0), 422, "timestamp_invalid", id="20-zero"),
        pytest.param(point(timestamp=-1), 422, "timestamp_invalid", id="20-negative"),
        pytest.param(point(timestamp=1e30), 422, "timestamp_invalid", id="20-huge"),
        pytest.param(point(timestamp="yesterday"), 422, "timestamp_invalid", id="21-word"),
        pytest.param(
            point(timestamp="2026-11-20T10:00:00"), 422, "timestamp_invalid", id="21-no-zone"
        ),
    ],
)
async def test_a_point(
    server: Server, body: bytes | dict[str, object], status: int, code: str
) -> None:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answer = await server.send("POST", INGEST, body=raw)
    assert (answer.status, answer.code) == (status, code)
    assert await server.stored() == {}


async def test_7_the_unknown_field_is_named(server: Server) -> None:
    answer = await server.send("POST", INGEST, json=point(vaule=1))
    assert answer.json["errors"][0]["field"] == "vaule"
    assert "vaule" in answer.json["detail"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("<script>alert(1)</script>", id="14"),
        pytest.param('=HYPERLINK("http://x")', id="15"),
        pytest.param("../../etc/passwd", id="16-path"),
        pytest.param("{p0}:log", id="16-key"),
        pytest.param("a*?[", id="16-glob"),
        pytest.param("é" * 255, id="12-255"),
        pytest.param("温度", id="any-script"),
    ],
)
async def test_odd_names_are_taken_as_they_are(server: Server, name: str) -> None:
    answer = await server.send("POST", INGEST, json=point(stat=name))
    assert answer.status == 202
    listed = (await server.send("GET", "/v1/stats")).json["stats"]
    assert [stat["name"] for stat in listed] == [name]
    assert await server.stored() == {name: (1, 1.0)}


async def test_18_a_stat_keeps_its_type(server: Server) -> None:
    await server.send("POST", INGEST, json=point(type="value"))
    answer = await server.send("POST", INGEST, json=point(type="counter"))
    assert (answer.status, answer.code) == (422, "stat_type_conflict")
    assert await server.stored() == {"a": (1, 1.0)}


@pytest.mark.parametrize(
    ("items", "status", "code"),
    [
        pytest.param([], 422, "batch_empty", id="22"),
        pytest.param([point()] * 1001, 413, "batch_too_large", id="23"),
    ],
)
async def test_a_batch_of_a_wrong_size(
    server: Server, items: list[object], status: int, code: str
) -> None:
    answer = await server.send("POST", BATCH, json={"items": items})
    assert (answer.status, answer.code) == (status, code)
    assert await server.stored() == {}


async def test_24_one_bad_item_of_a_thousand(server: Server) -> None:
    items = [point(stat=f"s{n}") for n in range(1000)]
    items[417] = point(value="many")
    answer = await server.send("POST", BATCH, json={"items": items})
    assert answer.status == 202
    rejected = answer.json.pop("rejected")
    assert answer.json["accepted"] == 999
    assert [(one["index"], one["code"]) for one in rejected] == [(417, "value_type")]
    assert await server.stored() == {f"s{n}": (1, 1.0) for n in range(1000) if n != 417}


async def test_25_a_batch_that_is_all_bad(server: Server) -> None:
    answer = await server.send("POST", BATCH, json={"items": [point(value="x")] * 60})
    assert (answer.status, answer.code) == (422, "batch_rejected")
    errors = answer.json["errors"]
    assert [error["index"] for error in errors] == list(range(50))
    assert "60 of 60" in answer.json["detail"]
    assert await server.stored() == {}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"content-encoding": "br"}, 415, "unsupported_encoding", id="28"),
        pytest.param({"content-type": "text/plain"}, 415, "unsupported_media_type", id="29-text"),
        pytest.param({"content-type": "none"}, 415, "unsupported_media_type", id="29-missing"),
        pytest.param({"idempotency-key": "x" * 256}, 400, "idempotency_key_invalid", id="45-long"),
        pytest.param({"idempotency-key": "a\x01b"}, 400, "idempotency_key_invalid", id="45-chars"),
        pytest.param({"idempotency-key": ""}, 400, "idempotency_key_invalid", id="45-empty"),
        pytest.param(
            {"idempotency-key": "01999999-9999-7000-8000-000000000000"},
            409,
            "idempotency_key_expired",
            id="44",
        ),
    ],
)
async def test_headers_of_a_point(
    server: Server, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await server.send("POST", INGEST, json=point(), headers=headers)
    assert (answer.status, answer.code) == (status, code)
    assert await server.stored() == {}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param([], 401, "missing_key", id="34"),
        pytest.param([("authorization", "Bearer sf_typo")], 401, "invalid_key", id="35"),
        pytest.param([("authorization", "Basic YTpi")], 401, "invalid_key", id="40-basic"),
        pytest.param([("authorization", "Bearer")], 401, "invalid_key", id="40-none"),
        pytest.param([("authorization", "Bearer " + "x" * 8192)], 401, "invalid_key", id="40-long"),
        pytest.param(
            [("authorization", "Bearer a"), ("authorization", "Bearer b")],
            400,
            "duplicate_header",
            id="40-two",
        ),
    ],
)
@pytest.mark.parametrize("path", [INGEST, BATCH, "/v1/stats", "/v1/live", "/v1/auth/api-keys"])
async def test_who_asks(
    server: Server, path: str, headers: list[tuple[str, str]], status: int, code: str
) -> None:
    method = "POST" if "ingest" in path else "GET"
    answer = await server.send(method, path, json=point(), key=None, headers=headers)
    assert (answer.status, answer.code) == (status, code)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await server.stored() == {}


async def test_37_a_revoked_key(server: Server) -> None:
    assert (await server.send("POST", INGEST, json=point(), key="write")).status == 202
    listed = (await server.send("GET", "/v1/auth/api-keys")).json["keys"]
    number = next(key["id"] for key in listed if key["name"] == "write")
    assert (await server.send("DELETE", f"/v1/auth/api-keys/{number}")).status == 204
    answer = await server.send("POST", INGEST, json=point(), key="write")
    assert (answer.status, answer.code) == (401, "invalid_key")


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("POST", INGEST, "read"),
        ("POST", BATCH, "read"),
        ("GET", "/v1/stats", "write"),
        ("GET", "/v1/live?match=*", "write"),
        ("POST", "/v1/live/tickets", "write"),
        ("GET", "/v1/auth/api-keys", "read"),
        ("POST", "/v1/auth/api-keys", "write"),
    ],
)
async def test_38_scopes(server: Server, method: str, path: str, key: str) -> None:
    answer = await server.send(method, path, key=key, json=point())
    assert (answer.status, answer.code) == (403, "insufficient_scope")


@pytest.mark.parametrize("name", ["api_key", "key", "anything"])
async def test_39_a_key_in_the_url(server: Server, name: str) -> None:
    path = f"{INGEST}?{name}={server.keys['all']}"
    answer = await server.send("POST", path, json=point())
    assert (answer.status, answer.code) == (400, "key_in_url")
    assert await server.stored() == {}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_41_a_stat_of_somebody_else(server: Server, method: str) -> None:
    stat_id = (await server.send("POST", INGEST, json=point())).json["stat_id"]
    for suffix in ("", "/restore") if method == "DELETE" else ("",):
        answer = await server.send(
            "POST" if suffix else method, f"/v1/stats/{stat_id}{suffix}", key="other", json={}
        )
        assert (answer.status, answer.code) == (404, "not_found")
    assert (await server.send("GET", f"/v1/stats/{stat_id}")).json["state"] == "live"


async def test_41_a_key_of_somebody_else(server: Server) -> None:
    listed = (await server.send("GET", "/v1/auth/api-keys")).json["keys"]
    number = listed[0]["id"]
    answer = await server.send("DELETE", f"/v1/auth/api-keys/{number}", key="other")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_42_a_key_with_another_body(server: Server) -> None:
    headers = {"idempotency-key": "k1"}
    assert (await server.send("POST", INGEST, json=point(), headers=headers)).status == 202
    answer = await server.send("POST", INGEST, json=point(value=2), headers=headers)
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert await server.stored() == {"a": (1, 1.0)}


@pytest.mark.parametrize("part", ["'; FLUSHALL", "%00", "%2e%2e", "st_", "st_!!", "1", "st_zzzzz"])
@pytest.mark.parametrize("suffix", ["", "/data", "/restore"])
async def test_52_ids_that_are_none(server: Server, part: str, suffix: str) -> None:
    method = "POST" if suffix == "/restore" else "GET"
    answer = await server.send(method, f"/v1/stats/{part}{suffix}")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("path", [INGEST, BATCH, "/v1/stat"])
@pytest.mark.parametrize("method", ["PUT", "TRACE", "GET", "DELETE"])
async def test_53_other_methods(server: Server, method: str, path: str) -> None:
    answer = await server.send(method, path, json=point())
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("path", [INGEST, BATCH, "/v1/stats", "/healthz"])
async def test_53_what_is_allowed_can_be_asked(server: Server, path: str) -> None:
    answer = await server.send("OPTIONS", path, key=None)
    assert (answer.status, answer.body) == (204, b"")
    assert "OPTIONS" in answer.headers["allow"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/ingest/", "/v1/ingest/x"])
async def test_addresses_that_are_none(server: Server, path: str) -> None:
    answer = await server.send("POST", path, json=point())
    assert answer.status == (405 if path == "/" else 404)
    assert answer.code in {"not_found", "method_not_allowed"}
