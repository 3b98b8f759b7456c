"""What a client of the lane may do to a connection, and how it ends; on real sockets."""

import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from api.express import conversation, lane
from api.express.lane import ExpressLane
from api.http import gate, server
from api.http.messages import RawRequest, Reply, StreamReply, reply
from api.http.meters import Meters
from api.http.room import BODIES_LIMIT, BodyRoom
from api.http.server import GRACE_S
from tests.api.http.sockets import Served, served

pytestmark = pytest.mark.real

POST = b"POST /express HTTP/1.1\r\nHost: x\r\n"
WHOLE = POST + b"Content-Length: 3\r\n\r\nabc"
BEGUN = POST + b"Content-Length: 500\r\n\r\n"


class Express:
    """Answers with the number of the request and its body; waits while it is held."""

    def __init__(self) -> None:
        self.asked: list[RawRequest] = []
        self.go_on = trio.Event()
        self.go_on.set()
        self.began = trio.Event()
        self.left = trio.Event()
        self.room = BodyRoom()
        self.meters = Meters()
        self.lane = ExpressLane({b"POST /express": self.answer}, self.room, self.meters)

    async def answer(self, request: RawRequest) -> Reply:
        self.asked.append(request)
        self.began.set()
        if request.query == b"stream":
            return StreamReply(200, (), self.stream)
        await self.go_on.wait()
        body = b"%d:%b" % (len(self.asked), request.body)
        return reply(request.id, 200, b"text/plain", body)

    @asynccontextmanager
    async def stream(self) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Parts without end, as long as they are taken."""
        send, receive = trio.open_memory_channel[bytes](0)

        async def produce() -> None:
            with send:
                while self.go_on.is_set():
                    await send.send(b"x" * 50_000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            try:
                yield receive
            finally:
                nursery.cancel_scope.cancel()
                self.left.set()


@asynccontextmanager
async def express() -> AsyncGenerator[tuple[Express, Served]]:
    """The lane in front of an application that says how long a body is."""
    served_here = Express()
    async with served(lane=served_here.lane) as at:
        yield served_here, at
    assert served_here.room.held_bytes == 0


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """All time limits are short."""
    monkeypatch.setattr(lane, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(conversation, "IDLE_S", 0.3)
    monkeypatch.setattr(conversation, "LINGER_S", 0.2)
    monkeypatch.setattr(gate, "BODY_START_S", 0.5)
    monkeypatch.setattr(gate, "BODY_S", 0.8)


async def test_requests_that_come_together_are_answered_in_order_and_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "HOLD_S", 10.0)
    async with express() as (_, at):
        stream = await trio.open_tcp_stream("127.0.0.1", at.port)
        async with stream:
            await stream.send_all(WHOLE * 5)
            text = bytes(await stream.receive_some())
    assert [text.count(b"%d:abc" % number) for number in range(1, 6)] == [1] * 5


async def test_the_first_other_request_takes_the_connection_along() -> None:
    other = b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"
    async with express() as (app, at):
        talk = await at.talk(WHOLE + other + WHOLE.replace(POST, POST + b"Connection: close\r\n"))
    assert talk.text.count(b"HTTP/1.1 200") == 3
    assert [talk.text.count(said) for said in (b"1:abc", b"4 bytes", b"3 bytes")] == [1, 1, 1]
    assert len(app.asked) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("data", [b"", b"POST /ex", WHOLE, WHOLE + POST])
async def test_a_client_that_is_silent_is_given_up(data: bytes) -> None:
    async with express() as (_, at):
        talk = await at.talk(data)
    assert talk.text.count(b"HTTP/1.1") == data.count(WHOLE)


@pytest.mark.usefixtures("hasty")
async def test_a_slow_head_is_given_up() -> None:
    async with express() as (_, at):
        talk = await at.talk(POST, b"X: y\r\n", 0.05)
    assert talk.text == b""


@pytest.mark.usefixtures("hasty")
async def test_a_slow_body_is_refused() -> None:
    async with express() as (app, at):
        talk = await at.talk(BEGUN, b"x", 0.05)
    assert talk.status == 408
    assert b'"code":"body_timeout"' in talk.text
    assert app.asked == []
    assert app.meters.refusals["body_timeout"] == 1


@pytest.mark.usefixtures("hasty")
async def test_a_request_that_takes_long_is_not_given_up() -> None:
    async with express() as (app, at), trio.open_nursery() as nursery:
        app.go_on = trio.Event()

        async def let_go() -> None:
            await trio.sleep(1)
            app.go_on.set()

        nursery.start_soon(let_go)
        talk = await at.talk(WHOLE)
    assert talk.text.endswith(b"1:abc")


@pytest.mark.parametrize("data", [POST + b"X: y\n\r\n", POST + b"Content-Length: 1, 1\r\n\r\na"])
async def test_what_can_be_read_in_two_ways_is_refused(data: bytes) -> None:
    async with express() as (app, at):
        talk = await at.talk(data + WHOLE)
    assert talk.status == 400
    assert b'"code":"invalid_request"' in talk.text
    assert talk.text.count(b"HTTP/1.1") == 1
    assert app.asked == []


async def test_bodies_share_the_memory_of_all() -> None:
    async with express() as (app, at):
        app.room.take(BODIES_LIMIT - 2)
        whole = await at.talk(WHOLE)
        begun = await at.talk(BEGUN + b"abc")
        app.room.give_back(BODIES_LIMIT - 2)
    for talk in (whole, begun):
        assert talk.status == 503
        assert b'"code":"overloaded"' in talk.text
        assert b"retry-after: 1\r\n" in talk.text


async def test_a_client_that_leaves_in_the_middle_holds_nothing() -> None:
    async with express() as (app, at):
        for data in (b"POST", POST, BEGUN + b"abc", WHOLE):
            with socket.create_connection(("127.0.0.1", at.port)) as client:
                client.sendall(data)
        assert (await at.talk(WHOLE + b"GET / HTTP/1.0\r\n\r\n")).status == 200
    assert app.room.held_bytes == 0


async def test_the_end_waits_for_answers_and_for_nothing_else() -> None:
    async with express() as (app, at):
        app.go_on = trio.Event()
        idle = await trio.open_tcp_stream("127.0.0.1", at.port)
        busy = await trio.open_tcp_stream("127.0.0.1", at.port)
        async with idle, busy:
            await idle.send_all(POST)
            await busy.send_all(WHOLE)
            await app.began.wait()
            at.stop.set()
            with trio.fail_after(GRACE_S / 2):
                assert await idle.receive_some() == b""
            app.go_on.set()
            with trio.fail_after(GRACE_S / 2):
                assert (await busy.receive_some()).endswith(b"1:abc")
                assert await busy.receive_some() == b""


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_S", 0.5)
    async with express() as (_, at):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", at.port))
            client.settimeout(10)
            large = POST + b"Content-Length: 500000\r\n\r\n" + bytes(500_000)

            def fill() -> None:
                for _ in range(60):
                    client.sendall(large)

            with pytest.raises((ConnectionError, TimeoutError)):
                await trio.to_thread.run_sync(fill)


STREAM = POST.replace(b"express", b"express?stream") + b"\r\n"


async def test_a_stream_ends_when_its_client_leaves() -> None:
    async with express() as (app, at):
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(STREAM)
            await client.receive_some()
        with trio.fail_after(60):
            await app.left.wait()


async def test_a_stream_that_is_not_taken_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_S", 0.5)
    async with (
        express() as (app, at),
        await trio.open_tcp_stream("127.0.0.1", at.port) as client,
    ):
        await client.send_all(STREAM)
        with trio.fail_after(10):
            await app.left.wait()


async def test_what_is_asked_during_a_stream_is_answered_after_it() -> None:
    async with (
        express() as (app, at),
        await trio.open_tcp_stream("127.0.0.1", at.port) as client,
    ):
        await client.send_all(STREAM)
        text = bytes(await client.receive_some())
        await client.send_all(WHOLE)
        app.go_on = trio.Event()
        while b"\r\n0\r\n\r\n" not in text:
            text = text[-10:] + await client.receive_some()
        app.go_on.set()
        while not text.endswith(b"2:abc"):
            text += await client.receive_some()
    assert len(app.asked) == 2
