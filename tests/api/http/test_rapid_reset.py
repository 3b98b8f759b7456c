"""Row 76: whoever opens and resets thousands of HTTP/2 streams disturbs nobody else."""

import h2.config
import h2.connection
import pytest
import trio

from api.http.gate import Gate, Receive, Scope, Send
from api.http.meters import Meters
from api.http.room import BodyRoom
from api.http.server import IN_WORK_MAX
from tests.api.http.sockets import served

pytestmark = pytest.mark.real

AT_ONCE = 100
ANSWER_S = 10.0
"""Far more than an answer takes on the slowest machine, far less than to be kept out."""

CUT_OFF_S = 20.0
HEAD = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "x")]


async def reset_rapidly(port: int, streams: int) -> int:
    """Open and reset streams as fast as they are taken; returns how many it could."""
    link = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    link.initiate_connection()
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    sent = 0
    async with stream, trio.open_nursery() as nursery:
        nursery.start_soon(_drain, stream)
        try:
            while sent < streams:
                for _ in range(AT_ONCE):
                    number = link.get_next_available_stream_id()
                    link.send_headers(number, HEAD, end_stream=True)
                    link.reset_stream(number)
                    sent += 1
                await stream.send_all(link.data_to_send())
        except trio.BrokenResourceError:
            pass  # Cut off, which is right.
        nursery.cancel_scope.cancel()
    return sent


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    """Work that takes long, whether or not somebody still waits for it."""
    await trio.sleep_forever()


async def test_76_who_resets_more_than_may_be_open_is_cut_off() -> None:
    gate = Gate(never, Meters(), BodyRoom())
    async with served(gate) as server:
        with trio.fail_after(CUT_OFF_S):
            sent = await reset_rapidly(server.port, 10**9)
    assert sent > IN_WORK_MAX


async def _drain(stream: trio.SocketStream) -> None:
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        return


@pytest.mark.parametrize("streams", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_76_others_are_served_meanwhile(streams: int) -> None:
    async with served() as server, trio.open_nursery() as nursery:
        sent: list[int] = []

        async def attack() -> None:
            sent.append(await reset_rapidly(server.port, streams))

        nursery.start_soon(attack)
        slowest_s = 0.0
        while not sent:
            talk = await server.talk(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert talk.status == 200
            slowest_s = max(slowest_s, talk.seconds)
        assert slowest_s < ANSWER_S
