"""Points as columns, and the batches in which they are appended to the log.

Pure. From the decoder on, no point is an object: a batch is four arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.position import Position
from engine.rollup import Flags, Floats, Ints

VALUE_LIMIT = 1e100
"""A value beyond this is refused, so that the squares of many still fit in a double."""

AHEAD_LIMIT_MS = 60_000
"""A point may be this far ahead of the server's clock."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one partition in log order: stat id, time in epoch ms, value."""

    stat: Ints
    at_ms: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.stat)

    @classmethod
    def of(cls, stat: Sequence[int], at_ms: Sequence[int], value: Sequence[float]) -> Self:
        """Points from plain sequences of one length."""
        return cls(
            np.asarray(stat, np.int64), np.asarray(at_ms, np.int64), np.asarray(value, np.float64)
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All points of `parts`, in order."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([p.stat for p in parts] or [np.zeros(0, np.int64)]),
            np.concatenate([p.at_ms for p in parts] or [np.zeros(0, np.int64)]),
            np.concatenate([p.value for p in parts] or [np.zeros(0)]),
        )

    def take(self, which: Flags | slice) -> Self:
        """The points that `which` selects."""
        return type(self)(self.stat[which], self.at_ms[which], self.value[which])


@dataclass(frozen=True, slots=True)
class Claim:
    """Says "rows [low, high) of the batch count only if nobody used `digest` before".

    `digest` is 16 bytes; `answer` (at most 64 KiB) is kept with it and returned to whoever claims
    the same digest again within the claim window. A claim whose rows all lie in those of a refused
    one before it in the batch is answered like that one, and its digest stays free.
    """

    digest: bytes
    answer: bytes
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Command:
    """A change that is applied in order with the points: `kind` names it, `body` carries it."""

    kind: str
    stat: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request appends to one partition, whole or not at all."""

    points: Points
    claims: tuple[Claim, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def size(self) -> int:
        """Weight in bytes for admission: what the batch will take in the log, about."""
        claims = sum(64 + len(claim.answer) for claim in self.claims)
        commands = sum(64 + len(command.body) for command in self.commands)
        return 24 * len(self.points) + claims + commands + 64


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a batch: where it stands in the log, and what each claim had to say.

    `claims[i]` is None when claim i was new, else the answer stored by its first user; the rows of
    such a claim were not counted (again).
    """

    position: Position
    claims: tuple[bytes | None, ...]
