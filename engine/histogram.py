"""Histograms as columns: how values were spread in many buckets of many stats.

Pure. Base-2 exponential bins, 2**scale of them per doubling: the positive bin i holds the values
in (2**((i-1) / 2**scale), 2**(i / 2**scale)]. Bins of a coarser scale are unions of bins of a
finer one, so that merging and coarsening are exact, associative and do not depend on order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np

from engine.rollup import Flags, Floats, Ints, radix_order

Columns = tuple[Ints, Ints, Ints, Ints]

SCALE = 5
"""32 bins per doubling: a quantile is off by 1.1 % at most."""

SCALES = range(8)
"""The scales there are."""

_OCTAVES = 1075
# Every positive double is above 2**-1075: with this bias positive bins are >= 1 at any scale.

_MANTISSA = (1 << 52) - 1
_MAGNITUDE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Histograms:
    """Counts as columns of one length, sorted by (stat, start, bin); no triple occurs twice.

    `start` is in epoch seconds. `bin` is 0 for zero, positive for positive values and the same
    with a minus for negative ones, so that bins sort like the values in them.
    """

    scale: int
    stat: Ints
    start: Ints
    bin: Ints
    count: Ints

    def __len__(self) -> int:
        return len(self.stat)

    @classmethod
    def empty(cls, scale: int = SCALE) -> "Histograms":
        """Nothing counted."""
        none = np.zeros(0, np.int64)
        return cls(scale, none, none, none, none)

    def total(self) -> int:
        """How many values were counted."""
        return int(self.count.sum())

    def take(self, which: Ints | Flags | slice) -> "Histograms":
        """The rows that `which` (ascending indexes, flags or a slice) selects."""
        return replace(
            self,
            stat=self.stat[which],
            start=self.start[which],
            bin=self.bin[which],
            count=self.count[which],
        )

    def of_stat(self, stat: int) -> "Histograms":
        """The rows of one stat."""
        low, high = np.searchsorted(self.stat, (stat, stat + 1))
        return self.take(slice(int(low), int(high)))

    def between(self, from_s: int, to_s: int) -> "Histograms":
        """The rows whose start lies in [from_s, to_s)."""
        return self.take((self.start >= from_s) & (self.start < to_s))

    def within(self, from_s: int, to_s: int) -> "Histograms":
        """Likewise, of one stat: its rows are sorted by start, so that none is copied."""
        low, high = np.searchsorted(self.start, (from_s, to_s)).tolist()
        return self if (low, high) == (0, len(self)) else self.take(slice(low, high))

    def widened(self, width_s: int) -> "Histograms":
        """The same counts in buckets of `width_s` seconds."""
        return self.merged([self], width_s)

    def downscaled(self, scale: int) -> "Histograms":
        """The same counts in the bins of a coarser `scale`, exactly; ValueError for a finer one."""
        if scale == self.scale:
            return self
        bins = _coarser(self.bin, self.scale, scale)
        # Coarser bins keep the order of finer ones: equal ones are neighbours already.
        first = _group_starts(bins, self.start, self.stat)
        count = np.add.reduceat(self.count, first) if len(first) else self.count
        return Histograms(scale, self.stat[first], self.start[first], bins[first], count)

    @classmethod
    def merged(
        cls, parts: Sequence["Histograms"], width_s: int, scale: int | None = None
    ) -> "Histograms":
        """All counts of `parts` added up in buckets of `width_s` seconds.

        `scale` is the coarsest of the parts unless given; ValueError when a part is coarser.
        """
        rows = cls.joined(parts, scale)
        if not len(rows):
            return rows
        stat, slot, bins, count = _added_up(rows.stat, rows.start // width_s, rows.bin, rows.count)
        return cls(rows.scale, stat, slot * width_s, bins, count)

    @classmethod
    def joined(cls, parts: Sequence["Histograms"], scale: int | None = None) -> "Histograms":
        """The rows of `parts` one after another: as many as before, not sorted, not added up.

        `scale` is as for `merged`.
        """
        if scale is None:
            scale = min((part.scale for part in parts), default=SCALE)
        if not parts:
            return cls.empty(scale)
        return cls(
            scale,
            np.concatenate([part.stat for part in parts]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([_coarser(part.bin, part.scale, scale) for part in parts]),
            np.concatenate([part.count for part in parts]),
        )


def count_up(
    stat: Ints, at_ms: Ints, value: Floats, width_s: int = 60, scale: int = SCALE
) -> Histograms:
    """Count points (`at_ms` in epoch milliseconds) in buckets of `width_s` seconds."""
    if not len(stat):
        return Histograms.empty(scale)
    stat, slot, bins, count = _added_up(
        stat, at_ms // (1000 * width_s), bins_of(value, scale), None
    )
    return Histograms(scale, stat, slot * width_s, bins, count)


def bins_of(value: Floats, scale: int = SCALE) -> Ints:
    """The bin of each finite value."""
    signed: Ints = value.view(np.int64)
    bits = signed & _MAGNITUDE
    bins = _bins_of_normal(bits, scale)
    if bits.min(initial=_MAGNITUDE) <= _MANTISSA:
        bins *= bits != 0
        subnormal = np.flatnonzero((bits <= _MANTISSA) & (bits != 0))
        lifted = np.abs(value[subnormal]) * 2.0**64
        bins[subnormal] = _bins_of_normal(lifted.view(np.int64), scale) - (64 << scale)
    sign = signed >> 63
    bins ^= sign
    bins -= sign
    return bins


def bin_values(bins: Ints, scale: int) -> Floats:
    """The geometric middle of each bin: at most 2**(2**-scale / 2) times off for what is in it."""
    octaves = (np.abs(bins) - 0.5) / 2.0**scale - _OCTAVES
    return np.sign(bins) * np.exp2(octaves)


def bin_bounds(bins: Ints, scale: int) -> tuple[Floats, Floats]:
    """What lies in each bin: the least value and the greatest, of which zero is both at once."""
    inner, outer = np.abs(bins) - 1.0, np.abs(bins) + 0.0
    ends = np.sign(bins) * np.exp2(np.array([inner, outer]) / 2.0**scale - _OCTAVES)
    return ends.min(axis=0), ends.max(axis=0)


def quantiles(histograms: Histograms, qs: Sequence[float]) -> tuple[Ints, Floats]:
    """The starts of one stat's buckets, and for each of them (rows) the quantiles `qs` (columns).

    The quantile q of n values is the one of rank ceil(q * n), at least 1, in ascending order.
    """
    first = _group_starts(histograms.start)
    if not len(first):
        return histograms.start, np.zeros((0, len(qs)))
    reached = np.cumsum(histograms.count)
    size = np.add.reduceat(histograms.count, first)
    before = reached[first] - histograms.count[first]
    # 0.07 * 100 is a little above 7 in doubles, but means the seventh.
    rank = np.ceil(np.outer(size, np.asarray(qs)) * (1 - 2.0**-50)).astype(np.int64)
    rank = np.clip(rank, 1, size[:, None])
    row = np.searchsorted(reached, (before[:, None] + rank).ravel())
    values = bin_values(histograms.bin[row], histograms.scale)
    return histograms.start[first], values.reshape(len(first), len(qs))


def _bins_of_normal(bits: Ints, scale: int) -> Ints:
    """Bins of positive doubles of at least 2**-1022, given as bits."""
    mantissa = bits & _MANTISSA
    passed: Ints = _STEPS[scale][mantissa >> 51 - scale]
    passed += mantissa
    passed >>= 52
    bins: Ints = bits >> 52
    bins += _OCTAVES - 1023
    bins <<= scale
    bins += passed
    return bins


def _steps(scale: int) -> Ints:
    """For each cell of mantissas, what to add so that the carries count the bounds passed.

    Cells are half as wide as the narrowest bin or less, so that at most one bound lies in each.
    """
    bounds = [0]
    for octave_part in range(1, 1 << scale):
        root = 1 << octave_part + (52 << scale)
        for _ in range(scale):
            root = isqrt(root)
        bounds.append(root & _MANTISSA)
    cells = np.arange(2 << scale) << 51 - scale
    passed = np.searchsorted(bounds, cells)
    following = np.append(bounds, 1 << 52)[passed]
    return np.asarray((passed << 52) + (_MANTISSA - following), np.int64)


_STEPS = [_steps(scale) for scale in SCALES]


def _coarser(bins: Ints, fine: int, scale: int) -> Ints:
    """`bins` of scale `fine` in those of `scale`."""
    if scale > fine:
        raise ValueError(f"bins of scale {fine} cannot be split into those of scale {scale}")
    if scale == fine:
        return bins
    return np.asarray(np.sign(bins) * -(-np.abs(bins) >> fine - scale))


def _added_up(stat: Ints, slot: Ints, bins: Ints, count: Ints | None) -> Columns:
    """Sort by (stat, slot, bin) and add up the counts (None: one each) of equal triples."""
    order, first = _groups(stat, slot, bins)
    if count is None:
        size = np.diff(first, append=len(order))
    else:
        size = np.add.reduceat(count[order], first)
    row = order[first]
    return stat[row], slot[row], bins[row], size


def _groups(*columns: Ints) -> tuple[Ints, Ints]:
    """Indexes that sort by `columns`, first the most significant, and where groups begin there."""
    key, limit = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        low = int(column.min())
        span = int(column.max()) - low + 1
        limit *= span
        if limit > _MAGNITUDE:
            order = np.lexsort(columns[::-1])
            return order, _group_starts(*(column[order] for column in columns))
        if span > 1:
            key *= span
            key += column - low
    order = radix_order(key, limit)
    return order, _group_starts(key[order])


def _group_starts(*columns: Ints) -> Ints:
    """Indexes at which a new combination begins in sorted columns."""
    new = np.zeros(len(columns[0]), np.bool_)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)
