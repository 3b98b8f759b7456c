"""Ping addresses: what a job says counts, and a deadman hears it."""

import trio
from trio.testing import MockClock

from api.notify.pings import Pings
from tests.api.http.harness import Server, serving
from tests.api.http.test_alerts import alert_of_deadman, channel


async def address(server: Server) -> str:
    """The path of a new ping address."""
    answer = await server.send("POST", "/v1/pings", json={"stat": "backup.done"})
    assert answer.status == 201, answer.body
    return str(answer.json["url"]).removeprefix("http://stats.example")


async def test_a_call_counts_and_the_time_between_is_measured(autojump_clock: MockClock) -> None:
    async with serving() as server:
        path = await address(server)
        for method, tail, wait_s in (("GET", "/start", 7), ("POST", "", 1), ("HEAD", "/0", 1)):
            answer = await server.send(method, path + tail, key=None)
            assert (answer.status, answer.body) == (200, b"OK")
            await trio.sleep(wait_s)
        stored = await server.stored()
        assert stored == {"backup.done": (2, 2.0), "backup.done.seconds": (1, 7.0)}


async def test_a_start_is_remembered_by_the_next_process(autojump_clock: MockClock) -> None:
    async with serving() as server:
        path, office = await address(server), server.context.office
        assert (await server.send("GET", f"{path}/start", key=None)).status == 200
        means = office.means
        office.pings = Pings(
            means.documents, means.directory, office.rulebook, means.vault, means.clock
        )
        await trio.sleep(7)
        for _ in range(2):
            assert (await server.send("GET", path, key=None)).status == 200
        # The second job was not seen to begin.
        stored = await server.stored()
        assert stored == {"backup.done": (2, 2.0), "backup.done.seconds": (1, 7.0)}


async def test_a_job_that_failed_is_not_measured(autojump_clock: MockClock) -> None:
    async with serving() as server:
        path = await address(server)
        for tail in ("/start", "/fail", ""):
            assert (await server.send("GET", path + tail, key=None)).status == 200
        assert await server.stored() == {"backup.done": (1, 1.0)}


async def test_a_deadman_hears_success_failure_and_silence(autojump_clock: MockClock) -> None:
    async with serving() as server:
        path = await address(server)
        made = await channel(server)
        await alert_of_deadman(server, made["id"])
        await trio.sleep(1)
        for _ in range(3):
            await server.send("GET", path, key=None)
            await trio.sleep(100)
        assert server.post.sent == []
        await server.send("GET", f"{path}/fail", key=None)
        await trio.sleep(2)
        await server.send("GET", path, key=None)
        await trio.sleep(2)
        await trio.sleep(160)
        types = [sent.json["type"] for sent in server.post.sent]
        assert types == ["alert.firing", "alert.resolved", "alert.firing"]


async def test_nobody_elses_address_is_answered(autojump_clock: MockClock) -> None:
    async with serving() as server:
        path = await address(server)
        listed = (await server.send("GET", "/v1/pings")).json["pings"]
        assert listed[0]["url"].endswith(path)
        wrong = (f"{path}x", f"{path}/now", f"{path}/256", "/ping/x", f"/ping/{'0' * 22}")
        for other in wrong:
            assert (await server.send("GET", other, key=None)).status == 404
        assert (await server.send("GET", "/v1/pings", key="read")).status == 403
        gone = await server.send("DELETE", f"/v1/pings/{listed[0]['id']}")
        assert gone.status == 204
        assert (await server.send("GET", path, key=None)).status == 404
