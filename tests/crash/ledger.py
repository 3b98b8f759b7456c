"""What a client sent, and what must therefore come out: the model of the crash tests.

Law: nothing here is shared with what it judges. A point counts once if its batch was acknowledged,
however often the batch was sent; sums are those of `math.fsum`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SAID_MAX = 20
"""Differences that are told in words."""


class Facts(NamedTuple):
    """What one bucket must say, to the last bit."""

    amount: int
    sum: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Buckets:
    """The non-empty buckets of one stat as columns, sorted by start (epoch seconds)."""

    start: Ints
    amount: Ints
    sum: Floats
    min: Floats
    max: Floats

    def __len__(self) -> int:
        return len(self.start)

    def between(self, from_s: int, to_s: int) -> "Buckets":
        """Those that start in [from_s, to_s)."""
        return self.rows(slice(*np.searchsorted(self.start, (from_s, to_s)).tolist()))

    def rows(self, which: slice) -> "Buckets":
        """Some of the rows."""
        return Buckets(*(getattr(self, name)[which] for name in self.__slots__))

    def facts(self) -> dict[int, Facts]:
        """By start, to be looked at one by one."""
        columns = [getattr(self, name).tolist() for name in self.__slots__]
        return {start: Facts(*rest) for start, *rest in zip(*columns, strict=True)}

    def equals(self, other: "Buckets") -> bool:
        """Whether all columns are equal to the last bit."""
        names = self.__slots__
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)


NOTHING = Buckets(*(np.zeros(0, kind) for kind in (np.int64, np.int64, float, float, float)))


@dataclass(eq=False, slots=True)
class Sent:
    """A batch and what became of it; columns of one length: stat, epoch milliseconds, value.

    If `named`, each point has an id of its own. `again` are rows of earlier such batches that are
    sent along once more and must not count.
    """

    key: str
    stat: Ints
    at_ms: Ints
    value: Floats
    named: bool = False
    again: Sequence[tuple["Sent", int]] = ()
    acknowledged: bool = False
    tries: int = 0

    def __len__(self) -> int:
        return len(self.stat)


@dataclass(slots=True)
class Ledger:
    """Every batch, in the order in which they were first sent."""

    batches: list[Sent] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """Points in batches that were acknowledged."""
        return sum(len(batch) for batch in self.batches if batch.acknowledged)

    @property
    def unanswered(self) -> int:
        """Points in batches of which nobody knows."""
        return sum(len(batch) for batch in self.batches if not batch.acknowledged)

    def expected(self, width_s: int) -> dict[int, Buckets]:
        """By stat, the buckets of this width that the acknowledged points make."""
        kept = [batch for batch in self.batches if batch.acknowledged]
        if not kept:
            return {}
        stat = np.concatenate([batch.stat for batch in kept])
        second = np.concatenate([batch.at_ms for batch in kept]) // 1000
        start = second - second % width_s
        value = np.concatenate([batch.value for batch in kept])
        order = np.lexsort((start, stat))
        stat, start, value = stat[order], start[order], value[order]
        first = _group_starts(stat, start)
        amount = np.diff(np.append(first, len(stat)))
        least, most = np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)
        buckets = Buckets(start[first], amount, _sums(value, first, amount), least, most)
        owner = stat[first]
        low = _group_starts(owner)
        high = np.append(low[1:], len(owner))
        return {
            int(owner[begin]): buckets.rows(slice(begin, end))
            for begin, end in zip(low.tolist(), high.tolist(), strict=True)
        }


def _group_starts(*columns: Ints) -> Ints:
    """Where a new combination begins in sorted columns."""
    new = np.append(True, np.any([column[1:] != column[:-1] for column in columns], axis=0))
    return np.flatnonzero(new)


def _sums(value: Floats, first: Ints, amount: Ints) -> Floats:
    """The correctly rounded sums of groups of neighbours."""
    total = value[first]
    many = np.flatnonzero(amount > 1)
    for place, low, size in zip(
        many.tolist(), first[many].tolist(), amount[many].tolist(), strict=True
    ):
        total[place] = math.fsum(value[low : low + size].tolist())
    return total


@dataclass(slots=True)
class Difference:
    """How far what came out is from what must: in points, and in words for the first of them."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    buckets: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether every bucket was right."""
        return not (self.lost or self.doubled or self.wrong)

    def add(self, where: str, expected: Buckets, actual: Buckets) -> None:
        """Compare the buckets of one stat and tier."""
        self.buckets += len(expected)
        if expected.equals(actual):
            return
        wanted, got = expected.facts(), actual.facts()
        for start in sorted(wanted.keys() | got.keys()):
            if wanted.get(start) != got.get(start):
                self._differs(f"{where} at {start}", wanted.get(start), got.get(start))

    def _differs(self, where: str, want: Facts | None, got: Facts | None) -> None:
        missing = (want.amount if want else 0) - (got.amount if got else 0)
        self.lost += max(missing, 0)
        self.doubled += max(-missing, 0)
        self.wrong += not missing
        if len(self.said) < SAID_MAX:
            self.said.append(f"{where}: {got}, must be {want}")
