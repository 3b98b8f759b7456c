"""One table of requests, good and bad, to a server with the lane and to one without: same bytes."""

import gzip
import re
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
import pytest
import trio

from api.express.lane import ExpressLane
from api.http.app import express_handlers
from api.http.bodies import BODY_LIMIT
from api.http.context import Context
from api.http.messages import SharedReply
from api.http.plain import Bundle, PlainPoints, Turn
from tests.api.express.requests import VARYING, chunked_once
from tests.api.http.harness import NOW_MS, Server, serving
from tests.api.http.sockets import served

pytestmark = pytest.mark.real

GOODBYE: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""Not for the lane; after its answer the connection ends."""

POINT: Final = b'{"stat":"a","value":1,"type":"counter"}'
ITEMS: Final = b'{"items":[{"stat":"a","value":2,"type":"counter"},{"stat":"b"},{"stat":7}]}'

CURSOR: Final = re.compile(rb"(?<=id: )p[^\n]+")


def post(
    body: bytes = POINT,
    *headers: bytes,
    path: bytes = b"/v1/ingest",
    key: bytes = b"write",
    media: bytes = b"application/json",
    framed: bool = True,
) -> bytes:
    """A request; the name of its key stands for the key."""
    lines = [b"POST %b HTTP/1.1" % path, b"Host: x", *headers]
    lines += [b"Authorization: Bearer <%b>" % key] if key else []
    lines += [b"Content-Type: " + media] if media else []
    lines += [b"Content-Length: %d" % len(body)] if framed else []
    return b"\r\n".join([*lines, b"", body])


HOURS: Final = b"from=2026-11-21T20:00:00Z&to=2026-11-22T00:00:00Z&resolution=1h"


def get(path: bytes, key: bytes = b"read") -> bytes:
    """A request without a body."""
    line = b"GET %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer <%b>\r\n\r\n"
    return line % (path, key)


batch = partial(post, path=b"/v1/ingest/batch")
"""A request with many points."""


LIVE: Final = get(b"/v1/live?stats=st_1&resolution=1d")

TABLE: Final[dict[str, bytes]] = {
    "a point": post(),
    "many": batch(ITEMS),
    "a count": post(b'{"stat":"c","count":3}', path=b"/v1/stat"),
    "in turn": post() + batch(ITEMS) + post(b"{") + post(),
    "all or none": post(ITEMS, path=b"/v1/ingest/batch?atomic=true"),
    "none": batch(b'{"items":[{"stat":""},{"stat":7}]}'),
    "no items": batch(b'{"items":[]}'),
    "too many": batch(msgspec.json.encode({"items": [{"stat": "a"}] * 1001})),
    "lines": batch(b'{"stat":"a"}\n{"stat":"b"}\n', media=b"application/x-ndjson"),
    "packed": batch(
        msgspec.msgpack.encode({"items": [{"stat": "a"}]}), media=b"application/msgpack"
    ),
    "zipped": batch(gzip.compress(ITEMS, mtime=0), b"Content-Encoding: gzip"),
    "badly zipped": batch(b"nonsense", b"Content-Encoding: gzip"),
    "a bomb": batch(gzip.compress(bytes(5 * 2**20), mtime=0), b"Content-Encoding: gzip"),
    "chunks": post(chunked_once(POINT), b"Transfer-Encoding: chunked", framed=False),
    "large chunks": batch(
        chunked_once(b" " * 200_000 + ITEMS), b"Transfer-Encoding: chunked", framed=False
    ),
    "bad chunks": post(b"x\r\n", b"Transfer-Encoding: chunked", framed=False),
    "chunks with a trailer": post(
        chunked_once(POINT)[:-2] + b"X: y\r\n\r\n", b"Transfer-Encoding: chunked", framed=False
    ),
    "too many chunks": post(
        chunked_once(bytes(BODY_LIMIT + 1)), b"Transfer-Encoding: chunked", framed=False
    ),
    "told to go on": post(POINT, b"Expect: 100-continue"),
    "nothing": post(b""),
    "no length": post(b"", framed=False),
    "no JSON": post(b"{"),
    "bad text": post(b'{"stat":"\xff"}'),
    "no object": post(b"[1]"),
    "unknown field": post(b'{"stat":"a","colour":1}'),
    "no number": post(b'{"stat":"a","value":"1"}'),
    "other type": post(b'{"stat":"a","value":1,"type":"value"}'),
    "no time": post(b'{"stat":"a","t":"yesterday"}'),
    "no media": post(media=b""),
    "other media": post(media=b"text/plain"),
    "other text": post(media=b"application/json; charset=latin1"),
    "other coding": post(POINT, b"Content-Encoding: br"),
    "no key": post(key=b""),
    "a wrong key": post(key=b"nobody"),
    "no bearer": post(POINT, b"Authorization: Basic eDp5", key=b""),
    "two keys": post(POINT, b"Authorization: Bearer x"),
    "a reader": post(key=b"read"),
    "a key in the query": post(path=b"/v1/ingest?api_key=x"),
    "a parameter": post(path=b"/v1/ingest?x=1"),
    "a bad parameter": post(ITEMS, path=b"/v1/ingest/batch?atomic=perhaps"),
    "a bad query": post(ITEMS, path=b"/v1/ingest/batch?atomic=%FF"),
    "first": post(POINT, b"Idempotency-Key: one"),
    "again": post(POINT, b"Idempotency-Key: one"),
    "another body": post(b'{"stat":"b"}', b"Idempotency-Key: one"),
    "a bad name": post(POINT, b"Idempotency-Key: a b"),
    "two names": post(POINT, b"Idempotency-Key: a", b"Idempotency-Key: b"),
    "an old name": post(POINT, b"Idempotency-Key: 01890a5d-ac96-774b-bcce-b302099a8057"),
    "once": post(b'{"stat":"a","id":"x"}'),
    "twice": post(b'{"stat":"a","id":"x"}'),
    "wants it closed": post(POINT, b"Connection: close"),
    "is wrong and wants it closed": post(b"{", b"Connection: close"),
    "stays": post(POINT, b"Connection: keep-alive"),
    "old": post().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "no host": post().replace(b"Host", b"X"),
    "two hosts": post(POINT, b"Host: y"),
    "two lengths of a kind": post(POINT, b"Transfer-Encoding: chunked"),
    "a bad length": post(POINT, b"Content-Length: x", framed=False),
    "a large length": post(b"", b"Content-Length: %d" % (BODY_LIMIT + 1), framed=False),
    "a space": post(POINT, b"X : y"),
    "a zero": post(POINT, b"X: \0"),
    "a large head": post(POINT, b"X: " + b"a" * 17_000),
    "a long path": post(path=b"/v1/ingest?" + b"a" * 9_000),
    "an upgrade": post(POINT, b"Upgrade: websocket", b"Connection: Upgrade"),
    "an old upgrade": post(POINT, b"Upgrade: h2c", b"Connection: Upgrade"),
    "another place": post(path=b"/v1/ingest/"),
    "another spelling": post(path=b"/v1/%69ngest"),
    "another method": post().replace(b"POST", b"PUT"),
    "no stats to follow": get(b"/v1/live"),
    "a stat that is not there": get(b"/v1/live?stats=st_999"),
    "a bad ticket": get(b"/v1/live?ticket=x"),
    "a bad cursor": get(b"/v1/live?stats=st_1&cursor=x"),
    "a writer": get(b"/v1/live?stats=st_1", key=b"write"),
    "a head of a stream": get(b"/v1/live?stats=st_1").replace(b"GET", b"HEAD"),
    "options": b"OPTIONS /v1/ingest HTTP/1.1\r\nHost: x\r\n\r\n",
    "head": b"HEAD /v1/stats HTTP/1.1\r\nHost: x\r\n\r\n",
    "nonsense": b"nonsense\r\n\r\n",
    # HTTP/2 without asking first: settings, and a frame that says goodbye.
    "stats": get(b"/v1/stats?q=a*&limit=1"),
    "stats of a bad page": get(b"/v1/stats?cursor=x"),
    "buckets": get(b"/v1/stats/st_1/data?<hours>"),
    "buckets as a table": get(b"/v1/stats/st_1/data?<hours>&format=csv"),
    "buckets of nobody": get(b"/v1/stats/st_999/data"),
    "buckets of a bad stat": get(b"/v1/stats/st_/data"),
    "buckets of an escaped stat": get(b"/v1/stats/st%5F1/data?<hours>"),
    "buckets of a part": get(b"/v1/stats/st_1/data/more"),
    "buckets without a key": b"GET /v1/stats/st_1/data HTTP/1.1\r\nHost: x\r\n\r\n",
    "buckets of a writer": get(b"/v1/stats/st_1/data", key=b"write"),
    "a bad range": get(b"/v1/stats/st_1/data?from=long-ago"),
    "no such parameter": get(b"/v1/stats/st_1/data?colour=red"),
    "a question": get(b"/v1/query?match=*&<hours>&group=sum"),
    "a bad question": get(b"/v1/query?match=*&expr=%28"),
    "the length of buckets": get(b"/v1/stats/st_1/data?<hours>").replace(b"GET", b"HEAD"),
    "the other protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + bytes([0, 0, 0, 4, *bytes(5)])
    + bytes([0, 0, 8, 7, *bytes(5 + 8)])
    + b"Connection: close",
}


MADE: Final = NOW_MS - 5_000

PLAIN_TABLE: Final[dict[str, bytes]] = {
    "a new counter": post(),
    "a new value": post(b'{"stat":"v","value":0.5,"type":"value"}'),
    "plain": post(b'{"stat":"a","value":2,"type":"counter"}'),
    "plain, of no type": post(b'{"stat":"a","value":3}'),
    "plain, a value": post(b'{"stat":"v","value":-0.0,"type":"value"}'),
    "plain, in another order": post(b'{"type":"counter","value":4,"stat":"a"}'),
    "plain, with a time": post(b'{"stat":"a","value":5,"t":%d}' % MADE),
    "plain, with seconds": post(b'{"stat":"a","value":6,"timestamp":%d.5}' % (MADE // 1000)),
    "plain, with spaces": post(b' {"stat" : "a", "value": 7e0 }\n'),
    "plain, in UTF-8": post(b'{"stat":"a","value":8}', media=b"Application/JSON; charset=utf-8"),
    "plain, escaped": post(b'{"stat":"\\u0061","value":9}'),
    "a colon": post(b'{"stat":"a:b","value":1}'),
    "a colon again": post(b'{"stat":"a:b","value":1}'),
    "twice": post(b'{"stat":"a","stat":"a","value":1}'),
    "of another type": post(b'{"stat":"a","value":1,"type":"value"}'),
    "not trimmed": post(b'{"stat":" a ","value":1}'),
    "no value": post(b'{"stat":"a"}'),
    "a large value": post(b'{"stat":"a","value":1e101}'),
    "too old": post(b'{"stat":"a","value":1,"t":900000000}'),
    "in future": post(b'{"stat":"a","value":1,"t":%d}' % (NOW_MS + 3_600_000)),
    "two times": post(b'{"stat":"a","value":1,"t":%d,"timestamp":%d}' % (MADE, MADE)),
    "no time": post(b'{"stat":"a","value":1,"t":7}'),
    "a time in words": post(b'{"stat":"a","value":1,"t":"2026-11-22T03:00:00Z"}'),
    "named": post(b'{"stat":"a","value":1,"id":"x"}'),
    "named again": post(b'{"stat":"a","value":1,"id":"x"}'),
    "a name of the request": post(POINT, b"Idempotency-Key: one"),
    "the name again": post(POINT, b"Idempotency-Key: one"),
    "unknown field": post(b'{"stat":"a","value":1,"x":1}'),
    "no JSON": post(b'{"stat":"a","value":1'),
    "more than JSON": post(b'{"stat":"a","value":1}}'),
    "not a text": post(b'{"stat":"\xff","value":1}'),
    "a reader": post(key=b"read"),
    "nobody": post(key=b"nobody"),
    "no key": post(key=b""),
    "a count": post(b'{"stat":"a","count":1}'),
    "zipped": post(gzip.compress(POINT, mtime=0), b"Content-Encoding: gzip"),
    "packed": post(msgspec.msgpack.encode({"stat": "a", "value": 1}), media=b"application/msgpack"),
}


def with_keys(server: Server, data: bytes) -> bytes:
    """The request with the keys of a server, and a range of time, in it."""
    data = data.replace(b"<hours>", HOURS)
    for name, secret in server.keys.items():
        data = data.replace(b"<%b>" % name.encode(), secret.encode())
    return data


@dataclass(frozen=True)
class Counted:
    """A turn of plain points that notes what it took."""

    turn: Turn
    taken: list[bytes]

    def take(self, sender: bytes, body: bytes) -> Bundle | SharedReply | None:
        if (bundle := self.turn.take(sender, body)) is not None:
            self.taken.append(body)
        return bundle


class CountedPoints(PlainPoints):
    """Notes the bodies of all requests that were plain."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.taken: list[bytes] = []

    def turn(self) -> Counted:  # type: ignore[override]
        return Counted(super().turn(), self.taken)


def lane_of(server: Server, *, express: bool) -> ExpressLane | None:
    """The lane in front of a server, or none."""
    return lane_with(server.context, PlainPoints(server.context)) if express else None


def lane_with(context: Context, plain: PlainPoints) -> ExpressLane:
    return ExpressLane(express_handlers(context), context.room, context.meters, plain=plain)


async def answers(server: Server, *, express: bool, pieces: int, found: dict[str, bytes]) -> None:
    """Send every request of the table on a connection of its own; keeps what came back."""
    async with served(server.app, lane_of(server, express=express)) as at:
        for name, asked in TABLE.items():
            data = with_keys(server, asked)
            # What comes after a request that says it is the last is an error of its own.
            data += b"" if b"Connection: close" in data else GOODBYE
            talk = await at.talk(data, pieces=pieces)
            found[name] = VARYING.sub(b"~", talk.text)
    assert server.context.room.held_bytes == 0


@pytest.mark.parametrize("pieces", [1, 12])
async def test_the_lane_answers_as_the_framework_does(pieces: int) -> None:
    lane: dict[str, bytes] = {}
    framework: dict[str, bytes] = {}
    async with serving() as one, serving() as two, trio.open_nursery() as nursery:
        nursery.start_soon(partial(answers, one, express=True, pieces=pieces, found=lane))
        nursery.start_soon(partial(answers, two, express=False, pieces=pieces, found=framework))
    different = {name for name, answer in framework.items() if lane[name] != answer}
    assert not different
    assert sum(answer.startswith(b"HTTP/1.1 202") for answer in lane.values()) > 15


async def answers_alone(server: Server, lane: ExpressLane | None) -> dict[str, bytes]:
    """What is said to requests each of which is alone on its connection, until it is answered."""
    found: dict[str, bytes] = {}
    async with served(server.app, lane) as at:
        for name, asked in PLAIN_TABLE.items():
            async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
                await client.send_all(with_keys(server, asked))
                text = b""
                with trio.fail_after(60):
                    while not (text.startswith(b"HTTP/1.1 ") and text.endswith(b"}")):
                        text += await client.receive_some()
                found[name] = VARYING.sub(b"~", text)
    return found


async def test_plain_points_are_answered_as_others_are() -> None:
    async with serving() as one, serving() as two:
        plain = CountedPoints(one.context)
        lane = await answers_alone(one, lane_with(one.context, plain))
        framework = await answers_alone(two, None)
        assert await one.stored() == await two.stored()
        assert one.context.meters.requests == two.context.meters.requests
        assert one.context.meters.refusals == two.context.meters.refusals
        assert one.context.meters.accepted == two.context.meters.accepted
        assert sum(one.context.meters.ack_counts) == sum(two.context.meters.ack_counts)
    assert lane == framework
    usual = [asked for name, asked in PLAIN_TABLE.items() if name.startswith("plain")]
    assert plain.taken == [asked.partition(b"\r\n\r\n")[2] for asked in usual]


async def stream(*, express: bool) -> bytes:
    """All that a live client hears of a snapshot, a change and the end."""
    heard = b""
    async with serving() as server, served(server.app, lane_of(server, express=express)) as at:
        assert (await at.talk(with_keys(server, post() + GOODBYE))).status == 202
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(with_keys(server, LIVE))
            with trio.fail_after(60):
                while b"event: snapshot" not in heard or not heard.endswith(b"\n\n\r\n"):
                    heard += await client.receive_some()
            assert (await at.talk(with_keys(server, post() + GOODBYE))).status == 202
            with trio.fail_after(60):
                while b"event: change" not in heard or not heard.endswith(b"\n\n\r\n"):
                    heard += await client.receive_some()
                server.context.stop()
                at.stop.set()
                while part := await client.receive_some():
                    heard += part
    return CURSOR.sub(b"~", VARYING.sub(b"~", heard))


async def test_a_live_stream_is_the_same_on_the_lane() -> None:
    lane = await stream(express=True)
    assert lane == await stream(express=False)
    assert b"event: bye" in lane
