"""Rollups as columns: what happened in many buckets of many stats.

Pure. One row is one bucket of one stat. Rows only ever add up, so parts may be cut, stored and
merged in any grouping. Sums are kept as an unevaluated pair `sum + rest` and merged without
rounding (error-free transformations: Dekker 1971, Knuth's TwoSum; splitting on a common grid:
Rump, Ogita, Oishi 2008, "Accurate floating-point summation"), so that `sum` is the correctly
rounded sum of the points whatever their order, as long as the values of one bucket span fewer than
some 80 binary digits. Squared deviations are merged after Chan, Golub, LeVeque 1979.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

EXACT_INTEGER = 2.0**53
"""Whole numbers below this add up exactly in a double."""

PACKED_ROWS = 1_000
"""Below this many rows packing costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Rollups:
    """Buckets as columns of one length, sorted by (stat, start).

    `start` is in epoch seconds, `first_ms` and `last_ms` in epoch milliseconds; `squares` is the
    sum of squared deviations from the mean; `rest` is what `sum` lost by rounding.
    """

    stat: Ints
    start: Ints
    count: Ints
    sum: Floats
    rest: Floats
    squares: Floats
    min: Floats
    max: Floats
    first_ms: Ints
    first: Floats
    last_ms: Ints
    last: Floats

    def __len__(self) -> int:
        return len(self.stat)

    @classmethod
    def empty(cls) -> "Rollups":
        """No buckets."""
        ints, floats = np.zeros(0, np.int64), np.zeros(0)
        return cls(
            ints, ints, ints, floats, floats, floats, floats, floats, ints, floats, ints, floats
        )

    def take(self, which: Ints | Flags | slice) -> "Rollups":
        """The rows that `which` (indexes, flags or a slice) selects, in that order."""
        # Spelled out, because every question does this for every frame: twice as fast as a loop.
        return Rollups(
            self.stat[which], self.start[which], self.count[which], self.sum[which],
            self.rest[which], self.squares[which], self.min[which], self.max[which],
            self.first_ms[which], self.first[which], self.last_ms[which], self.last[which],
        )  # fmt: skip

    def of_stat(self, stat: int) -> "Rollups":
        """The rows of one stat."""
        low, high = np.searchsorted(self.stat, (stat, stat + 1))
        return self.take(slice(int(low), int(high)))

    def between(self, from_s: int, to_s: int) -> "Rollups":
        """The rows whose start lies in [from_s, to_s)."""
        return self.take((self.start >= from_s) & (self.start < to_s))

    def within(self, from_s: int, to_s: int) -> "Rollups":
        """Likewise, of one stat: its rows are sorted by start, so that none is copied."""
        low, high = np.searchsorted(self.start, (from_s, to_s)).tolist()
        return self if (low, high) == (0, len(self)) else self.take(slice(low, high))

    def widened(self, width_s: int) -> "Rollups":
        """The same points in buckets of `width_s` seconds; the rows must be sorted."""
        return _grouped(replace(self, start=self.start - self.start % width_s))

    @classmethod
    def merged(cls, parts: Sequence["Rollups"], width_s: int) -> "Rollups":
        """All rows of `parts`, in any order, added up in buckets of `width_s` seconds.

        Of two rows that name the same first or last time, the earlier part owns the first value
        and the later part the last value.
        """
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        rows = parts[0] if len(parts) == 1 else cls.joined(parts)
        rows = replace(rows, start=rows.start - rows.start % width_s)
        return _grouped(rows.take(order_of(rows.stat, rows.start)))

    @classmethod
    def joined(cls, parts: Sequence["Rollups"]) -> "Rollups":
        """The rows of `parts` one after another; sorted only if the parts follow each other."""
        return cls(
            *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls))
        )


def roll_up(stat: Ints, at_ms: Ints, value: Floats, width_s: int) -> Rollups:
    """Roll points up into buckets of `width_s` seconds.

    `stat`, `at_ms` (epoch milliseconds) and `value` are columns of one length in log order; among
    points of one millisecond the log order decides which is first and which is last.
    """
    if not len(stat):
        return Rollups.empty()
    order = order_of(stat, at_ms)
    stat, at_ms, value = stat[order], at_ms[order], value[order]
    seconds = at_ms // 1000
    start = seconds - seconds % width_s
    first = _group_starts(stat, start)
    last = np.append(first[1:], len(stat)) - 1
    count = last - first + 1
    total, rest = exact_sums(value, first, count)
    mean = (total + rest) / count
    squares = np.add.reduceat((value - np.repeat(mean, count)) ** 2, first)
    return Rollups(
        stat[first], start[first], count, total, rest, squares,
        np.minimum.reduceat(value, first), np.maximum.reduceat(value, first),
        at_ms[first], value[first], at_ms[last], value[last],
    )  # fmt: skip


def exact_sums(value: Floats, first: Ints, count: Ints) -> tuple[Floats, Floats]:
    """Sums of the groups that begin at `first` and have `count` members, as pairs (sum, rest)."""
    total = np.add.reduceat(value, first)
    if len(first) == len(value):
        return total, np.zeros(len(first))
    largest = float(np.abs(value).max())
    if largest * len(value) < EXACT_INTEGER and (value == np.rint(value)).all():
        return total, np.zeros(len(first))
    # High parts are whole multiples of a grid so coarse that a group of them adds up exactly.
    bound = np.maximum.reduceat(np.abs(value), first) * count
    shift = np.repeat(np.ldexp(1.5, np.frexp(bound)[1]), count)
    high = (value + shift) - shift
    low = np.add.reduceat(value - high, first)
    return two_sum(np.add.reduceat(high, first), low)


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The rounded sum of `a` and `b`, and exactly what the rounding lost."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def order_of(major: Ints, minor: Ints) -> Ints:
    """The stable order of rows by two columns of numbers ≥ 0.

    Where both fit, the column values are packed into one integer: sorting those is six times as
    fast as np.lexsort (8,192 rows).
    """
    if len(major) < PACKED_ROWS:
        return np.lexsort((minor, major))
    repeated = _order_of_repeated(major, minor)
    if repeated is not None:
        return repeated
    least = int(minor.min())
    minor_bits = (int(minor.max()) - least).bit_length()
    bits = int(major.max()).bit_length() + minor_bits
    if bits > 63:
        return np.lexsort((minor, major))
    return radix_order(major << minor_bits | (minor - least), 1 << bits)


def radix_order(key: Ints, limit: int) -> Ints:
    """Indexes that sort keys in [0, limit): numpy sorts 16 bits five times as fast as 64."""
    order = np.argsort(key.astype(np.uint16), kind="stable")
    shift = 16
    while limit > 1 << shift:
        digit = (key[order] >> shift).astype(np.uint16)
        order = order[np.argsort(digit, kind="stable")]
        shift += 16
    return order


def _order_of_repeated(major: Ints, minor: Ints) -> Ints | None:
    """The order when the same distinct numbers come several times, each time of one minor.

    So it is when programs send all their stats again and again: nothing but the numbers of one time
    must be sorted. None when it is not so.
    """
    period = int((major[1:] == major[0]).argmax()) + 1
    if len(major) % period or (major[period:] != major[:-period]).any():
        return None
    minors = minor.reshape(-1, period)
    if (minors != minors[:, :1]).any():
        return None
    once = major[:period].argsort()
    ranked = major[once]
    if (ranked[1:] == ranked[:-1]).any():
        return None
    times = minors[:, 0].argsort(kind="stable")
    order: Ints = (once[:, None] + period * times).ravel()
    return order


def _grouped(rows: Rollups) -> Rollups:
    """Add up neighbours of the same (stat, start)."""
    if not len(rows):
        return rows
    first = _group_starts(rows.stat, rows.start)
    return rows if len(first) == len(rows) else _added_up(rows, first)


def _group_starts(stat: Ints, start: Ints) -> Ints:
    """Indexes at which a new (stat, start) begins in sorted columns."""
    new = np.empty(len(stat), np.bool_)
    new[0] = True
    np.not_equal(stat[1:], stat[:-1], out=new[1:])
    new[1:] |= start[1:] != start[:-1]
    return np.flatnonzero(new)


def _added_up(rows: Rollups, first: Ints) -> Rollups:
    """Merge each run of rows that begins at an index of `first` into one row."""
    size = np.diff(np.append(first, len(rows)))
    count = np.add.reduceat(rows.count, first)
    total, rest = exact_sums(rows.sum, first, size)
    total, rest = two_sum(total, rest + np.add.reduceat(rows.rest, first))
    shift = (rows.sum + rows.rest) / rows.count - np.repeat((total + rest) / count, size)
    squares = np.add.reduceat(rows.squares + rows.count * shift * shift, first)
    first_ms = np.minimum.reduceat(rows.first_ms, first)
    last_ms = np.maximum.reduceat(rows.last_ms, first)
    # Among equal times the earliest row owns the first value, the latest row the last.
    oldest = np.flatnonzero(rows.first_ms == np.repeat(first_ms, size))
    newest = np.flatnonzero(rows.last_ms == np.repeat(last_ms, size))
    oldest = oldest[np.searchsorted(oldest, first)]
    newest = newest[np.searchsorted(newest, first + size) - 1]
    return Rollups(
        rows.stat[first], rows.start[first], count, total, rest, squares,
        np.minimum.reduceat(rows.min, first), np.maximum.reduceat(rows.max, first),
        first_ms, rows.first[oldest], last_ms, rows.last[newest],
    )  # fmt: skip
