"""Processes, with and without the kernel's handles to them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import trio

from storage.server.directory import DataDirectory, DataDirectoryHeld, hold_directory
from storage.server.process import LOG_KEPT_BYTES, ServerProcess, find_living, spawn

pytestmark = pytest.mark.real

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper() -> Generator[subprocess.Popen[bytes], None, None]:
    with subprocess.Popen(SLEEPER) as child:
        yield child
        child.kill()


async def test_the_end_of_a_child_is_told_in_words(sleeper: subprocess.Popen[bytes]) -> None:
    process = ServerProcess(sleeper.pid, sleeper)
    assert process.end is None
    assert repr(process) == f"<ServerProcess {sleeper.pid} running>"
    process.send(signal.SIGKILL)
    assert await process.wait_end() == "killed by SIGKILL"
    process.send(signal.SIGTERM)  # nobody there any more
    process.close()
    process.close()
    assert repr(process) == f"<ServerProcess {sleeper.pid} killed by SIGKILL>"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 40)", "killed by signal 40"),
    ],
)
def test_exit_codes_and_odd_signals(code: str, words: str) -> None:
    with subprocess.Popen([sys.executable, "-c", code]) as child:
        process = ServerProcess(child.pid, child)
        assert trio.run(process.wait_end) == words
        process.close()


@pytest.mark.parametrize("pidfds", [True, False])
async def test_the_end_of_a_stranger_is_seen(
    sleeper: subprocess.Popen[bytes], pidfds: bool
) -> None:
    stranger = ServerProcess(sleeper.pid, pidfds=pidfds)
    assert stranger.end is None
    async with trio.open_nursery() as nursery:
        ends: list[str] = []

        async def watch() -> None:
            ends.append(await stranger.wait_end())

        nursery.start_soon(watch)
        stranger.send(signal.SIGKILL)
        await trio.to_thread.run_sync(sleeper.wait)
    assert ends == ["gone"]
    stranger.send(signal.SIGTERM)
    stranger.close()


def test_a_process_that_was_never_there() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    stranger = ServerProcess(child.pid)
    assert stranger.end == "gone"
    assert not stranger.runs(Path(sys.executable))


def test_the_program_is_told_by_its_file_not_its_name(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    process = ServerProcess(sleeper.pid, sleeper)
    copy = tmp_path / Path(sys.executable).name
    copy.write_text("")
    assert process.runs(Path(sys.executable))
    assert not process.runs(copy)
    process.close()


def test_nobody_lives_in_a_new_directory(tmp_path: Path) -> None:
    with hold_directory(tmp_path) as held:
        assert find_living(held) is None
        held.socket.write_text("left by a crash")
        assert find_living(held) is None


def test_the_listener_is_found_even_when_it_takes_no_more_calls(tmp_path: Path) -> None:
    with hold_directory(tmp_path) as held, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(held.socket))
        listener.listen(0)
        assert found_pid(held) == os.getpid()
        # That call was never taken and fills the queue.
        assert found_pid(held) is None
        (held.store / "server.pid").write_text(f"{os.getpid()}\n")
        assert found_pid(held) == os.getpid()
        (held.store / "server.pid").write_text("0\n")
        with pytest.raises(DataDirectoryHeld):  # what the kernel says of other containers
            found_pid(held)


def found_pid(held: DataDirectory) -> int | None:
    found = find_living(held)
    if found is None:
        return None
    found.close()
    return found.pid


def test_a_start_tidies_up_and_leaves_its_lock_to_the_server(tmp_path: Path) -> None:
    with hold_directory(tmp_path) as held:
        held.log.write_text("x" * (LOG_KEPT_BYTES + 1))
        unfinished = held.store / "temp-rewriteaof-bg-4711.aof"
        unfinished.write_text("half a file")
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\numask; echo $1 $2; exec sleep 600\n")
        program.chmod(0o700)
        process = spawn(program, {"hz": "20"}, held)
        try:
            assert held.server_lives()
            assert held.log.with_suffix(".log.1").stat().st_size > LOG_KEPT_BYTES
            assert held.log.stat().st_mode & 0o777 == 0o600
            assert not unfinished.exists()
        finally:
            process.send(signal.SIGKILL)
            trio.run(process.wait_end)
            process.close()
        assert not held.server_lives()
