"""The embedded server: started, kept up, stopped. With every program that could be it."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import trio
from redis.backoff import NoBackoff
from redis.retry import Retry

from storage.server import (
    DataDirectoryHeld,
    Loading,
    NoServerBinary,
    Server,
    ServerFailed,
    ServerSettings,
    open_server,
)
from storage.server.embedded import FIRST_STARTS_MAX
from storage.server.testing import binaries, embedded_server

pytestmark = pytest.mark.real

BINARIES = [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in binaries()]
LIMIT_S = 10.0


def client(server: Server) -> redis.Redis:
    """Somebody who may do everything."""
    url = f"unix://{server.unix_socket}"
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), decode_responses=True)


# With a faster clock inside, servers notice sooner that they shall stop.
FAST = {"hz": "100"}


def settings(data: Path, binary: Path | None = None, **extra: str) -> ServerSettings:
    named = FAST | {name.replace("_", "-"): value for name, value in extra.items()}
    return ServerSettings(data, maxmemory_bytes=64 * 1024**2, binary=binary, extra=named)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody else has an event for."""
    with trio.fail_after(LIMIT_S):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.001)


@pytest.mark.parametrize("binary", BINARIES)
async def test_the_program_may_only_do_what_a_store_needs(tmp_path: Path, binary: Path) -> None:
    async with open_server(settings(tmp_path, binary)) as server:
        with redis.Redis.from_url(server.url) as store:
            digest = store.script_load("return redis.call('INCR', KEYS[1])")
            assert store.evalsha(digest, 1, "{sf}:number") == 1
            assert store.get("{sf}:number") == b"1"
            for forbidden in (
                ("FLUSHALL",),
                ("CONFIG", "SET", "appendfsync", "no"),
                ("CONFIG", "GET", "*"),
                ("KEYS", "*"),
                ("EVAL", "return 1", "0"),
                ("SHUTDOWN",),
                ("RESTORE", "{sf}:number", "0", "", "REPLACE"),
                ("SCRIPT", "FLUSH"),
                ("ACL", "SETUSER", "statflow", "+@all"),
                ("SET", "foreign", "1"),
                ("SUBSCRIBE", "{sf}:channel"),
            ):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    store.execute_command(*forbidden)


@pytest.mark.parametrize("binary", BINARIES)
async def test_it_starts_at_once_with_the_options_that_keep_points(
    tmp_path: Path, binary: Path
) -> None:
    began = trio.current_time()
    async with open_server(settings(tmp_path, binary)) as server:
        assert trio.current_time() - began < 2  # 0.02 to 0.06 s when nothing else runs
        assert (server.kind, server.durable, server.restarts) == ("embedded", True, 0)
        assert server.memory_limit == 64 * 1024**2
        assert server.unix_socket == tmp_path / "store" / "s.sock"
        assert server.unix_socket.stat().st_mode & 0o777 == 0o700
        assert server.data == tmp_path / "store"
        with client(server) as store:
            facts = store.info()
            assert facts["process_id"] == server.pid
            assert facts["run_id"] == server.run_id
            assert facts["tcp_port"] == 0
            assert server.version in {facts.get("valkey_version"), facts["redis_version"]}
            for name, value in {
                "appendonly": "yes",
                "appendfsync": "always",
                "no-appendfsync-on-rewrite": "no",
                "maxmemory-policy": "noeviction",
                "save": "",
            }.items():
                assert store.config_get(name) == {name: value}
        statistics = server.statistics()
        assert statistics.ready
        assert statistics.loading is None
        assert statistics.last_end is None
        assert statistics.disk_free is not None
        assert statistics.disk_free > 0
        assert repr(server).startswith(f"<Server embedded {server.version} at unix://***@/")
    assert not is_running(server.pid)
    assert not server.unix_socket.exists()


@pytest.mark.parametrize("binary", BINARIES)
async def test_what_was_acknowledged_survives_any_end(tmp_path: Path, binary: Path) -> None:
    async with open_server(settings(tmp_path, binary)) as server:
        with client(server) as store:
            store.set("before", "kill -9")
            first, run_id = server.pid, server.run_id
            os.kill(server.pid, signal.SIGKILL)
            await until(lambda: server.restarts == 1)
            assert store.get("before") == "kill -9"
            assert server.pid != first
            assert server.run_id != run_id
            assert server.statistics().last_end == "killed by SIGKILL"
            store.set("before", "a clean stop")
    async with open_server(settings(tmp_path, binary)) as server, trio.open_nursery():
        with client(server) as store:
            assert store.get("before") == "a clean stop"


async def test_a_server_that_cannot_start_again_is_tried_until_it_can(tmp_path: Path) -> None:
    wrapper = tmp_path / "server"
    allowed = tmp_path / "allowed"
    wrapper.write_text(f'#!/bin/sh\n[ -e "{allowed}" ] || exit 7\nexec {binaries()[0]} "$@"\n')
    wrapper.chmod(0o700)
    allowed.touch()
    async with open_server(settings(tmp_path / "data", wrapper)) as server:
        allowed.unlink()
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: server.statistics().last_end == "exit code 7")
        wrapper.chmod(0o600)  # nor can it even be run
        await trio.sleep(0.15)
        assert not server.is_ready
        wrapper.chmod(0o700)
        allowed.touch()
        with trio.fail_after(LIMIT_S):
            await server.wait_ready()
        assert server.restarts == 1


@pytest.mark.parametrize("kills", [1, 2, 3])
async def test_a_first_server_that_is_killed_is_started_again_a_few_times(
    tmp_path: Path, kills: int
) -> None:
    killed, wrapper = tmp_path / "killed", tmp_path / "server"
    killed.touch()
    wrapper.write_text(
        f'#!/bin/sh\n[ "$(wc -l < {killed})" -ge {kills} ]'
        f' || {{ echo >> {killed}; kill -9 $$; }}\nexec {binaries()[0]} "$@"\n'
    )
    wrapper.chmod(0o700)
    wanted = settings(tmp_path / "data", wrapper)
    if kills < FIRST_STARTS_MAX:
        async with open_server(wanted) as server:
            assert server.is_ready
    else:
        with pytest.raises(ServerFailed, match=r"before it was ready \(killed by SIGKILL\)"):
            async with open_server(wanted):
                pytest.fail("started more often than it should")
    assert killed.read_text() == "\n" * kills


async def test_it_is_stopped_when_the_program_fails_or_is_cancelled(tmp_path: Path) -> None:
    with pytest.RaisesGroup(ValueError):
        async with open_server(settings(tmp_path)) as server:
            raise ValueError("the program is broken")
    assert not is_running(server.pid)
    with trio.CancelScope() as scope:
        async with open_server(settings(tmp_path)) as server:
            scope.cancel()
            await trio.sleep_forever()
    assert not is_running(server.pid)


async def test_a_frozen_server_is_killed_when_it_does_not_stop(tmp_path: Path) -> None:
    hasty = ServerSettings(tmp_path, stop_limit_s=0.05)
    async with open_server(hasty) as server:
        os.kill(server.pid, signal.SIGSTOP)
    assert not is_running(server.pid)


async def test_the_directory_is_held_against_a_second_program(tmp_path: Path) -> None:
    async with open_server(settings(tmp_path)):
        with pytest.raises(DataDirectoryHeld, match=f"in use by process {os.getpid()}"):
            async with open_server(settings(tmp_path)):
                pytest.fail("two programs on one directory")


@pytest.mark.parametrize("binary", BINARIES)
async def test_relaxed_durability(tmp_path: Path, binary: Path) -> None:
    relaxed = ServerSettings(tmp_path, durability="relaxed", binary=binary)
    async with open_server(relaxed) as server:
        assert not server.durable
        with client(server) as store:
            assert store.config_get("appendfsync") == {"appendfsync": "everysec"}


async def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    data = tmp_path / ("very long and % odd? #" * 8) / "data"
    for _ in range(2):
        async with open_server(settings(data)) as server:
            with client(server) as store:
                store.incr("starts")
    with embedded_server(data) as again, again.client() as store:
        assert store.get("starts") == b"2"


def fill(data: Path, binary: Path | None, keys: int) -> None:
    with (
        embedded_server(data, binary=binary) as filler,
        filler.client() as store,
        store.pipeline(transaction=False) as pipeline,
    ):
        for number in range(keys):
            pipeline.set(f"key {number}", "x" * 100)
        pipeline.execute()


# A loading server answers once in 1,024 commands; here it also waits 0.1 ms after each.
SLOW_LOAD = FAST | {"key-load-delay": "50"}


@pytest.mark.parametrize("binary", BINARIES)
async def test_loading_is_told(tmp_path: Path, binary: Path) -> None:
    fill(tmp_path, binary, keys=2_500)
    slow = replace(settings(tmp_path, binary), extra=SLOW_LOAD)
    told: list[Loading] = []
    async with open_server(slow, told.append) as server:
        assert told
        assert all(0 < loading.fraction <= 1 for loading in told)
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: server.statistics().loading is not None)
        loading = server.statistics().loading
        assert loading is not None
        assert loading.total_bytes > 300_000
        assert not server.is_ready
        with trio.fail_after(LIMIT_S):
            await server.wait_ready()
        assert server.statistics().loading is None


async def test_loading_may_take_longer_than_the_limit_while_it_moves(tmp_path: Path) -> None:
    fill(tmp_path, None, keys=8_000)
    impatient = replace(settings(tmp_path), extra=SLOW_LOAD, start_limit_s=0.5)
    began = trio.current_time()
    async with open_server(impatient) as server:
        assert trio.current_time() - began > impatient.start_limit_s
        with client(server) as store:
            assert store.dbsize() == 8_000


def log_file(data: Path) -> Path:
    """The file that the newest writes went to."""
    parts = sorted((data / "store").glob("appendonlydir/*.incr.aof"))
    return parts[-1] if parts else data / "store" / "appendonly.aof"


@pytest.mark.parametrize("binary", BINARIES)
async def test_a_torn_last_write_is_cut_off(tmp_path: Path, binary: Path) -> None:
    with embedded_server(tmp_path, binary=binary) as filler, filler.client() as store:
        store.set("first", "kept")
        store.set("second", "torn")
    file = log_file(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    async with open_server(settings(tmp_path, binary)) as server:
        with client(server) as reader:
            assert reader.get("first") == "kept"
            assert reader.get("second") is None
        assert server.statistics().torn_bytes == len(whole) - 5 - whole.rindex(b"*3")


@pytest.mark.parametrize("binary", BINARIES)
async def test_damage_in_the_middle_stops_the_start_and_the_remedy_works(
    tmp_path: Path, binary: Path
) -> None:
    with embedded_server(tmp_path, binary=binary) as filler, filler.client() as store:
        store.set("first", "kept")
        store.set("second", "damaged")
        store.set("third", "behind it")
    file = log_file(tmp_path)
    whole = file.read_bytes()
    at = whole.index(b"$6\r\nsecond")
    file.write_bytes(whole[:at] + b"X" + whole[at + 1 :])
    with pytest.raises(ServerFailed, match="Bad file format") as caught:
        async with open_server(settings(tmp_path, binary)):
            pytest.fail("started on damaged data")
    text = str(caught.value)
    assert "(exit code 1)" in text
    assert "Restore the last backup" in text
    command = text.splitlines()[-1]
    await trio.to_thread.run_sync(
        lambda: subprocess.run(command, shell=True, input=b"y\n", check=True, capture_output=True)
    )
    async with open_server(settings(tmp_path, binary)) as server:
        with client(server) as reader:
            assert reader.get("first") == "kept"
            assert reader.get("third") is None


@pytest.mark.parametrize("binary", BINARIES)
async def test_a_wrong_option_is_shown_as_the_server_complains(
    tmp_path: Path, binary: Path
) -> None:
    with pytest.raises(ServerFailed, match=r"maxmemory-policy.*sometimes"):
        async with open_server(settings(tmp_path, binary, maxmemory_policy="sometimes")):
            pytest.fail("started with a wrong option")


async def test_a_program_that_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(NoServerBinary):
        async with open_server(settings(tmp_path, tmp_path / "missing")):
            pytest.fail("started nothing")
    with pytest.raises(
        ServerFailed, match=r"ended before it was ready \(exit code 1\); it has not"
    ):
        async with open_server(settings(tmp_path, Path("/bin/false"))):
            pytest.fail("started nothing")
    text = tmp_path / "text"
    text.write_bytes(b"\x7fELF nothing")
    text.chmod(0o700)
    with pytest.raises(ServerFailed, match="cannot be run"):
        async with open_server(settings(tmp_path, text)):
            pytest.fail("started nothing")


async def test_a_program_that_never_answers_is_given_up_and_stopped(tmp_path: Path) -> None:
    mute = tmp_path / "mute"
    mute.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    mute.chmod(0o700)
    with pytest.raises(ServerFailed, match=r"not ready after 0.3 s \(it has not opened its socket"):
        async with open_server(ServerSettings(tmp_path, binary=mute, start_limit_s=0.3)):
            pytest.fail("a mute server is ready")
    assert not is_running(int((tmp_path / "pid").read_text()))
