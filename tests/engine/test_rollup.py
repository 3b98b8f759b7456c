"""Rollups add up exactly: in parts or at once, in any order, at every tier."""

import math
import statistics
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, starmap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rollup import (
    EXACT_INTEGER,
    PACKED_ROWS,
    Rollups,
    exact_sums,
    order_of,
    roll_up,
    two_sum,
)
from engine.tiers import TIERS, Tier
from tests.engine.model import (
    BEGUN_MS,
    VALUES,
    Facts,
    Point,
    buckets,
    columns,
    expected,
    rolled,
    told,
)

# Close together, so that buckets fill up, and over days, so that every tier has several.
TIMES = st.one_of(
    st.integers(0, 30_000), st.integers(0, 4 * 3_600_000), st.integers(-(10**9), 0)
).map(lambda ms: BEGUN_MS + ms)
POINTS = st.lists(st.tuples(st.integers(1, 3), TIMES, VALUES), max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=6)


def cut(points: list[Point], at: list[int]) -> list[list[Point]]:
    edges = [0, *sorted(at), len(points)]
    return [points[low:high] for low, high in pairwise(edges)]


def reordered(seed: int, parts: list[Rollups]) -> list[Rollups]:
    order = sorted(range(len(parts)), key=lambda place: (place * 7 + seed) % 11)
    return [parts[place] for place in order]


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
@given(points=POINTS)
def test_a_rollup_says_what_its_points_say(tier: Tier, points: list[Point]) -> None:
    assert told(rolled(points, tier.width_s)) == expected(points, tier.width_s)


@given(points=POINTS, cuts=CUTS)
def test_the_rollup_of_parts_is_the_rollup_of_all_at_every_tier(
    points: list[Point], cuts: list[int]
) -> None:
    parts = [rolled(part) for part in cut(points, cuts)]
    for tier in TIERS:
        parts = [part.widened(tier.width_s) for part in parts]
        assert told(Rollups.merged(parts, tier.width_s)) == expected(points, tier.width_s)


@given(points=POINTS, cuts=CUTS, seed=st.integers(0, 10))
def test_sums_do_not_depend_on_the_order_of_parts(
    points: list[Point], cuts: list[int], seed: int
) -> None:
    parts = [rolled(part, 60) for part in cut(points, cuts)]
    merged = Rollups.merged(reordered(seed, parts), 60)
    assert exact(told(merged)) == exact(expected(points, 60))


@given(points=POINTS, cuts=CUTS, seed=st.integers(0, 10))
def test_first_and_last_do_not_depend_on_the_order_either(
    points: list[Point], cuts: list[int], seed: int
) -> None:
    # Within one millisecond the log order decides, so each point has a millisecond of its own.
    apart = [(stat, at_ms * 64 + n, value) for n, (stat, at_ms, value) in enumerate(points)]
    parts = [rolled(part, 86_400) for part in cut(apart, cuts)]
    merged = Rollups.merged(reordered(seed, parts), 86_400)
    assert told(merged) == expected(apart, 86_400)


@given(points=POINTS, first=st.integers(0, 60), second=st.integers(0, 60))
def test_merging_is_associative(points: list[Point], first: int, second: int) -> None:
    a, b, c = (rolled(part, 10) for part in cut(points, [first, second]))
    left = Rollups.merged([Rollups.merged([a, b], 10), c], 10)
    right = Rollups.merged([a, Rollups.merged([b, c], 10)], 10)
    assert told(left) == told(right)
    assert_same_squares(left, right)


@given(points=POINTS, cuts=CUTS)
def test_squared_deviations(points: list[Point], cuts: list[int]) -> None:
    merged = Rollups.merged([rolled(part) for part in cut(points, cuts)], 3600)
    for row, (_, bucket) in enumerate(sorted(buckets(points, 3600).items())):
        values = [value for _, _, value in bucket]
        scale = sum(value * value for value in values)
        wanted = float(statistics.pvariance([Fraction(value) for value in values]) * len(values))
        assert merged.squares[row] == pytest.approx(wanted, rel=1e-9, abs=1e-13 * scale)


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(-300, 300)), min_size=1, max_size=50),
    st.integers(1, 6),
)
def test_exact_sums_over_a_huge_dynamic_range(parts: list[tuple[float, int]], groups: int) -> None:
    values = np.array(list(starmap(math.ldexp, parts)))
    groups = min(groups, len(values))
    first = np.arange(groups) * (len(values) // groups)
    count = np.diff(np.append(first, len(values)))
    total, rest = exact_sums(values, first, count)
    for place, members in enumerate(np.split(values, first[1:])):
        true = sum(map(Fraction, members.tolist()), Fraction(0))
        found = Fraction(float(total[place])) + Fraction(float(rest[place]))
        room = Fraction(float(np.abs(members).max())) * len(members) ** 2 / 2**98
        # Subnormal numbers have no more digits below them.
        assert abs(found - true) <= max(room, Fraction(5e-324))
        assert total[place] + rest[place] == total[place], "the pair is normalised"


def test_what_rounding_loses_is_kept() -> None:
    first, count = np.array([0]), np.array([4])
    total, rest = exact_sums(np.array([1e16, 1.0, -1e16, 0.25]), first, count)
    assert (total.tolist(), rest.tolist()) == ([1.25], [0.0])
    total, rest = exact_sums(np.array([1e16, 1.0, 0.25, 0.125]), first, count)
    assert Fraction(total[0]) + Fraction(rest[0]) == Fraction(10**16) + Fraction(11, 8)


def test_a_sum_survives_parts_that_nearly_cancel() -> None:
    points: list[Point] = [(1, BEGUN_MS, value) for value in (1e8, 0.1, -1e8, 0.2, 1e-3)]
    merged = Rollups.merged([rolled([point]) for point in points], 60)
    assert merged.sum.tolist() == [math.fsum(value for _, _, value in points)]


@pytest.mark.parametrize("least", [EXACT_INTEGER - 4, EXACT_INTEGER, 2.0**60])
def test_whole_numbers_at_the_edge_of_what_a_double_counts(least: float) -> None:
    values = np.array([least, 1.0, 1.0, 1.0])
    total, rest = exact_sums(values, np.array([0]), np.array([4]))
    assert Fraction(total[0]) + Fraction(rest[0]) == Fraction(least) + 3


@given(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100))
def test_two_sum_loses_nothing(a: float, b: float) -> None:
    total, rest = two_sum(np.array([a]), np.array([b]))
    assert Fraction(total[0]) + Fraction(rest[0]) == Fraction(a) + Fraction(b)


def test_log_order_decides_within_a_millisecond() -> None:
    points: list[Point] = [(1, BEGUN_MS, 3.0), (1, BEGUN_MS, 1.0), (1, BEGUN_MS, 2.0)]
    whole = rolled(points)
    merged = Rollups.merged([rolled(points[:1]), rolled(points[1:])], 1)
    for rollups in (whole, merged):
        assert (rollups.first.tolist(), rollups.last.tolist()) == ([3.0], [2.0])


def test_nothing_adds_up_to_nothing() -> None:
    empty = Rollups.empty()
    assert len(rolled([])) == len(Rollups.merged([], 60)) == len(empty.widened(60)) == 0
    assert told(Rollups.merged([empty, rolled([(1, BEGUN_MS, 1.0)]), empty], 60)) == expected(
        [(1, BEGUN_MS, 1.0)], 60
    )


def test_rows_of_a_stat_and_of_a_time() -> None:
    points: list[Point] = [(stat, BEGUN_MS + at * 1000, 1.0) for stat in (1, 2, 4) for at in (0, 5)]
    rollups = rolled(points)
    assert rollups.of_stat(2).start.tolist() == [BEGUN_MS // 1000, BEGUN_MS // 1000 + 5]
    assert len(rollups.of_stat(3)) == 0
    begun = BEGUN_MS // 1000
    assert rollups.between(begun + 1, begun + 6).stat.tolist() == [1, 2, 4]
    assert len(rollups.between(begun + 1, begun + 5)) == 0
    assert rollups.take(np.array([5, 0])).stat.tolist() == [4, 1]


def test_columns_keep_their_types() -> None:
    made = columns([(1, BEGUN_MS, 1.0), (1, BEGUN_MS, 2.0)])
    one = roll_up(made.stat, made.at_ms, made.value, 60)
    for rollups in (one, Rollups.merged([one, replace(one)], 60), Rollups.empty()):
        for name in ("stat", "start", "count", "first_ms", "last_ms"):
            assert getattr(rollups, name).dtype == np.int64
        for name in ("sum", "rest", "squares", "min", "max", "first", "last"):
            assert getattr(rollups, name).dtype == np.float64


def exact(rows: dict[tuple[int, int], Facts]) -> dict[tuple[int, int], tuple[float, ...]]:
    return {key: row.exact for key, row in rows.items()}


def assert_same_squares(one: Rollups, other: Rollups) -> None:
    scale = np.maximum(np.abs(one.min), np.abs(one.max)) ** 2 * one.count
    np.testing.assert_array_less(
        np.abs(one.squares - other.squares), 1e-9 * one.squares + 1e-13 * scale + 1e-300
    )


@given(
    st.lists(st.integers(1, 2**40), min_size=1, max_size=40, unique=True),
    st.lists(TIMES, min_size=1, max_size=40),
    st.sampled_from(["repeated", "other times", "a stat twice", "a stat less", "mixed"]),
    st.integers(0, 2**32),
)
def test_rows_have_one_order_however_they_come(
    stats: list[int], times: list[int], kind: str, seed: int
) -> None:
    # Enough rows that they are not too few for the fast ways.
    times *= -(-2 * PACKED_ROWS // (len(stats) * len(times)))
    rng = np.random.default_rng(seed)
    major, minor = np.tile(stats, len(times)), np.repeat(times, len(stats))
    if kind == "other times":
        minor[rng.integers(len(minor))] += 1
    elif kind == "a stat twice":
        major[rng.integers(len(major))] = stats[0]
    elif kind == "a stat less":
        major, minor = major[:-1], minor[:-1]
    elif kind == "mixed":
        order = rng.permutation(len(major))
        major, minor = major[order], minor[order]
    assert order_of(major, minor).tolist() == np.lexsort((minor, major)).tolist()
