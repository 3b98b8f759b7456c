"""The link to the server: what comes back, what goes wrong, and that nothing is sent twice."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
import redis.exceptions as errors
import trio

from engine.ports import Refused, Unavailable
from storage.link import Link, translated
from storage.server.testing import ThrowawayServer, embedded_server

Call = Callable[[redis.Redis], object]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThrowawayServer]:
    with embedded_server(tmp_path) as running:
        yield running


@pytest.fixture
def link(server: ThrowawayServer) -> Iterator[Link]:
    opened = Link(server.url, threads=2, answer_limit_s=0.2)
    yield opened
    opened.close()


def put(client: redis.Redis) -> object:
    return client.set("name", "value")


def put_by_script(client: redis.Redis) -> object:
    return client.eval("return redis.call('SET', KEYS[1], ARGV[1])", 1, "name", "value")


@pytest.mark.real
async def test_a_call_returns_what_the_server_says(link: Link) -> None:
    await link.run(put)
    assert await link.run(lambda client: client.get("name")) == b"value"
    assert repr(link) == "<Link 0 running, 2 calls, 0 failed>"


@pytest.mark.real
async def test_a_killed_server_is_unavailable_and_found_again(
    link: Link, server: ThrowawayServer
) -> None:
    await link.run(put)
    server.kill()
    with pytest.raises(Unavailable):
        await link.run(put)
    server.restart()
    assert await link.run(lambda client: client.get("name")) == b"value"
    assert link.statistics().failed == 1


@pytest.mark.real
async def test_a_frozen_server_is_unavailable_within_the_limit(
    link: Link, server: ThrowawayServer
) -> None:
    await link.run(put)
    server.stop()
    with pytest.raises(Unavailable), trio.fail_after(30):
        await link.run(put)
    server.cont()
    assert await link.run(put)


@pytest.mark.real
@pytest.mark.parametrize("call", [put, put_by_script])
async def test_a_full_server_refuses(link: Link, server: ThrowawayServer, call: Call) -> None:
    server.restart(maxmemory=1)
    with pytest.raises(Refused) as refused:
        await link.run(call)
    assert refused.value.code == "oom"


@pytest.mark.real
@pytest.mark.parametrize("call", [put, put_by_script])
async def test_a_read_only_server_refuses(link: Link, call: Call) -> None:
    await link.run(lambda client: client.replicaof("127.0.0.1", "1"))
    with pytest.raises(Refused) as refused:
        await link.run(call)
    assert refused.value.code == "readonly"


@pytest.mark.real
async def test_a_wrong_command_is_no_fault_of_the_store(link: Link) -> None:
    await link.run(put)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        await link.run(lambda client: client.hget("name", "field"))
    with pytest.raises(errors.NoScriptError):
        await link.run(lambda client: client.evalsha("0" * 40, 0))


async def test_nothing_is_sent_twice() -> None:
    heard = []

    async def hang_up(stream: trio.SocketStream) -> None:
        heard.append(await stream.receive_some(4096))
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, hang_up, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        link = Link(f"redis://127.0.0.1:{port}")
        with pytest.raises(Unavailable):
            await link.run(put)
        link.close()
        nursery.cancel_scope.cancel()
    assert heard == [b"*3\r\n$3\r\nSET\r\n$4\r\nname\r\n$5\r\nvalue\r\n"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BusyLoadingError("Redis is loading the dataset in memory"), "loading"),
        (errors.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "oom"),
        (errors.ResponseError("MISCONF Errors writing to the AOF file: No space left"), "misconf"),
        (errors.ReadOnlyError("You can't write against a read only replica."), "readonly"),
        (errors.ClusterDownError("The cluster is down"), "clusterdown"),
        (errors.MasterDownError("Link with MASTER is down"), "masterdown"),
        (errors.TryAgainError("Multiple keys request during rehashing of slot"), "tryagain"),
        (errors.AuthenticationError("Authentication required."), "noauth"),
        (errors.NoPermissionError("this user has no permissions"), "noperm"),
        (errors.ResponseError("NOREPLICAS Not enough good replicas to write."), "noreplicas"),
        (errors.ResponseError("BUSY Redis is busy running a script."), "busy"),
        (
            errors.ResponseError(
                "Error running script (call to f_0ab): @user_script:1: @user_script: 1:"
                " -OOM command not allowed when used memory > 'maxmemory'. "
            ),
            "oom",
        ),
    ],
)
def test_what_was_surely_not_done_is_a_refusal(error: Exception, code: str) -> None:
    told = translated(error)
    assert isinstance(told, Refused)
    assert told.code == code


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectionError("Connection closed by server."),
        errors.TimeoutError("Timeout reading from socket"),
        errors.InvalidResponse("Protocol Error"),
        BrokenPipeError(),
    ],
)
def test_what_nobody_knows_is_unavailable(error: Exception) -> None:
    assert isinstance(translated(error), Unavailable)


@pytest.mark.parametrize(
    "error",
    [
        errors.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        errors.ResponseError("unknown command 'OOM', with args beginning with: "),
        errors.NoScriptError("No matching script. Please use EVAL."),
        errors.DataError("Invalid input of type: 'NoneType'."),
    ],
)
def test_what_the_caller_did_wrong_is_left_as_it_is(error: Exception) -> None:
    assert translated(error) is None


async def test_calls_beyond_the_threads_wait_for_their_turn() -> None:
    link = Link("unix:///nowhere", threads=2)
    inside = []

    async def enter() -> None:
        await link.run(note)

    def note(client: redis.Redis) -> None:
        inside.append(link.statistics().running)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(enter)
    assert len(inside) == 20
    assert max(inside) <= 2


@pytest.mark.real
async def test_whoever_only_asks_need_not_wait_for_a_server_that_hangs(
    server: ThrowawayServer,
) -> None:
    link = Link(server.url, threads=1, answer_limit_s=2.0, patience_s=0.1)
    heard = []

    async def ask() -> None:
        with pytest.raises(Unavailable, match=r"within 0\.1 s"):
            await link.run(lambda client: client.get("name"))
        heard.append(trio.current_time())

    server.stop()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        # The first hears nothing, the others do not even get their turn.
        for _ in range(5):
            nursery.start_soon(ask)
    server.cont()
    assert max(heard) - began < 1
    assert link.statistics().failed == 5
    patient = Link(server.url, threads=1)
    assert await patient.run(lambda client: client.get("name")) is None
    link.close()
    patient.close()
