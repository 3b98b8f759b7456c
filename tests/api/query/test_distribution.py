"""Values by time and by size: nothing is lost, whatever the range of values."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.query.distribution import BINS_AIM, Distribution, by_bucket, distribution
from engine.histogram import Histograms, count_up

EDGES = np.array([0, 60, 120, 180], np.int64)

VALUES = st.one_of(
    st.floats(-1e100, 1e100), st.integers(-1000, 1000).map(float), st.sampled_from([0.0, 1.0, 0.5])
)
POINTS = st.lists(st.tuples(st.integers(-60, 239), VALUES), max_size=60)


def histograms(points: list[tuple[int, float]]) -> Histograms:
    at_ms = np.array([1000 * at for at, _ in points], np.int64)
    values = np.array([value + 0.0 for _, value in points])
    return count_up(np.full(len(points), 7), at_ms, values)


def spread(parts: list[Histograms]) -> Distribution:
    """Of all of them together."""
    return distribution(3, Histograms.merged([by_bucket(EDGES, one, 60) for one in parts], 1))


@given(POINTS, POINTS)
def test_every_value_is_in_the_bin_and_the_bucket_that_hold_it(
    points: list[tuple[int, float]], more: list[tuple[int, float]]
) -> None:
    found = spread([histograms(points), histograms(more)])
    inside = [(at // 60, value) for at, value in (*points, *more) if 0 <= at < 180]
    assert found.total == len(inside)
    assert np.all(found.low <= found.high)
    assert np.all(found.high[:-1] - found.low[1:] <= 1e-12 * np.abs(found.low[1:]))
    expected: Counter[tuple[int, int]] = Counter()
    for bucket, value in inside:
        # A bound may be off by the last bits of its power.
        held = (found.low * (1 - np.sign(found.low) * 1e-12) <= value) & (
            value <= found.high * (1 + np.sign(found.high) * 1e-12)
        )
        column = [at for at in np.flatnonzero(held).tolist() if found.counts[bucket, at]]
        assert column
        expected[bucket, column[0]] += 1
    assert [found.counts[row].sum() for row in range(3)] == [
        sum(bucket == row for bucket, _ in inside) for row in range(3)
    ]


def test_few_values_keep_fine_bins_and_many_get_wide_ones() -> None:
    fine = spread([histograms([(1, 100.0), (2, 101.0), (61, 150.0)])])
    assert len(fine.low) <= BINS_AIM
    assert fine.high[0] / fine.low[0] < 1.03
    wide = spread([histograms([(1, 2.0**power) for power in range(40)])])
    assert len(wide.low) == 40
    assert wide.counts[0].tolist() == [1] * 40
    assert wide.high[0] == 2 * wide.low[0]


def test_nothing_has_no_bins() -> None:
    found = spread([])
    assert found.counts.shape == (3, 0)
    assert found.total == 0
