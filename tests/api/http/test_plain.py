"""Plain points: which requests are, and what becomes of them when something is in their way."""

import msgspec
import pytest
import trio
from trio.testing import MockClock

from api.accounts.remembered import CONFIRMED_FOR_S
from api.http import plain as module
from api.http.ingest import INGEST_PATH
from api.http.messages import PLACE_OF_ID, Header, RawRequest, SharedReply
from api.http.plain import Bundle, PlainPoints, Turn
from api.plans.plan import Plan
from api.plans.rates import BURST_S
from engine.stats import public_id
from tests.api.http.harness import Server, serving

POINT = b'{"stat":"a","value":1,"type":"counter"}'


def request(*headers: Header, path: str = INGEST_PATH, query: bytes = b"") -> RawRequest:
    """The head of a request."""
    return RawRequest("POST", path, query, headers, b"", "")


def head(server: Server, key: str = "all") -> RawRequest:
    """The head of a usual request with one of the keys."""
    bearer = b"Bearer " + server.keys[key].encode()
    return request((b"authorization", bearer), (b"content-type", b"application/json"))


def taken(points: PlainPoints, server: Server, key: str = "all", body: bytes = POINT) -> bool:
    """Whether a request is plain now."""
    sender = points.sender(head(server, key))
    return sender is not None and isinstance(points.turn().take(sender, body), Bundle)


async def first(server: Server, key: str = "all") -> PlainPoints:
    """Plain points of a server that knows the stat and the key."""
    assert (await server.send("POST", INGEST_PATH, body=POINT, key=key)).status == 202
    return PlainPoints(server.context)


def in_turn(turn: Turn, sender: bytes, stat: str) -> Bundle:
    """The bundle that a point of a stat goes into."""
    bundle = turn.take(sender, msgspec.json.encode({"stat": stat, "value": 1}))
    assert isinstance(bundle, Bundle)
    return bundle


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"authorization", b"Basic eDp5"),),
        ((b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")),
        ((b"authorization", b"Bearer " + b"a" * 300),),
        ((b"authorization", b"Bearer a"), (b"idempotency-key", b"one")),
        ((b"authorization", b"Bearer a"), (b"content-encoding", b"gzip")),
        ((b"authorization", b"Bearer a"), (b"content-type", b"application/msgpack")),
        ((b"authorization", b"Bearer a"), (b"content-type", b"text/plain")),
    ],
)
async def test_heads_that_no_plain_request_has(headers: tuple[Header, ...]) -> None:
    media = () if any(name == b"content-type" for name, _ in headers) else (_JSON,)
    async with serving() as server:
        points = PlainPoints(server.context)
        assert points.sender(request(*headers, *media)) is None
        assert points.sender(request((b"authorization", b"Bearer a"), _JSON)) is not None


_JSON: Header = (b"content-type", b"application/json")


async def test_other_addresses_have_no_plain_requests() -> None:
    async with serving() as server:
        points, usual = PlainPoints(server.context), head(server)
        assert points.sender(request(*usual.headers, path="/v1/stat")) is None
        assert points.sender(request(*usual.headers, query=b"a=1")) is None


async def test_a_key_that_is_limited_or_not_known_sends_nothing_plain() -> None:
    async with serving() as server:
        points = await first(server)
        assert taken(points, server)
        assert not taken(points, server, "write")
        await first(server, "write")
        assert taken(points, server, "write")
        await server.new_key("prefix", ["write"], prefix="a")
        await first(server, "prefix")
        await server.send("GET", "/v1/stats", key="read")
        assert not taken(points, server, "prefix")
        assert not taken(points, server, "read")
        assert not taken(points, server, "other")


async def test_a_key_that_was_revoked_sends_nothing_plain() -> None:
    async with serving() as server:
        points = await first(server, "write")
        (made,) = [
            key for key in await server.context.keyring.keys(1)
            if server.keys["write"].endswith(key.last4)
        ]  # fmt: skip
        await server.context.keyring.revoke(1, made.id)
        assert not taken(points, server, "write")


async def test_without_confirmation_nobody_sends_anything_plain(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        points = await first(server)
        await trio.sleep(CONFIRMED_FOR_S + 1)
        assert not taken(points, server)
        await server.context.keyring.confirm()
        assert taken(points, server)


async def test_a_stat_in_the_trash_takes_nothing_plain() -> None:
    async with serving() as server:
        points = await first(server)
        path = f"/v1/stats/{public_id(server.stat('a').id)}"
        assert (await server.send("DELETE", path)).status < 300
        assert not taken(points, server)


async def test_a_sender_that_is_too_fast_is_told_so(autojump_clock: MockClock) -> None:
    plan = Plan(name="slow", requests_s=1)
    async with serving(plan=plan) as server:
        points = await first(server)
        plain = [taken(points, server) for _ in range(int(BURST_S) + 3)]
        assert plain.count(True) == BURST_S - 1
        assert plain.index(False) == BURST_S - 1
        answer = await server.send("POST", INGEST_PATH, body=POINT)
        assert (answer.status, answer.code) == (429, "rate_limited")
        sender = points.sender(head(server))
        assert sender is not None
        told = points.turn().take(sender, POINT)
        assert isinstance(told, SharedReply)
        assert (told.reply.status, PLACE_OF_ID in f"{told.reply}") == (429, True)
        # All but those that were taken, of ten that a burst may have.
        assert server.context.meters.refusals["rate_limited"] == 6


async def test_points_of_one_moment_are_one_append_a_partition() -> None:
    async with serving(spread=4) as server:
        points = await first(server)
        names = [f"s{number}" for number in range(12)]
        for name in names:
            await server.send("POST", INGEST_PATH, json={"stat": name, "value": 1})
        turn, sender = points.turn(), points.sender(head(server))
        assert sender is not None
        bundles = dict.fromkeys(in_turn(turn, sender, name) for name in names)
        assert len(bundles) == len({server.stat(name).partition for name in names}) > 1
        before = server.context.node.statistics().commits
        for bundle in bundles:
            replies = await bundle.replies()
            assert [reply.reply.status for reply in replies] == [202] * len(bundle.stats)
        assert server.context.node.statistics().commits == before + len(bundles)
        stored = await server.stored()
        assert [stored[name] for name in names] == [(2, 2.0)] * len(names)


async def test_a_store_that_fails_is_told_to_everyone() -> None:
    async with serving() as server:
        points = await first(server)
        sender, turn = points.sender(head(server)), points.turn()
        assert sender is not None
        bundle = in_turn(turn, sender, "a")
        assert in_turn(turn, sender, "a") is bundle
        server.context.node.intake.read_only = "the disk is full"
        replies = await bundle.replies()
        assert [reply.reply.status for reply in replies] == [503, 503]
        body = msgspec.json.decode(replies[0].reply.body)
        assert (body["code"], body["request_id"]) == ("read_only", PLACE_OF_ID)
        assert server.context.meters.refusals["read_only"] == 2
        assert server.context.meters.requests[INGEST_PATH, 503] == 2


async def test_replies_that_are_kept_ready_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPLIES_KEPT", 3)
    async with serving() as server:
        points = PlainPoints(server.context)
        replies = [points.reply(number % 5).reply for number in range(20)]
        told = [msgspec.json.decode(reply.body)["stat_id"] for reply in replies]
        assert told[:5] == told[5:10]
        assert len(set(told)) == 5
        assert repr(points) == "<PlainPoints, 2 replies ready>"
