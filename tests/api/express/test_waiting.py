"""Plain requests on the lane: answered together, in their order, and never in another's way."""

import socket
import struct

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from api.express import conversation, waiting
from api.express import entrance as entrance_module
from api.express import lane as lane_module
from api.express.entrance import WORK_BYTES_MAX, Entrance
from api.http import server
from api.http.messages import PLACE_OF_ID
from tests.api.express.plainly import (
    ASKED,
    OTHER,
    PATIENCE_S,
    PLAIN,
    POST,
    Plainly,
    answered,
    express,
    heard,
)
from tests.api.express.requests import VARYING

pytestmark = pytest.mark.real


async def crowded(plain: Plainly, nursery: trio.Nursery) -> Entrance:
    """An entrance before which somebody waits, until somebody leaves."""
    entrance = plain.lane.entrance
    await entrance.enter(WORK_BYTES_MAX)
    nursery.start_soon(entrance.enter, 1)
    await wait_all_tasks_blocked()
    return entrance


async def test_a_plain_request_is_answered_without_its_handler() -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        await client.send_all(PLAIN)
        first = await heard(client, 1)
        await client.send_all(PLAIN)
        second = await heard(client, 1)
    assert (plain.asked, plain.bundles) == ([], [1, 1])
    assert PLACE_OF_ID.encode() not in first
    ids = [text.split(b"x-request-id: ")[1][:16] for text in (first, second)]
    assert ids[0] != ids[1]
    assert first.replace(ids[0], b"") == second.replace(ids[1], b"")


@pytest.mark.parametrize("data", [OTHER, POST + b"Content-Length: 6\r\n\r\nplain "])
async def test_what_is_not_plain_is_answered_by_its_handler(data: bytes) -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        for _ in range(2):
            await client.send_all(data)
            await heard(client, 1, b"alone")
            await client.send_all(PLAIN)
            await heard(client, 1)
    assert (plain.asked, plain.bundles) == ([data.partition(b"\r\n\r\n")[2]] * 2, [1, 1])


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"/express", b"/express?x=1"),
        PLAIN.replace(b"Host", b"Connection: close\r\nHost"),
        PLAIN.replace(b"Host", b"X: %b\r\nHost" % bytes(b"a" * 3_000)),
    ],
)
async def test_a_head_that_is_unusual_makes_a_request_not_plain(data: bytes) -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        await client.send_all(data)
        await heard(client, 1, b"alone")
    assert (plain.asked, plain.bundles) == ([b"plain"], [])


async def test_a_failure_while_it_is_looked_at_leaves_it_to_its_handler() -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        plain.failing = True
        await client.send_all(PLAIN)
        await heard(client, 1, b"alone")
    assert (plain.asked, plain.bundles) == ([b"plain"], [])


async def test_those_that_come_together_are_stored_together() -> None:
    async with express() as (plain, at), trio.open_nursery() as nursery:
        plain.go_on = trio.Event()
        clients = [await trio.open_tcp_stream("127.0.0.1", at.port) for _ in range(20)]
        for client in clients:
            await client.send_all(PLAIN)
        with trio.fail_after(PATIENCE_S):
            while sum(plain.bundles) < len(clients):
                await trio.lowlevel.checkpoint()
        plain.go_on.set()
        for client in clients:
            nursery.start_soon(answered, client)
    assert len(plain.bundles) < len(clients)


async def test_no_turn_takes_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TURN_REQUESTS_MAX", 3)
    async with express() as (plain, at), trio.open_nursery() as nursery:
        clients = [await trio.open_tcp_stream("127.0.0.1", at.port) for _ in range(20)]
        for client in clients:
            await client.send_all(PLAIN)
            nursery.start_soon(answered, client)
    assert sum(plain.bundles) == len(clients)
    assert max(plain.bundles) <= 3


async def test_what_is_sent_before_the_answer_waits_for_it() -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        plain.go_on = trio.Event()
        await client.send_all(PLAIN)
        with trio.fail_after(PATIENCE_S):
            while not plain.bundles:
                await trio.lowlevel.checkpoint()
        await client.send_all(OTHER + PLAIN + PLAIN)
        with trio.move_on_after(0.1):
            assert not await client.receive_some()
        assert plain.asked == []
        plain.go_on.set()
        text = await heard(client, 4, b"alone")
        await client.send_all(PLAIN)
        await heard(client, 1)
    bodies = [part.partition(b"\r\n\r\n")[2] for part in text.split(b"HTTP/1.1 200")[1:]]
    assert bodies == [b"plain", b"alone", b"alone", b"alone"]
    assert plain.bundles == [1, 1]


async def test_while_too_many_wait_others_are_turned_away_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entrance_module, "WAIT_S_MAX", 0.0)
    async with express() as (plain, at), trio.open_nursery() as nursery:
        entrance = await crowded(plain, nursery)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OTHER)
            refused = await heard(client, 0, b"}")
            # One that might be plain and comes in pieces is read by its own task, refused alike.
            await client.send_all(OTHER[:-2])
            await wait_all_tasks_blocked()
            await client.send_all(OTHER[-2:])
            in_pieces = await heard(client, 0, b"}")
            await client.send_all(PLAIN)
            await heard(client, 1)
            entrance.leave(WORK_BYTES_MAX)
            await client.send_all(OTHER)
            await heard(client, 1, b"alone")
    assert VARYING.sub(b"", refused) == VARYING.sub(b"", in_pieces)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in refused
    assert b"onnection: close" not in refused
    assert plain.lane.meters.refusals["overloaded"] == 2
    assert plain.asked == [b"other"]


async def test_of_what_is_turned_away_the_next_request_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entrance_module, "WAIT_S_MAX", 0.0)
    large = ASKED + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    never_plain = ASKED + b"Content-Length: 5\r\n\r\nother"
    async with express() as (plain, at), trio.open_nursery() as nursery:
        entrance = await crowded(plain, nursery)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(large + never_plain + large)
            await client.send_all(PLAIN)
            text = await heard(client, 1)
        assert text.count(b"HTTP/1.1 503") == 3
        assert plain.lane.meters.refusals["overloaded"] == 3
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(large[:-1])
            refused = await heard(client, 0, b"}")
            entrance.leave(WORK_BYTES_MAX)
            # What is left of it is no request.
            await client.send_all(b"x" + OTHER)
            await heard(client, 1, b"alone")
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OTHER)
            await heard(client, 1, b"alone")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert plain.asked == [b"other"] * 2


async def test_a_client_that_leaves_while_it_is_turned_away_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entrance_module, "WAIT_S_MAX", 0.0)
    async with express() as (plain, at), trio.open_nursery() as nursery:
        entrance = await crowded(plain, nursery)
        for _ in range(3):
            async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
                await client.send_all(ASKED + b"Content-Length: 5\r\n\r\nothe")
                await heard(client, 0, b"}")
        entrance.leave(WORK_BYTES_MAX)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OTHER)
            await heard(client, 1, b"alone")
    assert plain.lane.meters.refusals["overloaded"] == 3


async def test_whoever_is_turned_away_while_the_server_stops_is_let_go_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entrance_module, "WAIT_S_MAX", 0.0)
    async with express() as (plain, at), trio.open_nursery() as nursery:
        entrance = await crowded(plain, nursery)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(PLAIN)
            await heard(client, 1)
            monkeypatch.setattr(plain.lane, "stopping", True)
            await client.send_all(ASKED + b"Content-Length: 5\r\n\r\nother")
            with trio.fail_after(PATIENCE_S):
                text = b""
                while part := await client.receive_some():
                    text += part
        monkeypatch.setattr(plain.lane, "stopping", False)
        entrance.leave(WORK_BYTES_MAX)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(PLAIN)
            await heard(client, 1)
    assert text.count(b"HTTP/1.1 503") == 1
    assert plain.asked == []


async def test_heads_that_are_known_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "HEADS_MAX", 3)
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        for number in range(10):
            await client.send_all(PLAIN.replace(b"Host", b"X: %d\r\nHost" % number))
            await heard(client, 1)
    assert len(plain.bundles) == 10


@pytest.mark.parametrize("reset", [False, True])
async def test_a_client_that_leaves_before_its_answer_is_forgotten(reset: bool) -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as other:
        plain.go_on = trio.Event()
        with socket.create_connection(("127.0.0.1", at.port)) as client:
            if reset:
                linger = struct.pack("ii", 1, 0)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.sendall(PLAIN)
            with trio.fail_after(PATIENCE_S):
                while not plain.bundles:
                    await trio.lowlevel.checkpoint()
        plain.go_on.set()
        await other.send_all(PLAIN)
        await heard(other, 1)


async def test_an_answer_that_is_not_taken_at_once_is_sent_as_it_is_taken() -> None:
    async with express() as (plain, at):
        plain.body = b"y" * 8_000_000
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(PLAIN)
            text = await heard(client, 1, plain.body)
            assert text.partition(b"\r\n\r\n")[2] == plain.body
            plain.body = b""
            await client.send_all(PLAIN)
            await heard(client, 1)


async def test_a_client_that_is_silent_after_a_plain_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane_module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(conversation, "IDLE_S", 0.3)
    async with express() as (_, at):
        talk = await at.talk(PLAIN)
    assert talk.text.endswith(b"plain")


async def test_one_whose_answer_takes_long_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(conversation, "IDLE_S", 0.2)
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        plain.go_on = trio.Event()
        await client.send_all(PLAIN)
        with trio.move_on_after(0.6):
            assert not await client.receive_some()
        plain.go_on.set()
        await heard(client, 1)


async def test_the_end_waits_for_plain_answers() -> None:
    async with express() as (plain, at), await trio.open_tcp_stream("127.0.0.1", at.port) as client:
        plain.go_on = trio.Event()
        await client.send_all(PLAIN)
        with trio.fail_after(PATIENCE_S):
            while not plain.bundles:
                await trio.lowlevel.checkpoint()
        at.stop.set()
        await wait_all_tasks_blocked()
        plain.go_on.set()
        await heard(client, 1)
        with trio.fail_after(server.GRACE_S / 2):
            assert await client.receive_some() == b""
