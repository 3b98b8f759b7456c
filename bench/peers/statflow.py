"""StatFlow itself: `statflow serve` with its own store, durable, on the core that the peers get."""

import os
import re
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from bench.cores import APP, CORES, move
from bench.peers.peer import NONE, Peer, Serving
from bench.processes import Process, started, wait_until
from storage.server.directory import PID

ROOT: Final = Path(__file__).parents[2]

ACKNOWLEDGED: Final = "durable: in the log, fsynced"

_ADDRESS: Final = re.compile(r"serves http://127\.0\.0\.1:(\d+)")
_KEY: Final = re.compile(r"sf_\w{46}")


@contextmanager
def serving(
    place: Path, environ: Mapping[str, str] = NONE, *, split: bool = False
) -> Generator[Serving]:
    """A new server whose data is in `place`/data; `split`: its store may use the other core."""
    with store_ended(place), started(*command(place, environ)) as process:
        port, key = wait_ready(process, place)
        store = store_pid(place)
        assert store is not None, "BUG: a server that is ready has no store"
        if split:
            move(store, CORES)
        yield Serving(port, (process.pid, store), headers(key))


def command(
    place: Path, environ: Mapping[str, str] = NONE
) -> tuple[list[str], Path, frozenset[int], dict[str, str]]:
    """What starts a server."""
    ours = {"PYTHONPATH": str(ROOT), "STATFLOW_DATA": str(place / "data"), **environ}
    words = [sys.executable, "-m", "api.cli.main", "serve", "--bind", "127.0.0.1:0"]
    return words, place, APP, ours


def wait_ready(process: Process, place: Path) -> tuple[int, str]:
    """The port of a server that takes points, and the key if it printed one."""
    output = place / "output"
    wait_until(lambda: _ADDRESS.search(output.read_text()) is not None, process, place)
    port = int(_ADDRESS.findall(output.read_text())[0])
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        wait_until(lambda: http.get("/readyz").status_code == 200, process, place)
    # The key is printed once the server is ready, a moment after the address.
    if not (place / "known").exists():
        wait_until(lambda: _KEY.search(output.read_text()) is not None, process, place)
        (place / "known").touch()
    keys = _KEY.findall(output.read_text())
    return port, keys[0] if keys else ""


def store_pid(place: Path) -> int | None:
    """The process of the store server; None when none works in its directory."""
    store = place / "data" / "store"
    with suppress(OSError, ValueError):
        pid = int((store / PID).read_text())
        # The number in a file that was left may be another process' by now.
        return pid if os.path.samefile(f"/proc/{pid}/cwd", store) else None
    return None


@contextmanager
def store_ended(place: Path) -> Generator[None]:
    """The store server outlives a program that is killed: whatever fails, it ends here."""
    try:
        yield
    finally:
        if (pid := store_pid(place)) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def headers(key: str) -> dict[str, str]:
    """What each request needs."""
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


PROGRAM: Final = sys.executable
STATFLOW: Final = Peer("StatFlow", PROGRAM, "this checkout", serving)
STATFLOW_SPLIT: Final = Peer("StatFlow", PROGRAM, "this checkout", partial(serving, split=True))
