"""What must come out: a model of buckets in plain Python, to hold the columns against.

Law: nothing here is shared with what it judges; a bucket is the list of its points in log order.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import starmap

import numpy as np
from hypothesis import strategies as st

from engine.histogram import Histograms, bins_of
from engine.points import Points
from engine.rollup import Rollups, roll_up

Point = tuple[int, int, float]
"""Stat, epoch milliseconds, value."""

BEGUN_S = 1_800_000_000
"""The moment that tests are about, in epoch seconds: a whole hour, but no whole day."""

BEGUN_MS = BEGUN_S * 1000

# Of few binary digits, or far fewer than 80 between the biggest and the smallest: sums are exact.
VALUES = st.one_of(
    st.integers(-1_000_000, 1_000_000).map(float),
    st.floats(0.5, 1000),
    st.floats(-1000, -0.5),
    st.sampled_from([0.0, 0.1, -0.1, 1e6 / 3]),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a bucket says and that must be exactly so."""

    count: int
    sum: float
    min: float
    max: float
    first_ms: int
    first: float
    last_ms: int
    last: float

    @property
    def exact(self) -> tuple[int, float, float, float]:
        """What no order of the points can change."""
        return self.count, self.sum, self.min, self.max


def facts(points: Iterable[Point]) -> Facts:
    """What a bucket of these points, in log order, must say."""
    rows = [(at_ms, place, value) for place, (_, at_ms, value) in enumerate(points)]
    values = [value for _, _, value in rows]
    first, last = min(rows), max(rows)
    return Facts(
        len(rows), math.fsum(values), min(values), max(values),
        first[0], first[2], last[0], last[2],
    )  # fmt: skip


def buckets(points: Iterable[Point], width_s: int) -> dict[tuple[int, int], list[Point]]:
    """The points of each (stat, bucket start), in log order."""
    found: dict[tuple[int, int], list[Point]] = {}
    for point in points:
        start = point[1] // 1000 // width_s * width_s
        found.setdefault((point[0], start), []).append(point)
    return found


def expected(points: Iterable[Point], width_s: int) -> dict[tuple[int, int], Facts]:
    """What each (stat, bucket start) must say."""
    return {key: facts(bucket) for key, bucket in buckets(points, width_s).items()}


def told(rollups: Rollups) -> dict[tuple[int, int], Facts]:
    """What each (stat, bucket start) says; no bucket may stand there twice, or out of order."""
    keys = list(zip(rollups.stat.tolist(), rollups.start.tolist(), strict=True))
    assert keys == sorted(set(keys))
    return dict(zip(keys, _rows(rollups), strict=True))


def told_of(rollups: Rollups) -> dict[int, Facts]:
    """What each bucket of one stat says."""
    return {start: row for (_, start), row in told(rollups).items()}


def expected_of(points: Iterable[Point], stat: int, width_s: int) -> dict[int, Facts]:
    """What each bucket of one stat must say."""
    mine = [point for point in points if point[0] == stat]
    return {start: row for (_, start), row in expected(mine, width_s).items()}


def counted(histograms: Histograms) -> dict[tuple[int, int, int], int]:
    """The count of each (stat, bucket start, bin)."""
    columns = (histograms.stat, histograms.start, histograms.bin)
    keys = list(zip(*(column.tolist() for column in columns), strict=True))
    assert keys == sorted(set(keys))
    return dict(zip(keys, histograms.count.tolist(), strict=True))


def expected_counts(
    points: Iterable[Point], width_s: int, scale: int
) -> dict[tuple[int, int, int], int]:
    """How many values each (stat, bucket start, bin) must have."""
    found: dict[tuple[int, int, int], int] = {}
    for (stat, start), bucket in buckets(points, width_s).items():
        for _, _, value in bucket:
            key = stat, start, int(bins_of(np.array([value]), scale)[0])
            found[key] = found.get(key, 0) + 1
    return found


def columns(points: Iterable[Point]) -> Points:
    """The points as the engine takes them."""
    rows = list(points)
    return Points.of([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def rolled(points: Iterable[Point], width_s: int = 1) -> Rollups:
    """The points rolled up in one go."""
    made = columns(points)
    return roll_up(made.stat, made.at_ms, made.value, width_s)


def _rows(rollups: Rollups) -> Iterator[Facts]:
    names = [field.name for field in fields(Facts)]
    rows = zip(*(getattr(rollups, name).tolist() for name in names), strict=True)
    return starmap(Facts, rows)
