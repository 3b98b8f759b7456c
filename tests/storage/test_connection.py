"""The appends' own connection: what comes back, what goes wrong, and that nothing is sent twice."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from engine.ports import Refused, Unavailable
from storage.connection import Connection
from storage.link import Link
from storage.scripts import Call, Threaded, told
from storage.server.testing import ThrowawayServer, embedded_server

pytestmark = pytest.mark.real

ACQUIRE: Call = ("acquire", ["meta"], [0])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThrowawayServer]:
    with embedded_server(tmp_path) as running:
        yield running


@pytest.fixture
async def connection(server: ThrowawayServer) -> AsyncIterator[Connection]:
    opened = Connection(server.url, answer_limit_s=0.3)
    yield opened
    opened.close()


@asynccontextmanager
async def speaking(
    talk: Callable[[trio.SocketStream], Awaitable[None]],
) -> AsyncGenerator[str, None]:
    """The address of somebody who says what `talk` says."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, talk, 0, host="127.0.0.1"))
        yield f"redis://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def epoch(server: ThrowawayServer) -> int:
    """How often the script has run."""
    with server.client() as client:
        found = client.hget("meta", "epoch")
        return int(found or 0)


def again(number: int) -> Call:
    """The call that runs once `number` others have."""
    return "acquire", ["meta"], [number]


@pytest.mark.parametrize("way", [Connection, lambda url: Threaded(Link(url))])
async def test_scripts_run_in_order_and_are_loaded_when_unknown(
    way: Callable[[str], Connection | Threaded], server: ThrowawayServer
) -> None:
    opened = way(server.url)
    replies = await opened.run_scripts([again(0), again(1), again(2)])
    assert [int(reply[0]) for reply in replies] == [1, 2, 3]
    with server.client() as client:
        client.script_flush()
    (reply,) = await opened.run_scripts([again(3)])
    assert int(reply[0]) == 4
    opened.close()


async def test_an_error_stands_among_the_replies(connection: Connection) -> None:
    wrong: Call = ("append", ["meta", "log", "claims"], [7, 1, 0, 60, b"", 0, 0])
    good, bad = await connection.run_scripts([ACQUIRE, wrong])
    assert int(good[0]) == 1
    assert "owns the partition" in str(told(bad))


async def test_a_killed_server_is_unavailable_and_found_again(
    connection: Connection, server: ThrowawayServer
) -> None:
    await connection.run_scripts([again(0)])
    server.kill()
    with pytest.raises(Unavailable):
        await connection.run_scripts([again(1)])
    assert repr(connection) == "<Connection closed>"
    server.restart()
    await connection.run_scripts([again(epoch(server))])


async def test_a_server_that_restarted_in_between_is_not_noticed(
    connection: Connection, server: ThrowawayServer
) -> None:
    await connection.run_scripts([again(0)])
    server.kill()
    server.restart()
    await connection.run_scripts([again(epoch(server))])


async def test_a_silent_server_is_given_up_and_its_late_reply_is_nobodys(
    connection: Connection, server: ThrowawayServer
) -> None:
    await connection.run_scripts([again(0)])
    server.stop()
    with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
        await connection.run_scripts([again(1)])
    assert repr(connection) == "<Connection closed>"
    server.cont()
    (reply,) = await connection.run_scripts([again(2)])
    assert int(reply[0]) == 3


async def test_who_is_cancelled_still_waits_for_the_reply(
    connection: Connection, server: ThrowawayServer
) -> None:
    await connection.run_scripts([again(0)])
    server.stop()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run_scripts, [again(1)])
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        server.cont()
    assert (epoch(server), repr(connection)) == (2, "<Connection open>")


async def test_what_fails_while_a_script_is_loaded_concerns_its_calls_alone() -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b":1\r\n-NOSCRIPT No matching script.\r\n")
        await stream.receive_some()
        await stream.aclose()

    async with speaking(talk) as url:
        good, bad = await Connection(url).run_scripts([ACQUIRE, ACQUIRE])
    assert good == 1
    assert isinstance(told(bad), Unavailable)


async def test_callers_take_turns(connection: Connection, server: ThrowawayServer) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(partial(connection.run_scripts, [ACQUIRE]))
    assert epoch(server) == 1  # Only the first one has seen the epoch that there was.


async def test_a_password_and_a_number_of_data_are_told(server: ThrowawayServer) -> None:
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "points", "on", ">secret", "~*", "+@all")
    place = server.url.removeprefix("unix://").partition("?")[0]
    opened = Connection(f"unix://points:secret@{place}?db=3")
    await opened.run_scripts([ACQUIRE])
    opened.close()
    assert epoch(server) == 0
    wrong = Connection(f"unix://points:wrong@{place}")
    with pytest.raises(Refused) as refused:
        await wrong.run_scripts([ACQUIRE])
    assert refused.value.code == "wrongpass"


async def test_what_is_no_reply_is_unavailable() -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with speaking(talk) as url:
        with pytest.raises(Unavailable, match="Protocol error"):
            await Connection(url).run_scripts([ACQUIRE])
