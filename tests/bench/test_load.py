"""Sending: what `wrk` prints, what is left in buffers, when requests are due, what came of them."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from bench.client import Connection, Lost
from bench.openloop import Outcome, accepted, due_times, refused, send
from bench.peers.peer import Serving
from bench.streams import waiting_bytes
from bench.wrk import SCRIPT, NoLoad, Tally, parsed

NOWHERE = Serving(1, ())

PRINTED = """\
Running 5s test @ http://127.0.0.1:42
  1 threads and 16 connections
  10 requests in 5.01s, 1.00MB read
Requests/sec:      2.00
tally requests=110 duration_us=5000000 refused=10 broken=3
"""

# Two ends of one connection, a listener, and a connection of somebody else.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 0100007F:C350 01 00000000:00000A00 00:00000000 00000000     0
   1: 0100007F:C350 0100007F:1F90 01 00000010:00000000 00:00000000 00000000     0
   2: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     0
   3: 0100007F:C351 0100007F:1F90 01 00000099:00000000 00:00000000 00000000     0
"""


def test_refused_requests_are_no_throughput() -> None:
    tally = parsed(PRINTED)
    assert tally == Tally(accepted=100, refused=10, broken=3, seconds=5.0)
    assert round(tally.rate_s) == 20


@pytest.mark.parametrize("printed", ["", "unable to connect to 127.0.0.1", "tally requests=x"])
def test_what_wrk_complains_of_is_passed_on(printed: str) -> None:
    with pytest.raises(NoLoad, match=r"no tally:\n(.|\n)*help"):
        parsed(printed, "help")


def test_the_script_prints_what_is_parsed() -> None:
    assert "tally requests=%d duration_us=%d refused=%d broken=%d\\n" in Path(SCRIPT).read_text()


def test_what_waits_in_the_buffers_of_a_connection_is_counted_at_both_ends() -> None:
    assert waiting_bytes(TABLE, {8080, 50000}) == 0xA00 + 0x10
    assert waiting_bytes(TABLE, {8080, 50001}) == 0x99
    assert waiting_bytes("header\n", {1, 2}) == 0


def test_requests_are_due_evenly_and_for_as_long_as_was_said() -> None:
    assert list(due_times(4.0, 1.0)) == [0.0, 0.25, 0.5, 0.75]
    assert list(due_times(0.5, 1.0)) == []


def test_outcomes_are_told_apart_by_status() -> None:
    outcome = Outcome(1.0, statuses=[202, 503, 0, 429, 200], took_s=[1.0, 2.0, 3.0, 4.0, 5.0])
    assert outcome.count(accepted) == 2
    assert outcome.took_ms(refused) == [2_000.0, 4_000.0]


async def test_a_latency_counts_from_when_the_request_was_due(autojump_clock: MockClock) -> None:
    async def slow(connection: Connection, number: int) -> int:
        await trio.sleep(1.0)
        return 202

    outcome = await send(NOWHERE, rate_s=2.0, seconds=1.0, step=slow, connections=1)
    # The second was due after half a second and had to wait as long for the connection.
    assert outcome.took_s == [1.0, 1.5]
    assert outcome.late_s == [0.0, 0.5]
    # Its answer came when no more was sent.
    assert (outcome.in_time, outcome.count(accepted)) == (1, 2)


async def test_who_never_answers_is_waited_for_no_longer_than_said(
    autojump_clock: MockClock,
) -> None:
    async def silent(connection: Connection, number: int) -> int:
        await trio.sleep_forever()
        raise AssertionError

    outcome = await send(NOWHERE, rate_s=1.0, seconds=3.0, step=silent, connections=2)
    assert (outcome.due, outcome.statuses) == (3, [])
    assert trio.current_time() < 60.0


async def test_a_lost_request_is_an_outcome(autojump_clock: MockClock) -> None:
    async def lost(connection: Connection, number: int) -> int:
        await trio.lowlevel.checkpoint()
        raise Lost("gone")

    outcome = await send(NOWHERE, rate_s=5.0, seconds=1.0, step=lost, connections=1)
    assert outcome.statuses == [0] * 5
    assert not outcome.count(accepted)
    assert not outcome.count(refused)


async def test_a_connection_is_used_again_as_long_as_the_server_lets_it(
    nursery: trio.Nursery,
) -> None:
    connections: list[list[bytes]] = []

    async def answer(stream: trio.SocketStream) -> None:
        connections.append([])
        async for asked in stream:
            connections[-1].append(bytes(asked))
            last = b"Connection: close\r\n" if b"/last" in asked else b""
            await stream.send_all(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n%b\r\nno" % last)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, answer, [listener])
    async with Connection(listener.socket.getsockname()[1], {}) as connection:
        told = [await connection.ask("POST", path) for path in ("/", "/", "/last", "/")]
    assert told == [(503, b"no")] * 4
    assert [len(asked) for asked in connections] == [3, 1]
    nursery.cancel_scope.cancel()
