"""What the rest of the program sees of its store server.

One task writes it, the one that watches over the server; everybody else reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import trio

from storage.server.probe import Identity, Loading, redacted

Kind = Literal["embedded", "external"]
Progress = Callable[[Loading], None]


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """A look at the server at one moment.

    `loading` is set while it reads its data, `last_end` tells why it was last down, `torn_bytes`
    how much of an unfinished last write its loads cut off.
    """

    kind: Kind
    version: str
    run_id: str
    pid: int
    ready: bool
    durable: bool
    restarts: int
    loading: Loading | None
    last_end: str | None
    torn_bytes: int
    memory_limit: int
    disk_free: int | None


class Server:
    """The store server that this program uses.

    `url` is what the store's client connects to, `unix_socket` the same as a path when it is one.
    `data` and `log` are the embedded server's directory and log file, None for an external one.
    """

    def __init__(
        self,
        kind: Kind,
        url: str,
        identity: Identity,
        *,
        durable: bool,
        unix_socket: Path | None = None,
        log: Path | None = None,
        disk_free: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.kind: Kind = kind
        self.url = url
        self.unix_socket = unix_socket
        self.data = None if log is None else log.parent
        self.log = log
        self.durable = durable
        self.restarts = 0
        self.torn_bytes = 0
        self.disk_free = disk_free
        self._identity = identity
        self._ready = trio.Event()
        self._ready.set()
        self._loading: Loading | None = None
        self._last_end: str | None = None

    def __repr__(self) -> str:
        state = "ready" if self.is_ready else "down"
        return f"<Server {self.kind} {self.version} at {redacted(self.url)}: {state}>"

    @property
    def version(self) -> str:
        """Its version by its own count, Valkey's or Redis'."""
        return self._identity.version

    @property
    def run_id(self) -> str:
        """Another one after each start of the server."""
        return self._identity.run_id

    @property
    def pid(self) -> int:
        """Its process, on its own machine."""
        return self._identity.pid

    @property
    def memory_limit(self) -> int:
        """Bytes it may use for data; 0 when that is not known."""
        return self._identity.memory_limit

    @property
    def is_ready(self) -> bool:
        """Whether it answered when it was last seen."""
        return self._ready.is_set()

    async def wait_ready(self) -> None:
        """Wait while the server is down or loads its data."""
        await self._ready.wait()

    def statistics(self) -> ServerStatistics:
        """Everything that health checks and metrics want to know."""
        return ServerStatistics(
            kind=self.kind,
            version=self.version,
            run_id=self.run_id,
            pid=self.pid,
            ready=self.is_ready,
            durable=self.durable,
            restarts=self.restarts,
            loading=self._loading,
            last_end=self._last_end,
            torn_bytes=self.torn_bytes,
            memory_limit=self.memory_limit,
            disk_free=self.disk_free(),
        )

    # Only for the task that watches over the server:

    def went_down(self, how: str) -> None:
        """It ended or stopped to answer."""
        self._last_end = how
        if self.is_ready:
            self._ready = trio.Event()

    def is_loading(self, loading: Loading) -> None:
        """It is back, but reads its data."""
        self._loading = loading

    def came_up(self, identity: Identity) -> None:
        """It answers; another run id than before makes that a restart."""
        if identity.run_id != self._identity.run_id:
            self.restarts += 1
        self._identity = identity
        self._loading = None
        self._ready.set()
