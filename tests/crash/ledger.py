"""What a client sent, and what must therefore come out: the model of the crash tests.

Law: nothing here is shared with what it judges. A point counts once if its batch was acknowledged,
however often the batch was sent; sums are those of `math.fsum`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Facts(NamedTuple):
    """What one bucket must say, to the last bit."""

    amount: int
    sum: float
    min: float
    max: float


Buckets = Mapping[int, Facts]
"""By start, in epoch seconds."""


@dataclass(eq=False, slots=True)
class Sent:
    """A batch and what became of it; columns of one length: stat, epoch milliseconds, value."""

    key: str
    stat: Ints
    at_ms: Ints
    value: Floats
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

    def expected(self, width_s: int) -> dict[int, dict[int, Facts]]:
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
        first = np.flatnonzero(np.append(True, (stat[1:] != stat[:-1]) | (start[1:] != start[:-1])))
        found: dict[int, dict[int, Facts]] = {}
        ends = np.append(first[1:], len(stat)).tolist()
        for low, high in zip(first.tolist(), ends, strict=True):
            values = value[low:high].tolist()
            facts = Facts(high - low, math.fsum(values), min(values), max(values))
            found.setdefault(int(stat[low]), {})[int(start[low])] = facts
        return found


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
        for start in sorted(expected.keys() | actual.keys()):
            self.buckets += 1
            want, got = expected.get(start), actual.get(start)
            if want != got:
                self._differs(f"{where} at {start}: {got}, must be {want}", want, got)

    def _differs(self, text: str, want: Facts | None, got: Facts | None) -> None:
        missing = (want.amount if want else 0) - (got.amount if got else 0)
        self.lost += max(missing, 0)
        self.doubled += max(-missing, 0)
        self.wrong += not missing
        if len(self.said) < 20:
            self.said.append(text)


def between(buckets: Buckets, from_s: int, to_s: int) -> Buckets:
    """The buckets that start in [from_s, to_s)."""
    return {start: facts for start, facts in buckets.items() if from_s <= start < to_s}


def facts_of(start: Sequence[int], *columns: Sequence[float]) -> Iterator[tuple[int, Facts]]:
    """Buckets from columns: start, count, sum, min, max; empty ones are left out."""
    for at, count, total, least, most in zip(start, *columns, strict=True):
        if count:
            yield at, Facts(int(count), float(total), float(least), float(most))
