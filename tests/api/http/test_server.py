"""Real sockets: what clients may do to a connection, and how it ends."""

import socket
from contextlib import suppress

import pytest
import trio

from api.http import server as module
from api.http.bodies import BODY_LIMIT
from api.http.server import CLOSE_S, GRACE_S, IDLE_S, WEBSOCKET_MESSAGE_LIMIT
from tests.api.http.sockets import PATIENCE_S, served

pytestmark = pytest.mark.real

POST = b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\n"


async def test_requests_follow_each_other_on_a_connection() -> None:
    async with served() as server:
        talk = await server.talk(
            POST + b"Content-Length: 3\r\n\r\nabc"
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nabcd\r\n0\r\n\r\n"
        )
    assert talk.text.count(b"HTTP/1.1 200") == 2
    assert b"3 bytes" in talk.text
    assert b"4 bytes" in talk.text
    assert b"server:" not in talk.text.lower()
    assert talk.seconds >= IDLE_S - 0.5


async def test_a_body_that_says_it_is_too_large_is_not_waited_for() -> None:
    async with served() as server:
        talk = await server.talk(POST + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1))
    assert talk.status == 413
    assert b'"code":"body_too_large"' in talk.text


async def test_a_body_that_does_not_say_how_large_it_is() -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    async with served() as server:
        talk = await server.talk(POST + b"Transfer-Encoding: chunked\r\n\r\n", chunk, 0)
    assert talk.status == 413


async def test_both_length_headers_end_the_connection() -> None:
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    async with served() as server:
        talk = await server.talk(POST + both + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert talk.status == 400
    assert b'"code":"invalid_request"' in talk.text
    assert talk.text.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST + b"X: " + b"a" * 17_000 + b"\r\n\r\n", 431),
        (POST + b"X: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_heads_that_are_too_large_or_none(head: bytes, status: int) -> None:
    async with served() as server:
        talk = await server.talk(head)
    assert talk.status == status


async def test_a_slow_head_is_given_up() -> None:
    async with served() as server:
        talk = await server.talk(b"GE", b"T")
    assert talk.text == b""


async def test_a_slow_body_is_given_up() -> None:
    async with served() as server:
        talk = await server.talk(POST + b"Content-Length: 500\r\n\r\n", b"x")
    assert talk.status == 408


async def test_a_client_that_takes_nothing_does_not_hold_up_the_end() -> None:
    async with served() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await trio.to_thread.run_sync(client.recv, 10)
            began = trio.current_time()
            server.stop.set()
    assert trio.current_time() - began <= GRACE_S + CLOSE_S + 2


async def test_72_a_client_that_stops_reading_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_S", 0.5)
    async with served() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await trio.sleep(1.5)
            # Others are served meanwhile, and what the kernel had taken ends in the middle.
            assert (await server.talk(POST + b"Connection: close\r\n\r\n")).status == 200
            client.settimeout(5)
            size = 0
            with suppress(ConnectionResetError):
                while part := client.recv(65536):
                    size += len(part)
            assert size > 0


async def test_71_a_message_that_is_too_large_ends_the_socket() -> None:
    head = (
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    size = WEBSOCKET_MESSAGE_LIMIT + 1
    frame = b"\x81\xff" + size.to_bytes(8, "big") + b"\0\0\0\0" + b"a" * size
    async with (
        served() as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
    ):
        await stream.send_all(head)
        got = bytes(await stream.receive_some())
        assert got.startswith(b"HTTP/1.1 101")
        await stream.send_all(frame)
        with trio.fail_after(PATIENCE_S):
            # The frame that closes, with its code.
            while b"\x88\x02" + (1009).to_bytes(2, "big") not in got:
                got += await stream.receive_some()
