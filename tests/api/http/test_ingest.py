"""Points in: what is accepted is stored once, and a repeat is told what the first was told."""

import gzip
import re
import shlex
from collections import Counter
from collections.abc import AsyncGenerator
from itertools import pairwise

import msgpack
import msgspec
import pytest
import trio
from trio.testing import MockClock

from engine.ports import Refused, StoreError, Unavailable
from tests.api.http.harness import NOW_MS, NOW_S, Answer, Server, serving

INGEST = "/v1/ingest"
BATCH = "/v1/ingest/batch"


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


def point(**fields: object) -> dict[str, object]:
    """An item that is good but for the fields."""
    return {"stat": "a", "value": 1, "type": "counter"} | fields


async def test_one_point(server: Server) -> None:
    answer = await server.send("POST", INGEST, json=point(value=2.5))
    assert answer.status == 202
    stat_id = answer.json["stat_id"]
    assert re.fullmatch(r"st_[0-9A-Za-z]+", stat_id)
    assert answer.json == {"accepted": 1, "duplicates": 0, "stat_id": stat_id, "durable": False}
    assert await server.stored() == {"a": (1, 2.5)}
    assert (await server.send("GET", f"/v1/stats/{stat_id}")).json["name"] == "a"


@pytest.mark.parametrize(
    ("item", "kind", "total"),
    [
        ({"stat": "a"}, "counter", 1.0),
        ({"stat": "a", "value": 7}, "counter", 7.0),
        ({"stat": "a", "type": "counter"}, "counter", 1.0),
        ({"stat": "a", "type": "value", "value": -2}, "value", -2.0),
        ({"stat": " a ", "value": 1, "type": "counter"}, "counter", 1.0),
    ],
)
async def test_what_may_be_left_out(
    server: Server, item: dict[str, object], kind: str, total: float
) -> None:
    assert (await server.send("POST", INGEST, json=item)).status == 202
    assert server.stat("a").kind == kind
    assert await server.stored() == {"a": (1, total)}


async def test_a_known_stat_needs_no_type(server: Server) -> None:
    await server.send("POST", INGEST, json=point(type="value", value=4))
    assert (await server.send("POST", INGEST, json={"stat": "a", "value": 6})).status == 202
    answer = await server.send("POST", INGEST, json={"stat": "a"})
    assert (answer.status, answer.code) == (422, "field_required")
    assert await server.stored() == {"a": (2, 10.0)}


@pytest.mark.parametrize(
    ("item", "kind", "total"),
    [
        ({"stat": "a", "count": 3}, "counter", 3.0),
        ({"stat": "a"}, "counter", 1.0),
        ({"stat": "a", "value": 3}, "value", 3.0),
    ],
)
async def test_the_older_interface(
    server: Server, item: dict[str, object], kind: str, total: float
) -> None:
    assert (await server.send("POST", "/v1/stat", json=item)).status == 202
    assert server.stat("a").kind == kind
    assert await server.stored() == {"a": (1, total)}


async def test_times(server: Server) -> None:
    times = [NOW_S - 100, NOW_MS - 99_000, (NOW_MS - 98_000) * 1000, "2026-11-21T22:58:23Z"]
    items = [point(timestamp=times[0]), *(point(t=time) for time in times[1:]), point()]
    assert (await server.send("POST", BATCH, json={"items": items})).json["accepted"] == 5
    rollups = await server.buckets("a")
    now_s = server.context.clock.now_ms() // 1000
    assert rollups.start.tolist() == [NOW_S - n for n in (100, 99, 98, 97)] + [now_s]


@pytest.mark.parametrize(
    ("media", "encode"),
    [
        ("application/json", lambda items: msgspec.json.encode({"items": items})),
        ("application/x-ndjson", lambda items: b"\n".join(map(msgspec.json.encode, items))),
        ("application/msgpack", lambda items: msgpack.packb({"items": items})),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_ways_to_write_a_batch(
    server: Server, media: str, encode: object, packed: bool
) -> None:
    assert callable(encode)
    body: bytes = encode([point(stat=f"s{n % 7}", value=n) for n in range(100)])
    headers = {"content-type": media}
    if packed:
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    answer = await server.send("POST", BATCH, body=body, headers=headers)
    assert answer.status == 202
    assert answer.json == {"accepted": 100, "duplicates": 0, "rejected": [], "durable": False}
    sums: Counter[str] = Counter()
    for n in range(100):
        sums[f"s{n % 7}"] += n
    assert {name: total for name, (_, total) in (await server.stored()).items()} == sums


async def test_27_a_gzip_bomb(server: Server) -> None:
    body = gzip.compress(b"\0" * 64 * 2**20)
    answer = await server.send("POST", BATCH, body=body, headers={"content-encoding": "gzip"})
    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_lines_are_for_batches(server: Server) -> None:
    headers = {"content-type": "application/x-ndjson"}
    answer = await server.send("POST", INGEST, json=point(), headers=headers)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_all_or_nothing(server: Server) -> None:
    items = [point(stat="good"), point(stat="bad", value="x")]
    answer = await server.send("POST", f"{BATCH}?atomic=true", json={"items": items})
    assert (answer.status, answer.code) == (422, "batch_rejected")
    assert [(e["index"], e["code"]) for e in answer.json["errors"]] == [(1, "value_type")]
    assert await server.stored() == {}
    answer = await server.send("POST", f"{BATCH}?atomic=true", json={"items": items[:1]})
    assert answer.json["accepted"] == 1
    answer = await server.send("POST", f"{BATCH}?atomic=false", json={"items": items})
    assert answer.json["accepted"] == 1
    assert await server.stored() == {"good": (2, 2.0)}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{BATCH}?atomic=perhaps", "parameter_invalid"),
        (f"{BATCH}?atomics=1", "unknown_parameter"),
        (f"{INGEST}?atomic=1", "unknown_parameter"),
    ],
)
async def test_parameters_that_are_none(server: Server, path: str, code: str) -> None:
    answer = await server.send("POST", path, json={"items": [point()]})
    assert (answer.status, answer.code) == (422, code)


async def test_two_types_in_one_batch(server: Server) -> None:
    items = [point(type="value"), point(type="counter"), point(stat="b")]
    answer = await server.send("POST", BATCH, json={"items": items})
    assert [(r["index"], r["code"]) for r in answer.json["rejected"]] == [(1, "stat_type_conflict")]
    assert await server.stored() == {"a": (1, 1.0), "b": (1, 1.0)}


async def test_a_stat_in_the_trash_takes_no_points(server: Server) -> None:
    stat_id = (await server.send("POST", INGEST, json=point())).json["stat_id"]
    await server.send("DELETE", f"/v1/stats/{stat_id}")
    answer = await server.send("POST", INGEST, json=point())
    assert (answer.status, answer.code) == (422, "stat_in_trash")
    await server.send("POST", f"/v1/stats/{stat_id}/restore")
    assert (await server.send("POST", INGEST, json=point())).json["stat_id"] == stat_id


async def test_a_key_with_a_prefix(server: Server) -> None:
    await server.new_key("web", ["write", "read"], prefix="web.")
    items = [point(stat="web.a"), point(stat="db.a")]
    answer = await server.send("POST", BATCH, json={"items": items}, key="web")
    assert answer.json["accepted"] == 1
    assert answer.json["rejected"][0]["code"] == "stat_name_prefix"
    await server.send("POST", INGEST, json=point(stat="db.a"))
    listed = (await server.send("GET", "/v1/stats", key="web")).json["stats"]
    assert [stat["name"] for stat in listed] == ["web.a"]


def same(first: Answer, second: Answer) -> bool:
    """Whether two answers say the same, word for word."""
    return (first.status, first.body) == (second.status, second.body)


async def test_a_repeat_is_told_what_the_first_was_told(server: Server) -> None:
    for path, body in ((INGEST, point()), (BATCH, {"items": [point(), point(value="x")]})):
        headers = {"idempotency-key": "k1"}
        first = await server.send("POST", path, json=body, headers=headers)
        again = await server.send("POST", path, json=body, headers=headers)
        assert same(first, again)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
    assert await server.stored() == {"a": (2, 2.0)}


async def test_43_a_thousand_repeats_at_once(server: Server) -> None:
    answers: list[Answer] = []

    async def send() -> None:
        headers = {"idempotency-key": "k1"}
        answers.append(await server.send("POST", INGEST, json=point(), headers=headers))

    async with trio.open_nursery() as nursery:
        for _ in range(1000):
            nursery.start_soon(send)
    assert {answer.status for answer in answers} == {202}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 999
    assert len({answer.body for answer in answers}) == 1
    assert await server.stored() == {"a": (1, 1.0)}


async def test_a_repeat_is_told_the_same_although_the_world_has_changed(
    server: Server, autojump_clock: MockClock
) -> None:
    body = {"items": [point(stat="new"), point(stat="later", t=NOW_S + 90)]}
    headers = {"idempotency-key": "k1"}
    first = await server.send("POST", BATCH, json=body, headers=headers)
    assert first.json["rejected"][0]["code"] == "timestamp_in_future"
    await trio.sleep(100)
    await server.context.directory.trash(server.stat("new").id)
    again = await server.send("POST", BATCH, json=body, headers=headers)
    assert same(first, again)


async def test_a_refusal_is_repeated_too(server: Server, autojump_clock: MockClock) -> None:
    headers = {"idempotency-key": "k1"}
    body = point(t=NOW_S + 90)
    first = await server.send("POST", INGEST, json=body, headers=headers)
    await trio.sleep(100)
    again = await server.send("POST", INGEST, json=body, headers=headers)
    assert (first.status, first.code) == (422, "timestamp_in_future")
    assert (again.status, again.code) == (422, "timestamp_in_future")
    assert again.headers["idempotent-replayed"] == "true"
    assert await server.stored() == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (INGEST, point(value=2)),
        (f"{BATCH}?atomic=true", {"items": [point()]}),
        (BATCH, {"items": [point(), point()]}),
    ],
)
async def test_a_key_belongs_to_one_body(server: Server, path: str, body: object) -> None:
    headers = {"idempotency-key": "k1"}
    await server.send("POST", INGEST, json=point(), headers=headers)
    await server.send("POST", BATCH, json={"items": [point()]}, headers=headers)
    answer = await server.send("POST", path, json=body, headers=headers)
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert await server.stored() == {"a": (2, 2.0)}


async def test_accounts_do_not_share_keys(server: Server) -> None:
    headers = {"idempotency-key": "k1"}
    await server.send("POST", INGEST, json=point(), headers=headers)
    answer = await server.send("POST", INGEST, json=point(value=9), headers=headers, key="other")
    assert answer.status == 202
    assert "idempotent-replayed" not in answer.headers


async def test_items_with_an_id_count_once(server: Server) -> None:
    items = [point(id="1"), point(id="2"), point(id="1", value=50), point(stat="b", id="1")]
    first = await server.send("POST", BATCH, json={"items": items})
    assert (first.json["accepted"], first.json["duplicates"]) == (3, 1)
    again = await server.send("POST", BATCH, json={"items": [point(id="2"), point(id="3")]})
    assert (again.json["accepted"], again.json["duplicates"]) == (1, 1)
    single = await server.send("POST", INGEST, json=point(id="3"))
    assert (single.status, single.json["accepted"], single.json["duplicates"]) == (202, 0, 1)
    assert await server.stored() == {"a": (3, 3.0), "b": (1, 1.0)}


async def test_a_spread_account_is_served_whole(autojump_clock: MockClock) -> None:
    async with serving(spread=3) as server:
        items = [point(stat=f"s{n}", value=n) for n in range(40)]
        headers = {"idempotency-key": "k1"}
        answer = await server.send("POST", BATCH, json={"items": items}, headers=headers)
        assert answer.json["accepted"] == 40
        assert len({server.stat(f"s{n}").partition for n in range(40)}) == 3
        again = await server.send("POST", BATCH, json={"items": items}, headers=headers)
        assert same(answer, again)
        assert again.headers["idempotent-replayed"] == "true"
        assert await server.stored() == {f"s{n}": (1, float(n)) for n in range(40)}


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Unavailable("gone"), "outcome_unknown"),
        (Refused("loading", "the store reads its data"), "store_unavailable"),
        (Refused("oom", "the store is full"), "read_only"),
    ],
)
async def test_48_a_store_that_does_not_take_it(
    server: Server, autojump_clock: MockClock, failure: StoreError, code: str
) -> None:
    await server.send("POST", INGEST, json=point())
    server.store.failure = failure
    began = trio.current_time()
    answer = await server.send("POST", INGEST, json=point(), headers={"idempotency-key": "k1"})
    assert (answer.status, answer.code) == (503, code)
    assert int(answer.headers["retry-after"]) >= 1
    assert trio.current_time() - began <= 2.1
    began = trio.current_time()
    again = await server.send("POST", INGEST, json=point())
    assert again.status == 503
    server.store.failure = None
    await trio.sleep(5)
    answer = await server.send("POST", INGEST, json=point(), headers={"idempotency-key": "k1"})
    assert answer.status == 202
    count, total = (await server.stored())["a"]
    assert (count, total) in {(2, 2.0), (3, 3.0)}


DOCUMENTED = """
curl -X POST https://api.statflow.dev/v1/ingest
  -H "Authorization: Bearer sf_your_key_here"
  -H "Content-Type: application/json"
  -d '{"stat":"my_first_metric","value":1,"type":"counter"}'

curl -X POST https://api.statflow.dev/v1/ingest
  -H "Authorization: Bearer sf_YOUR_KEY"
  -H "Content-Type: application/json"
  -d '{"stat":"requests.total","value":1,"type":"counter"}'
"""


@pytest.mark.parametrize("command", DOCUMENTED.strip().split("\n\n"))
async def test_the_commands_of_the_documentation(server: Server, command: str) -> None:
    words = shlex.split(command)
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    assert headers.pop("Authorization").startswith("Bearer sf_")
    path = words[3].removeprefix("https://api.statflow.dev")
    answer = await server.send(words[2], path, body=words[-1].encode(), headers=headers)
    assert answer.status == 202
    assert answer.json["accepted"] == 1


async def test_the_requests_of_the_documentation(server: Server) -> None:
    one = b'{"stat":"page.views","value":1,"type":"counter"}'
    many = b'{"items":[{"stat":"page.views","value":1,"type":"counter"}]}'
    stat_id = (await server.send("POST", INGEST, body=one)).json["stat_id"]
    assert (await server.send("POST", BATCH, body=many)).json["accepted"] == 1
    listed = await server.send("GET", "/v1/stats")
    assert [stat["id"] for stat in listed.json["stats"]] == [stat_id]
    data = await server.send("GET", f"/v1/stats/{stat_id}/data")
    assert data.status == 200
    ranged = await server.send("GET", f"/v1/stats/{stat_id}/data?from=-2h&to=now&resolution=1h")
    assert ranged.json["summary"]["sum"] == 2
    export = await server.send("GET", f"/v1/stats/{stat_id}/export?format=csv")
    assert export.status == 200
    made = await server.send("POST", "/v1/auth/api-keys", json={"scopes": ["write"]})
    assert made.status == 201
    keys = await server.send("GET", "/v1/auth/api-keys")
    assert made.json["id"] in {key["id"] for key in keys.json["keys"]}
    gone = await server.send("DELETE", f"/v1/auth/api-keys/{made.json['id']}")
    assert gone.status == 204


async def test_what_is_counted_of_it(server: Server) -> None:
    await server.send("POST", BATCH, json={"items": [point(), point(value="x"), point(id="1")]})
    await server.send("POST", BATCH, json={"items": [point(id="1")]})
    await server.send("POST", INGEST, body=b"")
    meters = server.context.meters
    assert (meters.accepted, meters.duplicates) == (2, 1)
    assert meters.refusals == {"value_type": 1, "invalid_json": 1}
    assert sum(meters.ack_counts) == 2
