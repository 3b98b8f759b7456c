"""A server to compare with: how it is started, and what its answers mean.

A peer that is not installed is left out, and its row says so. `bench/peers.sh` installs them.
"""

import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench.cores import APP
from bench.processes import listens, started, wait_until
from bench.words import Wording

NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that is ready: its port, its processes, and headers that each request needs."""

    port: int
    pids: tuple[int, ...]
    headers: Mapping[str, str] = field(default_factory=lambda: NONE)


Start = Callable[[Path], AbstractContextManager[Serving]]
"""Starts a server on the core of what is measured, in an empty directory."""


@contextmanager
def listening(words: Sequence[str], place: Path, port: int) -> Generator[Serving]:
    """Run a program that listens at `port`; ready once it takes connections there."""
    # Programs in Go take it for the number of their cores, which they would find out only later.
    with started(words, place, APP, {"GOMAXPROCS": str(len(APP))}) as process:
        wait_until(lambda: listens(port), process, place)
        yield Serving(port, (process.pid,))


@dataclass(frozen=True, slots=True)
class Peer:
    """A server; `program` is what must be there, `package` where it comes from."""

    name: str
    program: str
    package: str
    start: Start

    @property
    def installed(self) -> bool:
        """Whether it can be started here."""
        return shutil.which(self.program) is not None or Path(self.program).exists()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send points to a server: a row of a table.

    `acknowledged` says what an answer means; a `streamed` one has no answers, and no HTTP.
    `split`: the same with the store server free to use the other core. `handed_over`: past the
    fast lane.
    """

    name: str
    peer: Peer
    wording: Wording
    acknowledged: str
    split: Peer | None = None
    streamed: bool = False
    handed_over: bool = False
