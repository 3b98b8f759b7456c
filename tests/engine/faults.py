"""A store that misbehaves as it is told: every test of failures says what goes wrong, and when.

Law: a fault is what the ports allow, nothing worse: a step that fails was not done, unless its
reply was lost.
"""

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import TypeVar

import trio

from engine.ports import Appended, Checkpoint, Chunk, Group, Memory, StoreError, Unavailable
from storage.memory import MemoryStore

T = TypeVar("T")


class Killed(Exception):
    """The process that made the call is no more."""


class FaultyStore(MemoryStore):
    """A memory store that fails as told, and remembers what it was asked.

    `calls` names every step that was asked for; `groups`, `checkpoints` and `chunks_sent` hold what
    came with them, also when it failed. `killed_at` is the number of the call (from 0) at which the
    caller dies: before the step is done, or after it with `killed_after`. `slow_s` says how long a
    step takes to begin, `slow_reply_s` how long its reply is on the way.
    """

    def __init__(self, partitions: int = 1, limit: int = 2**30) -> None:
        super().__init__(partitions, limit)
        self.calls: list[str] = []
        self.groups: list[Group] = []
        self.checkpoints: list[Checkpoint] = []
        self.chunks_sent: list[Chunk] = []
        self.killed_at: int | None = None
        self.killed_after = False
        self.slow_s: dict[str, float] = {}
        self.slow_reply_s: dict[str, float] = {}
        self.disk_free: int | None = None
        self._before: dict[str, list[Exception | None]] = {}
        self._after: dict[str, list[Exception | None]] = {}
        self._failing: dict[int, StoreError | None] = {}
        self._lanes: dict[int, list[StoreError]] = {}

    def fail(self, name: str, *errors: Exception | None) -> None:
        """Let the next calls of a step raise these instead of doing it; None does it."""
        self._before.setdefault(name, []).extend(errors)

    def fail_at(self, number: int, error: StoreError | None) -> None:
        """Let the call of this number (from 0) fail, whatever it is; None loses its reply."""
        self._failing[number] = error

    def lose_reply(self, name: str, times: int = 1) -> None:
        """Let the next calls of a step be done, but nobody hear of it."""
        lost = Unavailable("the reply was lost")
        self._after.setdefault(name, []).extend([lost] * times)

    def fail_lane(self, partition: int, *errors: StoreError) -> None:
        """Let the next appends to one partition fail, and those beside them succeed."""
        self._lanes.setdefault(partition, []).extend(errors)

    def heal(self) -> None:
        """Do from now on what is asked."""
        for plan in (
            self._before,
            self._after,
            self._failing,
            self._lanes,
            self.slow_s,
            self.slow_reply_s,
        ):
            plan.clear()

    async def _step(self, step: Callable[[], T]) -> T:
        name = _method_of(step)
        number = len(self.calls)
        dies = number == self.killed_at
        self.calls.append(name)
        await trio.sleep(self.slow_s.get(name, 0))
        if dies and not self.killed_after:
            raise Killed(name)
        if (error := self._failing.get(number)) is not None:
            raise error
        _raise_next(self._before.get(name))
        answer = await super()._step(step)
        await trio.sleep(self.slow_reply_s.get(name, 0))
        if dies:
            raise Killed(name)
        if number in self._failing:
            raise Unavailable("the reply was lost")
        _raise_next(self._after.get(name))
        return answer

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        self.groups += groups
        try:
            return await super().append(groups)
        except StoreError as error:
            return [error] * len(groups)

    def _append(self, group: Group) -> Appended | StoreError:
        errors = self._lanes.get(group.partition)
        return errors.pop(0) if errors else super()._append(group)

    async def commit(self, checkpoint: Checkpoint) -> None:
        self.checkpoints.append(checkpoint)
        await super().commit(checkpoint)

    async def write_chunks(self, partition: int, epoch: int, chunks: Sequence[Chunk]) -> None:
        self.chunks_sent += chunks
        await super().write_chunks(partition, epoch, chunks)

    async def memory(self) -> Memory:
        memory = await super().memory()
        return Memory(memory.used, memory.limit, self.disk_free)


def _method_of(step: object) -> str:
    assert isinstance(step, FunctionType), "a step is a function inside its method"
    return step.__qualname__.split(".")[1]


def _raise_next(errors: list[Exception | None] | None) -> None:
    if errors and (error := errors.pop(0)) is not None:
        raise error
