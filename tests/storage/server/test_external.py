"""A server that others run: looked at before it is used, and while it is."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from storage.server import (
    Loading,
    NotAllowed,
    Server,
    ServerSettings,
    ServerUnreachable,
    WrongServerSettings,
    open_server,
)
from storage.server.external import watch_external
from storage.server.probe import redacted
from storage.server.testing import ThrowawayServer, binaries, embedded_server

pytestmark = pytest.mark.real

BINARIES = [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in binaries()]
LIMIT_S = 10.0


@pytest.fixture
def running(tmp_path: Path) -> Generator[ThrowawayServer, None, None]:
    with embedded_server(tmp_path / "theirs") as server:
        yield server


def settings(running: ThrowawayServer) -> ServerSettings:
    return ServerSettings(Path("/nowhere"), url=running.url, start_limit_s=LIMIT_S)


async def refusal(settings: ServerSettings) -> str:
    with pytest.raises((WrongServerSettings, NotAllowed, ServerUnreachable)) as caught:
        async with open_server(settings):
            pytest.fail("was used all the same")
    return str(caught.value)


@pytest.mark.parametrize("binary", BINARIES)
async def test_a_right_server_is_used_as_it_is(tmp_path: Path, binary: Path) -> None:
    with embedded_server(tmp_path / "theirs", binary=binary) as running:
        async with open_server(settings(running)) as server:
            assert (server.kind, server.durable) == ("external", True)
            assert server.url == running.url
            assert server.pid == running.pid
            assert server.memory_limit == 256 * 1024**2
            assert server.unix_socket is server.log is server.data
            assert server.statistics().disk_free is None
        with running.client() as client:  # and lives on
            assert client.ping()


@pytest.mark.parametrize("binary", BINARIES)
@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("appendonly", "no", "yes"),
        ("appendfsync", "everysec", "always"),
        ("no-appendfsync-on-rewrite", "yes", "no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ],
)
async def test_each_wrong_setting_is_refused_with_its_remedy(
    tmp_path: Path, binary: Path, name: str, value: str, wanted: str
) -> None:
    with embedded_server(tmp_path, binary=binary, **{name: value}) as running:
        text = await refusal(settings(running))
        line = f"{name} is {value}, must be {wanted}: CONFIG SET {name} {wanted}"
        assert line in text
        with running.client() as client:  # the remedy is one
            client.execute_command(*line.partition(": ")[2].split())
        async with open_server(settings(running)) as server:
            assert server.durable


async def test_relaxed_durability_takes_less_and_promises_less(tmp_path: Path) -> None:
    with embedded_server(tmp_path, appendonly="no", appendfsync="everysec") as running:
        relaxed = replace(settings(running), durability="relaxed")
        async with open_server(relaxed) as server:
            assert not server.durable
        running.restart(maxmemory_policy="volatile-ttl")
        assert "maxmemory-policy is volatile-ttl" in await refusal(relaxed)


async def test_without_a_limit_of_its_own_it_has_its_machine(tmp_path: Path) -> None:
    with embedded_server(tmp_path, maxmemory=0) as running:
        async with open_server(settings(running)) as server:
            assert server.memory_limit > 256 * 1024**2


async def test_a_replica_is_refused(running: ThrowawayServer) -> None:
    with running.client() as client:
        client.replicaof("127.0.0.1", "1")
    assert "it is a replica: name its primary instead" in await refusal(settings(running))


def as_user(running: ThrowawayServer, user: str) -> ServerSettings:
    named = running.url.replace("unix://", f"unix://{user}:secret@")
    return replace(settings(running), url=named)


async def test_a_user_who_may_not_ask(running: ThrowawayServer) -> None:
    with running.client() as client:
        client.execute_command("ACL SETUSER blind on >secret ~* +@all -config")
        client.execute_command("ACL SETUSER deaf on >secret ~* +@all -info")
        client.execute_command("ACL SETUSER fit on >secret ~* -@all +info +config|get")
    for user in ("blind", "deaf"):
        text = await refusal(as_user(running, user))
        assert "ACL SETUSER <user> +info +config|get" in text
        assert "secret" not in text
    async with open_server(as_user(running, "fit")) as server:
        assert server.durable
        assert "secret" not in repr(server)


async def test_a_wrong_password(running: ThrowawayServer) -> None:
    text = await refusal(as_user(running, "nobody"))
    assert "refuses the log-in" in text
    assert "put user and password into the URL" in text
    assert "secret" not in text
    with running.client() as client:
        client.config_set("requirepass", "other")
    assert "refuses the log-in" in await refusal(settings(running))


async def test_a_server_without_the_command(tmp_path: Path) -> None:
    (tmp_path / "renamed.conf").write_text("rename-command CONFIG hidden\n")
    with embedded_server(tmp_path, include=f"{tmp_path}/renamed.conf") as running:
        assert "it must have the commands INFO and CONFIG GET" in await refusal(settings(running))


async def test_nobody_at_the_address(tmp_path: Path) -> None:
    nowhere = ServerSettings(tmp_path, url=f"unix://{tmp_path}/no.sock", start_limit_s=0.05)
    text = await refusal(nowhere)
    assert re.search(r"no store server answers at unix:///.*/no.sock within 0.05 s", text)
    assert "STATFLOW_REDIS_URL" in text


async def test_a_server_that_comes_up_later_is_waited_for(running: ThrowawayServer) -> None:
    running.stop()

    async def cont() -> None:
        await trio.sleep(0.05)
        running.cont()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cont)
        async with open_server(settings(running)) as server:
            assert server.is_ready


@asynccontextmanager
async def watched(
    settings: ServerSettings, told: Callable[[Loading], None] = lambda loading: None
) -> AsyncGenerator[Server, None]:
    """A server that is looked at a hundred times a second."""
    async with watch_external(settings, told, look_every_s=0.01) as server:
        yield server


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody else has an event for."""
    with trio.fail_after(LIMIT_S):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.001)


async def test_settings_that_change_take_the_promise_back(running: ThrowawayServer) -> None:
    async with watched(settings(running)) as server:
        with running.client() as client:
            client.config_set("appendfsync", "everysec")
            await until(lambda: not server.durable)
            assert server.is_ready
            client.config_set("appendfsync", "always")
            await until(lambda: server.durable)


async def test_ends_and_restarts_are_seen(running: ThrowawayServer) -> None:
    async with watched(settings(running)) as server:
        run_id = server.run_id
        running.kill()
        await until(lambda: not server.is_ready)
        assert server.statistics().last_end is not None
        running.restart()
        with trio.fail_after(LIMIT_S):
            await server.wait_ready()
        assert server.restarts == 1
        assert server.run_id != run_id
        assert server.pid == running.pid


async def test_losing_the_permission_counts_as_down(running: ThrowawayServer) -> None:
    with running.client() as client:
        client.execute_command("ACL SETUSER fit on >secret ~* -@all +info +config|get")
        async with watched(as_user(running, "fit")) as server:
            client.execute_command("ACL SETUSER fit -info")
            await until(lambda: not server.is_ready)
            assert "may not look" in str(server.statistics().last_end)


async def test_loading_is_told(running: ThrowawayServer) -> None:
    with running.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(3_000):
            pipeline.set(f"key {number}", "x" * 100)
        pipeline.execute()
    told: list[Loading] = []
    async with watched(settings(running)) as server:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, lambda: running.restart(key_load_delay=50))
            await until(lambda: server.statistics().loading is not None)
            assert not server.is_ready
            async with watched(settings(running), told.append) as second:
                assert second.is_ready
        assert told
        with trio.fail_after(LIMIT_S):
            await server.wait_ready()
        assert server.statistics().loading is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("rediss://user:p@ss@host/1?ssl_ca_certs=x", "rediss://***@host/1"),
        ("unix://:secret@/run/x.sock?password=secret", "unix://***@/run/x.sock"),
        ("unix:///run/x@y.sock", "unix:///run/x@y.sock"),
    ],
)
def test_secrets_are_not_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown
