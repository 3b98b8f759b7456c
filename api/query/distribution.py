"""How values were spread in each bucket of an answer: counts by time and by size. Pure.

Bins are as fine as they are kept where that makes no more of them than people can tell apart, else
two, four … of them are one.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.histogram import Histograms, bin_bounds
from engine.rollup import Floats, Ints

BINS_AIM: Final = 48
"""Bins are made wider until there are no more, or each is as wide as what it begins with."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """`counts` has a row for each bucket and a column for each bin, from `low` to `high`.

    Bins follow each other from the least to the greatest value without a gap between those of one
    sign. There are none without values.
    """

    low: Floats
    high: Floats
    counts: Ints

    @property
    def total(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())


def by_bucket(edges: Ints, part: Histograms, width_s: int) -> Histograms:
    """The values of one stat between `edges` (epoch s); their `start` is the index of the bucket.

    `width_s` is the width of the rows of `part`; each goes whole to the bucket that holds its
    middle.
    """
    bucket = np.searchsorted(edges, part.start + width_s // 2, side="right") - 1
    inside = (bucket >= 0) & (bucket < len(edges) - 1)
    kept = part.take(inside)
    rows = replace(kept, stat=np.zeros(len(kept), np.int64), start=bucket[inside])
    return Histograms.merged([rows], 1)


def distribution(buckets: int, rows: Histograms) -> Distribution:
    """The distribution of rows by bucket, of which there are so many."""
    while rows.scale and len(_ladder(rows.bin)) > BINS_AIM:
        rows = rows.downscaled(rows.scale - 1)
    bins = _ladder(rows.bin)
    counts = np.zeros((buckets, len(bins)), np.int64)
    counts[rows.start, np.searchsorted(bins, rows.bin)] = rows.count
    low, high = bin_bounds(bins, rows.scale)
    return Distribution(low, high, counts)


def _ladder(bins: Ints) -> Ints:
    """The bins from the first to the last of each sign, sorted."""
    sides = [bins[bins < 0], bins[bins == 0], bins[bins > 0]]
    steps = [np.arange(side.min(), side.max() + 1) for side in sides if len(side)]
    return np.concatenate(steps) if steps else np.zeros(0, np.int64)
