"""A log that the directory's tests can make refuse, forget to answer, wait, and be read again."""

from collections import deque
from collections.abc import Mapping
from enum import Enum

import trio

from engine.clock import TrioClock
from engine.intake import NotAccepted, OutcomeUnknown
from engine.points import Batch, Command, Receipt
from engine.position import Position
from engine.stats import Kind, Stat
from storage.directory import Directory
from storage.memory import MemoryStore

ACCOUNT = 1
T0_MS = 1_795_302_000_000


class Lost(Enum):
    """An answer that does not come: was the batch stored?"""

    STORED = "stored"
    UNSTORED = "not stored"


class Log:
    """What a node's `submit` does to commands; `failures` are met one after another."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, tuple[Command, ...]]] = []
        self.failures: deque[NotAccepted | Lost] = deque()
        self.gate: trio.Event | None = None

    async def submit(self, partition: int, batch: Batch) -> Receipt:
        if self.gate is not None:
            await self.gate.wait()
        await trio.lowlevel.checkpoint()
        failure = self.failures.popleft() if self.failures else None
        if isinstance(failure, NotAccepted):
            raise failure
        if failure is not Lost.UNSTORED:
            self.entries.append((partition, batch.commands))
        if failure is not None:
            raise OutcomeUnknown("no answer")
        return Receipt(Position(T0_MS, len(self.entries)), ())

    @property
    def commands(self) -> list[Command]:
        """All commands in log order."""
        return [command for _, commands in self.entries for command in commands]


def opened(log: Log, store: MemoryStore | None = None, spread: int = 1) -> Directory:
    """A directory that takes changes, still without stats."""
    directory = Directory(store or MemoryStore(16), TrioClock(T0_MS), lambda account: spread)
    directory.open(log.submit)
    return directory


def read_again(log: Log, spread: int = 1) -> Directory:
    """The directory as a start after a crash would make it of the log."""
    directory = opened(log, spread=spread)
    for command in log.commands:
        directory.apply(command)
    return directory


async def registered(directory: Directory, *names: str, kind: Kind = Kind.COUNTER) -> list[Stat]:
    """Stats with these names."""
    await directory.register(ACCOUNT, dict.fromkeys(names, kind))
    return [directory.names(ACCOUNT)[name] for name in names]


def ids(names: Mapping[str, Stat]) -> dict[str, int]:
    """The names with the ids behind them."""
    return {name: stat.id for name, stat in names.items()}
