"""The client of the command line: one key a batch, patience where it helps, errors that help."""

import httpx
import pytest
import trio
from trio.testing import MockClock

from api.cli.client import PATIENCE_S, Refused, Sent, Unreached, open_client, target_of
from api.cli.errors import CommandError, UsageError
from tests.api.cli.transport import TARGET, Script, app_target, app_transport, refused
from tests.api.http.harness import serving

ITEM = {"stat": "x"}
TAKEN = {"accepted": 1, "duplicates": 0, "rejected": [], "durable": True}
DOWN = httpx.ConnectError("refused")
BROKEN = httpx.ReadError("reset")


def taken() -> httpx.Response:
    return httpx.Response(202, json=TAKEN)


async def test_a_batch_that_is_tried_again_keeps_its_key(autojump_clock: MockClock) -> None:
    script = Script(taken(), BROKEN, refused(503, "overloaded", retry_after=3), DOWN, taken())
    async with open_client(TARGET, script) as client:
        await client.send([ITEM])
        began = trio.current_time()
        assert await client.send([ITEM]) == Sent(1, 0, [])
        assert trio.current_time() - began > 3
    keys = [request.headers["idempotency-key"] for request in script.requests]
    assert len(set(keys[1:])) == 1
    assert keys[0] != keys[1]
    assert len({bytes(request.content) for request in script.requests}) == 1


async def test_a_server_that_was_never_there_is_given_up_at_once(
    autojump_clock: MockClock,
) -> None:
    async with open_client(TARGET, Script(DOWN)) as client:
        with pytest.raises(Unreached, match=r"statflow serve.*STATFLOW_URL"):
            await client.send([ITEM])
    assert trio.current_time() == 0


async def test_patience_ends(autojump_clock: MockClock) -> None:
    script = Script(taken(), *[BROKEN] * 100)
    async with open_client(TARGET, script) as client:
        await client.send([ITEM])
        with pytest.raises(Unreached, match="broke off"):
            await client.send([ITEM])
    assert PATIENCE_S / 2 < trio.current_time() <= PATIENCE_S


async def test_what_is_refused_for_good_is_not_tried_again(autojump_clock: MockClock) -> None:
    script = Script(refused(401, "invalid_key", "There is no such key."))
    async with open_client(TARGET, script) as client:
        with pytest.raises(Refused, match="There is no such key: export another STATFLOW_KEY"):
            await client.send([ITEM])
    assert len(script.requests) == 1


async def test_a_batch_of_which_nothing_was_taken_names_its_items() -> None:
    errors = [{"index": 0, "code": "value_type", "message": "value: a number."}]
    script = Script(refused(422, "batch_rejected", errors=errors))
    async with open_client(TARGET, script) as client:
        sent = await client.send([ITEM])
    assert (sent.accepted, sent.rejected[0].code) == (0, "value_type")


async def test_somebody_else_on_the_port_is_recognised() -> None:
    script = Script(httpx.Response(404, text="<html>"), httpx.Response(200, text="hello"))
    async with open_client(TARGET, script) as client:
        with pytest.raises(Refused, match="is it a StatFlow server"):
            await client.get("/v1/stats")
        with pytest.raises(CommandError, match="does not understand"):
            await client.stats()


async def test_stats_are_found_by_name_id_and_pattern(autojump_clock: MockClock) -> None:
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        await client.send([{"stat": name} for name in ("a.b", "a.c", "z*z", "a")])
        (a,) = await client.find(["a"])
        assert (a.name, a.type) == ("a", "counter")
        assert await client.find([a.id, "a", "a"]) == [a]
        assert [stat.name for stat in await client.find(["a.?", "a"])] == ["a.b", "a.c", "a"]
        with pytest.raises(CommandError, match="there is no stat nope yet"):
            await client.find(["a", "nope"])
        with pytest.raises(CommandError, match="no stat st_zzz"):
            await client.find(["st_zzz"])


async def test_all_pages_are_read(autojump_clock: MockClock) -> None:
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        for start in (0, 1000):
            await client.send([{"stat": f"s{start + n:04}"} for n in range(1000)])
        await client.send([{"stat": "t"}])
        stats = await client.stats()
    assert [stat.name for stat in stats] == [*(f"s{n:04}" for n in range(2000)), "t"]


@pytest.mark.parametrize(
    ("server", "variable", "url"),
    [
        (None, None, "http://127.0.0.1:8080"),
        (None, "https://a.example/", "https://a.example"),
        ("b.example:81", "https://a.example", "http://b.example:81"),
    ],
)
def test_which_server_is_meant(server: str | None, variable: str | None, url: str) -> None:
    environ = {"STATFLOW_KEY": " sf_1 "} | ({"STATFLOW_URL": variable} if variable else {})
    target = target_of(server, "http://127.0.0.1:8080", environ)
    assert (target.url, target.key) == (url, "sf_1")
    assert "sf_1" not in repr(target)


@pytest.mark.parametrize("server", ["ftp://x", "http://", "://"])
def test_what_is_no_server(server: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        target_of(server, "", {"STATFLOW_KEY": "sf_1"})
