"""Histograms as columns: how values were spread in many buckets of many stats.

Pure. Base-2 exponential bins, 2**scale of them per doubling: the positive bin i holds the values
in (2**((i-1) / 2**scale), 2**(i / 2**scale)]. Bins of a coarser scale are unions of bins of a
finer one, so that merging and coarsening are exact, associative and do not depend on order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.rollup import Flags, Floats, Ints

SCALE = 5
"""32 bins per doubling: a quantile is off by 1.1 % at most."""

_OCTAVES = 1075
# Every positive double is above 2**-1075: with this bias positive bins are >= 1 at any scale.

_MANTISSA = np.int64((1 << 52) - 1)
_MAGNITUDE = np.int64((1 << 63) - 1)


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
    def empty(cls, scale: int = SCALE) -> Self:
        """Nothing counted."""
        none = np.zeros(0, np.int64)
        return cls(scale, none, none, none, none)

    def total(self) -> int:
        """How many values were counted."""
        return int(self.count.sum())

    def take(self, which: Ints | Flags | slice) -> Self:
        """The rows that `which` (ascending indexes, flags or a slice) selects."""
        return type(self)(
            self.scale, self.stat[which], self.start[which], self.bin[which], self.count[which]
        )

    def of_stat(self, stat: int) -> Self:
        """The rows of one stat."""
        low, high = np.searchsorted(self.stat, (stat, stat + 1))
        return self.take(slice(int(low), int(high)))

    def between(self, from_s: int, to_s: int) -> Self:
        """The rows whose start lies in [from_s, to_s)."""
        return self.take((self.start >= from_s) & (self.start < to_s))

    def widened(self, width_s: int) -> Self:
        """The same counts in buckets of `width_s` seconds."""
        return self.merged([self], width_s)

    def downscaled(self, scale: int) -> Self:
        """The same counts in the bins of a coarser `scale`, exactly; ValueError for a finer one."""
        if scale == self.scale:
            return self
        bins = _coarser(self.bin, self.scale, scale)
        return type(self)(scale, *_added_up(self.stat, self.start, bins, self.count))

    @classmethod
    def merged(cls, parts: Sequence[Self], width_s: int, scale: int | None = None) -> Self:
        """All counts of `parts` added up in buckets of `width_s` seconds.

        `scale` is the coarsest of the parts unless given; ValueError when a part is coarser.
        """
        if scale is None:
            scale = min((part.scale for part in parts), default=SCALE)
        stat, start, bins, count = (
            np.concatenate(columns)
            for columns in zip(
                *((p.stat, p.start, _coarser(p.bin, p.scale, scale), p.count) for p in parts),
                strict=True,
            )
        ) if parts else (np.zeros(0, np.int64) for _ in range(4))  # fmt: skip
        return cls(scale, *_added_up(stat, start - start % width_s, bins, count))


def count_up(
    stat: Ints, at_ms: Ints, value: Floats, width_s: int = 60, scale: int = SCALE
) -> Histograms:
    """Count points (`at_ms` in epoch milliseconds) in buckets of `width_s` seconds."""
    slot = at_ms // (1000 * width_s)
    ones = np.ones(len(stat), np.int64)
    return Histograms(scale, *_added_up(stat, slot * width_s, bins_of(value, scale), ones))


def bins_of(value: Floats, scale: int = SCALE) -> Ints:
    """The bin of each finite value."""
    bits = value.view(np.int64) & _MAGNITUDE
    tiny = bits <= _MANTISSA
    bins = _bins_of_normal(bits, scale)
    if tiny.any():  # zeros, and numbers whose first binary digit is not the implied one
        lifted = np.abs(value[tiny]) * 2.0**64
        small = _bins_of_normal(lifted.view(np.int64), scale) - (64 << scale)
        bins[tiny] = np.where(lifted == 0, 0, small)
    return np.where(value < 0, -bins, bins)


def bin_values(bins: Ints, scale: int) -> Floats:
    """The geometric middle of each bin: at most 2**(2**-scale / 2) times off for what is in it."""
    octaves = (np.abs(bins) - 0.5) / 2.0**scale - _OCTAVES
    return np.sign(bins) * np.exp2(octaves)


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
    """Bins of positive doubles given as bits, all but those below 2**-1022."""
    step = _STEPS[scale]
    mantissa = bits & _MANTISSA
    cell = mantissa >> (51 - scale)
    inside = (mantissa + step[cell]) >> 52
    return ((bits >> 52) + (_OCTAVES - 1023) << scale) + inside


def _steps(scale: int) -> Ints:
    """For each cell of mantissas, what to add so that the carries count the bounds passed.

    Cells are half as wide as the narrowest bin, so that at most one bound lies in each.
    """
    bounds = [1 << 52]
    for bound in range(1, 1 << scale):
        root = 1 << bound + (52 << scale)
        for _ in range(scale):
            root = isqrt(root)
        bounds.append(root)
    below = [bound - (1 << 52) for bound in bounds]
    width = 1 << 51 - scale
    steps = []
    for cell in range(2 << scale):
        passed = sum(bound < cell * width for bound in below)
        bound = below[passed] if passed < len(below) else 1 << 52
        steps.append((passed << 52) + (1 << 52) - 1 - bound)
    return np.array(steps, np.int64)


_STEPS = [_steps(scale) for scale in range(8)]


def _coarser(bins: Ints, fine: int, scale: int) -> Ints:
    """`bins` of scale `fine` in those of `scale`."""
    if scale > fine:
        raise ValueError(f"bins of scale {fine} cannot be split into those of scale {scale}")
    if scale == fine:
        return bins
    return np.sign(bins) * -(-np.abs(bins) >> fine - scale)


def _group_starts(*columns: NDArray[np.int64]) -> Ints:
    """Indexes at which a new combination begins in sorted columns."""
    new = np.zeros(len(columns[0]), np.bool_)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _added_up(stat: Ints, start: Ints, bins: Ints, count: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Sort by (stat, start, bin) and add up the counts of equal triples."""
    order = np.lexsort((bins, start, stat))
    stat, start, bins, count = stat[order], start[order], bins[order], count[order]
    first = _group_starts(stat, start, bins)
    if len(first):
        count = np.add.reduceat(count, first)
    return stat[first], start[first], bins[first], count
