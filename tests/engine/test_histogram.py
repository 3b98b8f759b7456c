"""Histograms: every value in its bin, every merge exact, every quantile within 1.1 %."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.histogram import SCALE, SCALES, Histograms, bin_values, bins_of, count_up, quantiles
from engine.rollup import Floats
from tests.engine.model import (
    BEGUN_MS,
    BEGUN_S,
    VALUES,
    Point,
    columns,
    counted,
    expected_counts,
)

TIMES = st.integers(-200_000, 200_000).map(lambda ms: BEGUN_MS + ms)
POINTS = st.lists(st.tuples(st.integers(1, 3), TIMES, VALUES), max_size=60)
PARTS = st.lists(POINTS, max_size=4)
POSITIVE = st.floats(1e-300, 1e100)
TINY = st.floats(5e-324, 1e-307)

OCTAVES = 1075
"""Bins of numbers up to 2**-1075, of which there are none."""


def counts(points: list[Point], width_s: int = 60, scale: int = SCALE) -> Histograms:
    made = columns(points)
    return count_up(made.stat, made.at_ms, made.value, width_s, scale)


def bin_of(value: float, scale: int = SCALE) -> int:
    return int(bins_of(np.array([value]), scale)[0])


@given(value=st.one_of(POSITIVE, TINY), scale=st.sampled_from(SCALES))
def test_a_value_lies_between_the_bounds_of_its_bin(value: float, scale: int) -> None:
    # The bounds are roots; raised to 2**scale, everything is a fraction and nothing is rounded.
    power = Fraction(value) ** (1 << scale)
    upper = bin_of(value, scale) - (OCTAVES << scale)
    assert Fraction(2) ** (upper - 1) < power <= Fraction(2) ** upper


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("octave", [-1074, -1022, -1021, -997, -1, 0, 1, 2, 52, 53, 332, 1023])
def test_a_power_of_two_ends_its_bin(octave: int, scale: int) -> None:
    power = math.ldexp(1.0, octave)
    assert bin_of(power, scale) == octave + OCTAVES << scale
    assert bin_of(math.nextafter(power, math.inf), scale) > bin_of(power, scale)


def test_zero_has_a_bin_of_its_own_whatever_its_sign() -> None:
    assert bins_of(np.array([0.0, -0.0, 5e-324, -5e-324])).tolist() == [0, 0, 32, -32]
    assert bin_values(np.array([0]), SCALE).tolist() == [0.0]


@given(values=st.lists(st.floats(-1e100, 1e100), max_size=20), scale=st.sampled_from(SCALES))
def test_bins_sort_like_values_and_mirror_them(values: list[float], scale: int) -> None:
    column = np.sort(np.array(values, np.float64))
    bins = bins_of(column, scale)
    assert (np.diff(bins) >= 0).all()
    assert (bins_of(-column, scale) == -bins).all()


@given(value=POSITIVE, scale=st.sampled_from(SCALES))
def test_the_value_of_a_bin_is_close_to_what_is_in_it(value: float, scale: int) -> None:
    middle = float(bin_values(np.array([bin_of(value, scale)]), scale)[0])
    assert abs(middle / value - 1) <= allowed(scale)


@given(points=POINTS, scale=st.sampled_from([3, 5]), width_s=st.sampled_from([10, 60, 86_400]))
def test_every_point_is_counted_once(points: list[Point], scale: int, width_s: int) -> None:
    histograms = counts(points, width_s, scale)
    assert counted(histograms) == expected_counts(points, width_s, scale)
    assert histograms.total() == len(points)


def test_ids_and_times_far_apart_are_counted_like_others() -> None:
    points = [(2**62, BEGUN_MS, 1.0), (1, 0, -1e100), (2**62, BEGUN_MS, 1.0), (5, -(2**40), 0.0)]
    assert counted(counts(points)) == expected_counts(points, 60, SCALE)


def test_many_stats_are_counted_like_few() -> None:
    points = [(n * 7919 % 100_003, BEGUN_MS + n, float(n % 13)) for n in range(3_000)]
    assert counted(counts(points)) == expected_counts(points, 60, SCALE)


@given(parts=PARTS, turn=st.integers(0, 3))
def test_merged_parts_are_the_histogram_of_all_in_any_order(
    parts: list[list[Point]], turn: int
) -> None:
    every = [point for part in parts for point in part]
    made = [counts(part) for part in parts[turn:] + parts[:turn]]
    assert counted(Histograms.merged(made, 60)) == counted(counts(every))
    assert counted(Histograms.merged(made, 3600)) == counted(counts(every, 3600))


@given(parts=st.tuples(POINTS, POINTS, POINTS), scales=st.tuples(*[st.sampled_from([0, 3, 5])] * 3))
def test_merging_is_associative_also_across_scales(
    parts: tuple[list[Point], ...], scales: tuple[int, ...]
) -> None:
    a, b, c = (counts(part, 60, scale) for part, scale in zip(parts, scales, strict=True))
    left = Histograms.merged([Histograms.merged([a, b], 60), c], 60)
    right = Histograms.merged([a, Histograms.merged([b, c], 60)], 60)
    assert left.scale == right.scale == min(scales)
    assert counted(left) == counted(right)


@given(points=POINTS, scale=st.integers(0, 5))
def test_coarser_bins_are_exact(points: list[Point], scale: int) -> None:
    coarse = counts(points).downscaled(scale)
    assert counted(coarse) == expected_counts(points, 60, scale)
    assert counted(Histograms.merged([counts(points)], 60, scale)) == counted(coarse)


def test_finer_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be split"):
        counts([(1, 0, 1.0)], 60, 3).downscaled(5)
    with pytest.raises(ValueError, match="cannot be split"):
        Histograms.merged([Histograms.empty(3)], 60, 5)


@given(points=POINTS)
def test_wider_buckets_and_parts_of_them(points: list[Point]) -> None:
    histograms = counts(points)
    assert counted(histograms.widened(3600)) == expected_counts(points, 3600, SCALE)
    of_two = expected_counts([p for p in points if p[0] == 2], 60, SCALE)
    assert counted(histograms.of_stat(2)) == of_two
    late = {key: n for key, n in counted(histograms).items() if key[1] >= BEGUN_S}
    assert counted(histograms.between(BEGUN_S, BEGUN_S + 86_400)) == late


def test_joined_rows_stay_apart() -> None:
    fine, coarse = counts([(1, 0, 3.0), (1, 0, 3.1)]), counts([(1, 0, 3.0)], 60, 0)
    joined = Histograms.joined([fine, coarse])
    assert (joined.scale, len(joined)) == (0, len(fine) + len(coarse))
    assert counted(Histograms.merged([joined], 60)) == {(1, 0, bin_of(3.0, 0)): 3}


def test_nothing_merges_to_nothing() -> None:
    assert len(Histograms.merged([], 60)) == len(Histograms.joined([])) == 0
    assert Histograms.merged([Histograms.empty(3)], 60).scale == 3
    assert len(Histograms.empty().downscaled(3)) == 0
    assert counts([]).total() == 0


def allowed(scale: int) -> float:
    return float(2 ** (2**-scale / 2)) - 1 + 1e-12


def ranked(values: Floats, q: float) -> float:
    """The value of rank ceil(q * n), by the book."""
    rank = math.ceil(Fraction(str(q)) * len(values))
    return float(np.sort(values)[max(rank, 1) - 1])


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "uniform": lambda r: r.uniform(0, 1, 20_000),
    "log-normal": lambda r: r.lognormal(3, 2, 20_000),
    "normal, both signs": lambda r: r.normal(0, 10, 20_000),
    "heavy tail": lambda r: -(r.pareto(0.5, 20_000)),
    "half of it zeros": lambda r: r.poisson(0.7, 20_000).astype(np.float64),
    "from tiny to huge": lambda r: 10.0 ** r.uniform(-300, 100, 20_000),
    "one value": lambda _: np.full(7, 42.0),
}
QS = (0.0, 0.001, 0.07, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


@pytest.mark.parametrize("scale", [3, 5])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_are_within_the_bound(name: str, scale: int) -> None:
    values = DISTRIBUTIONS[name](np.random.default_rng(1))
    every = np.ones(len(values), np.int64)
    starts, found = quantiles(count_up(every, every, values, 60, scale), QS)
    assert starts.tolist() == [0]
    for q, value in zip(QS, found[0].tolist(), strict=True):
        true = ranked(values, q)
        assert abs(value - true) <= abs(true) * allowed(scale), (q, true, value)


def test_scale_five_is_within_eleven_per_mille() -> None:
    assert allowed(SCALE) < 0.011


@given(points=st.lists(st.tuples(st.just(1), TIMES, VALUES), min_size=1, max_size=60))
def test_each_bucket_has_quantiles_of_its_own(points: list[Point]) -> None:
    starts, found = quantiles(counts(points), (0.5, 0.07))
    for start, (half, low) in zip(starts.tolist(), found.tolist(), strict=True):
        values = np.array([v for _, at_ms, v in points if at_ms // 60_000 * 60 == start])
        assert abs(half - ranked(values, 0.5)) <= abs(half) * 0.011
        assert abs(low - ranked(values, 0.07)) <= abs(low) * 0.011


def test_nothing_has_no_quantiles() -> None:
    starts, found = quantiles(Histograms.empty(), (0.5, 0.99))
    assert (len(starts), found.shape) == (0, (0, 2))


def test_seven_of_a_hundred_are_seven() -> None:
    # 0.07 * 100 is 7.000000000000001 in doubles.
    values = np.arange(1.0, 101.0)
    every = np.ones(100, np.int64)
    _, found = quantiles(count_up(every, every, values), (0.07,))
    assert abs(found[0, 0] - 7) < 7 * 0.011
