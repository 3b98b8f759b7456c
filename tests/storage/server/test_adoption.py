"""A server outlives a program that is killed, and the next start takes it over."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis
import trio

from storage.server import DataDirectoryHeld, ServerSettings, open_server
from storage.server.directory import hold_directory
from storage.server.process import find_living, spawn
from storage.server.settings import embedded_options
from storage.server.testing import binaries

pytestmark = pytest.mark.real

BINARIES = [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in binaries()]
ROOT = Path(__file__).parents[2]
MAXMEMORY_BYTES = 64 * 1024**2

# A whole program: it says when its server is ready, then waits for its end.
PROGRAM = """
import json, sys, trio
from pathlib import Path
from storage.server import ServerSettings, open_server

async def main() -> None:
    data, binary = map(Path, sys.argv[1:])
    settings = ServerSettings(data, binary=binary, maxmemory_bytes=2**26, extra={"hz": "100"})
    async with open_server(settings) as server:
        print(json.dumps({"pid": server.pid, "run_id": server.run_id}), flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@dataclass(frozen=True)
class Orphan:
    """A server whose program was killed, and the settings of that program."""

    pid: int
    run_id: str
    settings: ServerSettings

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


def make_orphan(data: Path, binary: Path) -> Orphan:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, data, binary], stdout=subprocess.PIPE, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        said = json.loads(program.stdout.readline())
        program.kill()
    settings = ServerSettings(data, None, "strict", MAXMEMORY_BYTES, binary, extra={"hz": "100"})
    return Orphan(said["pid"], said["run_id"], settings)


@pytest.fixture
def orphan(tmp_path: Path) -> Generator[Orphan, None, None]:
    yield make_orphan(tmp_path, binaries()[0])
    nobody_lives(tmp_path)


def nobody_lives(data: Path) -> None:
    with hold_directory(data) as held:
        left = find_living(held)
    if left is not None:
        left.send(signal.SIGKILL)
        left.close()
    assert left is None, "a server was left behind"


@pytest.mark.parametrize("binary", BINARIES)
async def test_the_next_start_takes_it_over(tmp_path: Path, binary: Path) -> None:
    orphan = make_orphan(tmp_path, binary)
    async with open_server(orphan.settings) as server:
        assert (server.pid, server.run_id) == (orphan.pid, orphan.run_id)
        assert server.restarts == 0
        with redis.Redis.from_url(server.url) as store:
            store.set("{sf}:kept", "yes")
        # It is no child of ours, and still its end is seen at once.
        orphan.send(signal.SIGKILL)
        with trio.fail_after(10):
            while server.restarts == 0:  # noqa: ASYNC110
                await trio.sleep(0.001)
        assert server.statistics().last_end == "gone"
        with redis.Redis.from_url(server.url) as store:
            assert store.get("{sf}:kept") == b"yes"
    nobody_lives(tmp_path)


async def test_an_adopted_server_is_stopped_at_the_end(orphan: Orphan) -> None:
    async with open_server(orphan.settings) as server:
        assert server.pid == orphan.pid


async def test_its_options_are_set_anew(orphan: Orphan) -> None:
    everybody = f"unix://{orphan.settings.data}/store/s.sock"
    with redis.Redis.from_url(everybody) as store:
        store.set("{sf}:kept", "yes")
        store.config_set("appendonly", "no")
        store.config_set("maxmemory-policy", "allkeys-lru")
    richer = replace(orphan.settings, maxmemory_bytes=2 * MAXMEMORY_BYTES)
    async with open_server(richer) as server:
        assert server.pid == orphan.pid
        assert server.memory_limit == 2 * MAXMEMORY_BYTES
        assert server.durable
        with redis.Redis.from_url(everybody) as store:
            assert store.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        os.kill(server.pid, signal.SIGKILL)
        await trio.sleep(0.01)
        with trio.fail_after(10):
            await server.wait_ready()
        with redis.Redis.from_url(server.url) as store:
            assert store.get("{sf}:kept") == b"yes"


async def test_its_user_is_made_anew(orphan: Orphan) -> None:
    with redis.Redis.from_url(f"unix://{orphan.settings.data}/store/s.sock") as store:
        store.acl_deluser("statflow")  # As after a version that had none.
    async with open_server(orphan.settings) as server:
        assert server.pid == orphan.pid
        with redis.Redis.from_url(server.url) as store:
            store.set("{sf}:kept", "yes")
            with pytest.raises(redis.exceptions.NoPermissionError):
                store.flushall()


async def test_an_option_that_only_a_new_start_can_change(orphan: Orphan) -> None:
    async with open_server(replace(orphan.settings, extra={"databases": "3"})) as server:
        assert server.pid != orphan.pid


async def test_another_program_takes_its_place(orphan: Orphan, tmp_path: Path) -> None:
    other = shutil.copy2(binaries()[0], tmp_path / "other-server")
    async with open_server(replace(orphan.settings, binary=Path(other))) as server:
        assert server.pid != orphan.pid


async def test_a_frozen_server_is_replaced(orphan: Orphan) -> None:
    orphan.send(signal.SIGSTOP)
    hasty = replace(orphan.settings, start_limit_s=0.5, stop_limit_s=0.05)
    async with open_server(hasty) as server:
        assert server.pid != orphan.pid


async def test_a_dead_server_is_no_obstacle(orphan: Orphan) -> None:
    orphan.send(signal.SIGKILL)
    async with open_server(orphan.settings) as server:
        assert server.pid != orphan.pid


async def test_a_half_started_server_is_waited_for(tmp_path: Path) -> None:
    """The program was killed between starting its server and the server's opening its socket."""
    settings = ServerSettings(tmp_path, maxmemory_bytes=MAXMEMORY_BYTES)
    with hold_directory(tmp_path) as held:
        options = embedded_options(settings, MAXMEMORY_BYTES)
        half_started = spawn(binaries()[0], options, held)
    async with open_server(settings) as server:
        assert server.pid == half_started.pid
    assert half_started.end == "exit code 0"
    half_started.close()


async def test_an_orphaned_child_of_a_dead_server_is_waited_out(tmp_path: Path) -> None:
    """Such a child, which was rewriting the append-only file, holds the server's lock."""
    with hold_directory(tmp_path) as held:
        lock = held.lock_for_server()

    gone = trio.Event()

    async def end() -> None:
        await trio.sleep(0.05)
        os.close(lock)
        gone.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end)
        async with open_server(ServerSettings(tmp_path)):
            assert gone.is_set()


async def test_the_lock_of_a_running_program_names_it(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", PROGRAM, tmp_path, binaries()[0]], stdout=subprocess.PIPE, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        await trio.to_thread.run_sync(program.stdout.readline)
        with pytest.raises(DataDirectoryHeld) as caught:
            async with open_server(ServerSettings(tmp_path)):
                pytest.fail("two programs on one directory")
        assert caught.value.pid == program.pid
        program.send_signal(signal.SIGINT)
    nobody_lives(tmp_path)
