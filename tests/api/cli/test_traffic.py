"""The demo's traffic: all of the past once, whatever is killed, and then the present."""

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio
from trio.testing import MockClock

from api.cli.client import Client, open_client
from api.cli.shop import FINE_HISTORY_S, HISTORY_S, UNITS, Shop, history
from api.cli.traffic import Diary, State, Traffic, new_state
from tests.api.cli.transport import app_target, app_transport
from tests.api.http.harness import NOW_S, Server, serving

HOURS_S = 3 * 3_600


class Killed(Exception):
    """The program was killed."""


class Killing(httpx.AsyncBaseTransport):
    """Kills the program at a batch: before it arrived, or before its answer did."""

    def __init__(self, inner: httpx.AsyncBaseTransport, at_batch: int, *, arrives: bool) -> None:
        self.inner = inner
        self.left = at_batch
        self.arrives = arrives

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.left -= request.method == "POST"
        if self.left < 0:
            if self.arrives:
                await self.inner.handle_async_request(request)
            raise Killed
        return await self.inner.handle_async_request(request)


def short_state() -> State:
    """A shop of which only some hours are to be told."""
    state = new_state("sf_x", 3, NOW_S + 30, 0)
    state.filled_to = state.began - HOURS_S
    state.fine_from = state.began - 1_800
    return state


def expected(state: State, from_s: int, to_s: int) -> Counter[str]:
    shop = Shop(state.seed, state.began, state.offset)
    parts = history(from_s, to_s, state.fine_from)
    return Counter(item["stat"] for part in parts for item in shop.items(part))


async def counts(client: Client) -> Counter[str]:
    body = await client.get(
        "/v1/query", {"match": "*", "agg": "count", "last": "5h", "resolution": "15m"}
    )
    series: list[dict[str, Any]] = msgspec.json.decode(body)["series"]
    return Counter({one["name"]: one["summary"]["count"] for one in series})


async def test_the_past_is_told_once_and_the_present_follows(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    state = short_state()
    begun = state.filled_to
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        traffic = Traffic(client, Diary(tmp_path / "d", state), server.context.clock)
        sent = await traffic.catch_up()
        await traffic.name_units()
        with trio.move_on_after(5.5):
            await traffic.go_on()
        assert state.filled_to > NOW_S
        found = await counts(client)
        assert found == expected(state, begun, state.filled_to)
        assert sent < found.total()
        units = {stat.name: stat.unit for stat in await client.stats() if stat.unit}
    assert units == UNITS


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("at_batch", [0, 2])
async def test_killed_in_the_middle_it_goes_on_without_a_double(
    at_batch: int, arrives: bool, autojump_clock: MockClock, tmp_path: Path
) -> None:
    path, begun = tmp_path / "d", short_state().filled_to
    async with serving() as server:
        killing = Killing(app_transport(server), at_batch, arrives=arrives)
        with pytest.raises(Killed):
            await catch_up(server, killing, Diary(path, short_state()))
        await trio.sleep(3.7)
        again = Diary.read(path)
        assert again is not None
        assert again.state.sending_to is not None
        await catch_up(server, app_transport(server), again)
        async with open_client(app_target(server), app_transport(server)) as client:
            found = await counts(client)
    assert found == expected(short_state(), begun, again.state.filled_to)
    assert again.state.sending_to is None


async def catch_up(server: Server, transport: httpx.AsyncBaseTransport, diary: Diary) -> None:
    async with open_client(app_target(server), transport) as client:
        await Traffic(client, diary, server.context.clock).catch_up()


async def test_a_long_pause_becomes_history_but_not_for_ever(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    state = short_state()
    state.filled_to = state.fine_from = NOW_S - 10 * HISTORY_S
    taken = httpx.Response(202, json={"accepted": 1, "duplicates": 0, "rejected": []})
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 3:
            raise Killed
        return taken

    async with serving() as server:
        with pytest.raises(Killed):
            await catch_up(server, httpx.MockTransport(answer), Diary(tmp_path / "d", state))
    first = msgspec.json.decode(bodies[0])["items"][0]["t"] // 1000
    assert 0 <= NOW_S - HISTORY_S - first <= 120
    assert state.fine_from == NOW_S - FINE_HISTORY_S


def test_a_new_shop_has_two_weeks_to_tell() -> None:
    state = new_state("sf_x", 1, NOW_S + 59, 3_600)
    assert state.began % 60 == state.filled_to % 60 == 0
    assert (state.began - state.filled_to, state.offset) == (HISTORY_S, 3_600)


def test_the_diary_is_private_and_survives(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    assert Diary.read(path) is None
    Diary(path, short_state()).write()
    found = Diary.read(path)
    assert found is not None
    assert found.state == short_state()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{}")
    assert Diary.read(path) is None
