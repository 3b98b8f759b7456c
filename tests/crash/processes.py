"""The real processes of a crash run: StatFlow and its store server, started, killed, looked at.

Law: nothing is killed by name. A server is the one that listens on the socket in our directory.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import trio

from tests.crash.waiting import until
from tests.source_tree import ROOT

START_LIMIT_S = 30.0
STOP_LIMIT_S = 30.0
SERVES = b"StatFlow serves http://127.0.0.1:"


class App:
    """`statflow serve` in a directory; may be started again after each end."""

    def __init__(self, data: Path, environment: Mapping[str, str] = {}) -> None:
        self.data = data
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("STATFLOW_")},
            "STATFLOW_DATA": str(data),
            "STATFLOW_BIND": "127.0.0.1:0",
            **environment,
        }
        self.output = data.with_name(f"{data.name}.out")
        self.output.touch()
        self.process: trio.Process | None = None
        self._begun = 0

    async def start(self) -> None:
        """Start the process; it serves some time later."""
        self._begun = self.output.stat().st_size
        output = os.open(self.output, os.O_WRONLY | os.O_APPEND)
        try:
            self.process = await trio.lowlevel.open_process(
                [sys.executable, "-m", "api.cli.main", "serve"],
                cwd=ROOT,
                env=self.environment,
                stdin=None,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.close(output)

    def port(self) -> int | None:
        """Where the process serves; None while it does not yet."""
        _, found, rest = self.said().partition(SERVES)
        port, newline, _ = rest.partition(b"\n")
        return int(port.rstrip(b"/\r")) if found and newline else None

    def said(self) -> bytes:
        """What the process has printed."""
        with open(self.output, "rb") as output:
            output.seek(self._begun)
            return output.read()

    async def wait_serving(self) -> int:
        """The port, once the process serves; fails if it ends before."""
        await until(lambda: self.port() is not None or not self.alive, START_LIMIT_S)
        port = self.port()
        assert port is not None, f"it ended before it served:\n{self.said().decode()}"
        return port

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self.process is not None, "BUG: never started"
        self.process.send_signal(number)

    async def kill(self) -> None:
        """Kill -9; returns when it is gone."""
        if self.process is not None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None, "BUG: never started"
        self.process.terminate()
        with trio.fail_after(STOP_LIMIT_S):
            return await self.process.wait()


async def statflow(app: App, *words: str) -> tuple[int, str]:
    """Run a command of `statflow` in the app's surroundings: its exit code and what it printed."""
    done = await trio.run_process(
        [sys.executable, "-m", "api.cli.main", *words],
        cwd=ROOT,
        env=app.environment,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode()


class StoreServer:
    """The server that listens in an app's directory, whichever process that is."""

    def __init__(self, data: Path) -> None:
        self.store = data / "store"
        self.url = f"unix://{self.store}/s.sock"
        self._last: int | None = None

    def pid(self) -> int | None:
        """The process that listens now."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(1.0)
            try:
                peer.connect(str(self.store / "s.sock"))
            except OSError:
                return None
            size = struct.calcsize("3i")
            said = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid: int = struct.unpack("3i", said)[0]
        return pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server; the last one that was found, should it not answer."""
        self._last = self.pid() or self._last
        assert self._last is not None
        os.kill(self._last, number)

    async def kill(self) -> bool:
        """Kill -9; returns when it is gone, or at once when nobody listens: then False."""
        pid = self.pid()
        if pid is None:
            return False
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            if not _works_in(pid, self.store):
                return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            await trio.lowlevel.wait_readable(handle)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True


def _works_in(pid: int, directory: Path) -> bool:
    """Whether the process has this working directory, as every server that we start."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", directory)
    except OSError:
        return False


def last_append_only_file(store: Path) -> Path:
    """The file that a server appends to."""
    files = (store / "appendonlydir").glob("*.incr.aof")
    return max(files, key=lambda file: int(file.name.split(".")[-3]))
