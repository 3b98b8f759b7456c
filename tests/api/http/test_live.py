"""Live streams: a snapshot, then what moves; no gap after coming back; a goodbye at the end."""

from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from api.http import streams
from api.http.cursors import format_cursor, parse_cursor
from api.http.feed import PACE_S
from api.http.problems import Problem
from api.http.routes.live import KEEP_ALIVE_S
from engine.position import Position
from engine.stats import public_id
from tests.api.http.harness import NOW_S, Server, serving
from tests.api.http.listener import Event, listening

LIVE = "/v1/live"


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        await add(server, 2, stat="b", type="value")
        await add(server, 5)
        yield server


async def add(server: Server, value: float, stat: str = "a", **fields: object) -> None:
    """Send one point."""
    item = {"stat": stat, "value": value, "type": "counter"} | fields
    assert (await server.send("POST", "/v1/ingest", json=item)).status == 202


def path(server: Server, *names: str, **more: str) -> str:
    """The address of a stream of these stats."""
    ids = ",".join(public_id(server.stat(name).id) for name in names)
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"{LIVE}?stats={ids}{rest}"


async def test_a_snapshot_and_then_what_moves(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a", "b")) as listener:
        first, second = await listener.events(2)
        assert (first.name, second.name) == ("snapshot", "snapshot")
        assert listener.comments == [": welcome"]
        stats = {event.data["stat"]: event.data for event in (first, second)}
        a, b = (stats[public_id(server.stat(name).id)] for name in "ab")
        assert a["resolution"] == "1s"
        assert a["points"] == [{"t": NOW_S, "value": 5, "count": 1, "sum": 5, "min": 5, "max": 5}]
        assert b["points"][0]["value"] == 2
        assert (first.id, second.id is not None) == (None, True)
        sent_at = trio.current_time()
        await add(server, 3)
        change = await listener.event()
        assert change.at_s - sent_at <= 0.05
        assert (change.name, change.data["stat"]) == ("change", public_id(server.stat("a").id))
        assert change.data["points"][0]["sum"] == 8
        assert change.id is not None


async def test_values_are_averages(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "b", resolution="1m")) as listener:
        await listener.event()
        await add(server, 4, stat="b", type="value")
        change = await listener.event()
        assert change.data["resolution"] == "1m"
        (point,) = change.data["points"]
        assert (point["value"], point["count"], point["sum"]) == (3, 2, 6)


async def test_what_is_late_is_told_as_a_revision(
    server: Server, autojump_clock: MockClock
) -> None:
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        await trio.sleep(40)
        await add(server, 1, t=NOW_S + 7)
        event = await listener.event()
        assert event.name == "revise"
        assert [point["t"] for point in event.data["points"]] == [NOW_S + 7]


async def test_stats_are_found_by_pattern(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, f"{LIVE}?match=?") as listener:
        assert {event.name for event in await listener.events(2)} == {"snapshot"}


async def test_whoever_comes_back_misses_nothing(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a", "b")) as listener:
        await listener.events(2)
        await add(server, 1)
        await listener.event()
        cursor = listener.last_id
    assert cursor is not None
    await trio.sleep(3)
    await add(server, 10)
    await add(server, 7, t=NOW_S + 1)
    expected = {NOW_S: 6.0, NOW_S + 3: 10.0, NOW_S + 1: 7.0}
    for address, headers in (
        (path(server, "a", cursor=cursor), {}),
        (path(server, "a"), {"last-event-id": cursor}),
        (path(server, "a", cursor="p0:1-0"), {"last-event-id": cursor}),
    ):
        async with listening(server, address, headers=headers) as listener:
            got: dict[int, float] = {}
            while not {NOW_S + 3, NOW_S + 1} <= got.keys():
                event = await listener.event()
                assert event.name in {"change", "revise"}
                got |= {point["t"]: point["sum"] for point in event.data["points"]}
            assert expected.items() >= got.items()


async def test_whoever_missed_nothing_is_told_nothing(
    server: Server, autojump_clock: MockClock
) -> None:
    context = server.context
    await context.node.checkpoint()
    partition = server.stat("a").partition
    cursor = format_cursor({partition: context.node.cursor(partition)})
    async with listening(server, path(server, "a", cursor=cursor)) as listener:
        await trio.sleep(1)
        await add(server, 1)
        event = await listener.event()
        assert (event.name, event.data["points"][0]["sum"]) == ("change", 1)


async def test_a_cursor_that_is_too_old_gets_a_snapshot(
    server: Server, autojump_clock: MockClock
) -> None:
    cursor = format_cursor({server.stat("a").partition: Position(1, 0)})
    await trio.sleep(1000)
    await add(server, 1)
    async with listening(server, path(server, "a", cursor=cursor)) as listener:
        assert (await listener.event()).name == "snapshot"


async def test_many_points_are_few_messages(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        async with trio.open_nursery() as nursery:

            async def write() -> None:
                for _ in range(500):
                    await add(server, 1)
                    await trio.sleep(0.002)

            nursery.start_soon(write)
            events: list[Event] = []
            seconds: dict[int, float] = {}
            while sum(seconds.values()) < 505:
                events.append(await listener.event())
                seconds |= {point["t"]: point["sum"] for point in events[-1].data["points"]}
    times = [event.at_s for event in events]
    assert len(events) <= 25
    assert min(later - earlier for earlier, later in pairwise(times)) >= PACE_S - 0.001


async def test_silence_is_broken(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        await trio.sleep(KEEP_ALIVE_S * 2 + 1)
        await add(server, 1)
        assert (await listener.event()).name == "change"
        assert listener.comments == [": welcome", ": still here", ": still here"]


async def test_the_server_says_goodbye(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        server.context.stop()
        event = await listener.event()
        assert (event.name, event.data) == ("bye", {"reason": "the server stops"})
        await listener.end()
        assert listener.ended
    assert len(server.context.streams) == 0
    answer = await server.send("GET", path(server, "a"))
    assert (answer.status, answer.code) == (503, "stopping")


async def test_a_stream_ends_with_its_key(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        keys = (await server.send("GET", "/v1/auth/api-keys")).json["keys"]
        number = next(key["id"] for key in keys if key["name"] == "read")
        assert (await server.send("DELETE", f"/v1/auth/api-keys/{number}")).status == 204
        event = await listener.event(within_s=1)
        assert event.data == {"reason": "the key is no longer valid"}


async def test_who_leaves_is_forgotten(server: Server, autojump_clock: MockClock) -> None:
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        assert len(server.context.streams) == 1
        assert server.context.node.statistics().watches == 1
    assert len(server.context.streams) == 0
    assert server.context.node.statistics().watches == 0


async def test_a_ticket_opens_one_stream(server: Server, autojump_clock: MockClock) -> None:
    answer = await server.send("POST", "/v1/live/tickets", key="read")
    assert (answer.status, answer.json["expires_in"]) == (201, 60)
    ticket = answer.json["ticket"]
    async with listening(server, path(server, "a", ticket=ticket), key=None) as listener:
        assert (await listener.event()).name == "snapshot"
    answer = await server.send("GET", path(server, "a", ticket=ticket), key=None)
    assert (answer.status, answer.code) == (401, "invalid_ticket")


async def test_a_ticket_is_good_for_a_minute(server: Server, autojump_clock: MockClock) -> None:
    ticket = (await server.send("POST", "/v1/live/tickets", key="read")).json["ticket"]
    await trio.sleep(61)
    answer = await server.send("GET", path(server, "a", ticket=ticket), key=None)
    assert (answer.status, answer.code) == (401, "invalid_ticket")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 422, "field_required"),
        ("?stats=", 422, "field_required"),
        ("?match=", 422, "parameter_invalid"),
        ("?match=*&resolution=7s", 422, "resolution_invalid"),
        ("?match=*&cursor=yesterday", 422, "cursor_invalid"),
        ("?match=*&cursor=p0:1", 422, "cursor_invalid"),
        ("?match=*&colour=red", 422, "unknown_parameter"),
        ("?stats=st_zzzz", 404, "not_found"),
        ("?stats=5", 404, "not_found"),
    ],
)
async def test_streams_that_cannot_be(server: Server, query: str, status: int, code: str) -> None:
    answer = await server.send("GET", LIVE + query)
    assert (answer.status, answer.code) == (status, code)


async def test_a_stat_of_somebody_else(server: Server) -> None:
    answer = await server.send("GET", path(server, "a"), key="other")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_streams_of_an_account_have_a_limit(
    server: Server, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_LIMIT", 1)
    async with listening(server, path(server, "a")) as listener:
        await listener.event()
        answer = await server.send("GET", path(server, "a"))
        assert (answer.status, answer.code) == (429, "too_many_streams")
        assert "retry-after" in answer.headers


async def test_a_stream_has_room_for_so_many_stats(server: Server) -> None:
    for start in (0, 1000):
        items = [{"stat": f"s{n}", "value": 1} for n in range(start, start + 1000)]
        await server.send("POST", "/v1/ingest/batch", json={"items": items})
    answer = await server.send("GET", f"{LIVE}?match=s*")
    assert (answer.status, answer.code) == (422, "too_many_stats")


def test_cursors_are_read_as_they_are_written() -> None:
    positions = {3: Position(1795302000000, 7), 0: Position(5, 0)}
    assert format_cursor(positions) == "p0:5-0,p3:1795302000000-7"
    assert parse_cursor(format_cursor(positions)) == positions


@pytest.mark.parametrize("text", ["", "p", "p1:1-1,", "1:1-1", "p1:-1-1", "x" * 9000])
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(Problem) as raised:
        parse_cursor(text)
    assert raised.value.code == "cursor_invalid"
