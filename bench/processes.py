"""Processes of a measurement: started in a place of their own, weighed, and always ended.

Law: what was started here is stopped here, by its process and never by a name, also when the
measurement fails or is interrupted.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.cores import only_on

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 20.0
_POLL_S: Final = 0.01

Process = subprocess.Popen[bytes]


class NotStarted(Exception):
    """A process ended, or was silent for too long, before it was ready; the text says which."""


def cpu_s(pid: int | str = "self") -> float:
    """CPU seconds that a process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid: int | str = "self") -> int:
    """Memory of a process that is in RAM, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


@contextmanager
def started(
    words: Sequence[str],
    place: Path,
    cores: Iterable[int],
    environ: Mapping[str, str] | None = None,
) -> Generator[Process]:
    """A program in the directory `place` until the end of the block; it prints into `output`."""
    with only_on(cores), open(place / "output", "wb") as output:
        process = subprocess.Popen(
            words,
            cwd=place,
            env={**_clean(), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the measurement, which stops it.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def _clean() -> dict[str, str]:
    """Our environment without settings of whoever measures."""
    return {name: text for name, text in os.environ.items() if not name.startswith("STATFLOW_")}


def stop(process: Process) -> None:
    """SIGTERM, and SIGKILL when that does not help; returns when it is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def wait_until(done: Callable[[], bool], process: Process, place: Path) -> None:
    """Wait for a process to be ready; NotStarted when it is not in time."""
    deadline = time.monotonic() + START_LIMIT_S
    while not done():
        if process.poll() is not None or time.monotonic() > deadline:
            printed = (place / "output").read_text(errors="replace")[-2000:]
            raise NotStarted(f"{process.args!r} is not ready ({process.poll()}):\n{printed}")
        time.sleep(_POLL_S)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex(("127.0.0.1", port)) == 0
