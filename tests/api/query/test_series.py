"""Buckets of an answer equal a model over plain points, at every zoom, with every filling."""

from math import isnan, sqrt
from operator import itemgetter
from statistics import fmean
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.aggregates import PLAIN, QUANTILES, Fill, FillMode, headline, parse_fill
from api.query.calendar import DAY, bucket_edges
from api.query.series import Series, aggregate, fill, total
from engine.histogram import Histograms, count_up
from engine.rollup import Floats, Ints, Rollups, roll_up

Point = tuple[int, float]
POINTS = st.lists(
    st.tuples(st.integers(0, 3_599_999), st.integers(-1000, 1000).map(float)), max_size=60
)
HOUR = np.arange(0, 3601, 300)


def columns(points: list[Point]) -> tuple[Ints, Ints, Floats]:
    at, value = zip(*points, strict=True) if points else ((), ())
    return np.ones(len(at), np.int64), np.array(at, np.int64), np.array(value, np.float64)


def rolled(points: list[Point], width_s: int = 60) -> Rollups:
    return roll_up(*columns(points), width_s)


def counted(points: list[Point]) -> Histograms:
    return count_up(*columns(points), 60)


def model(points: list[Point], name: str, width_s: int) -> float:
    values = [value for _, value in points]
    if not values:
        return float("nan")
    ordered = sorted(points, key=itemgetter(0))
    mean = fmean(values)
    return {
        "sum": sum(values),
        "count": float(len(values)),
        "avg": mean,
        "min": min(values),
        "max": max(values),
        "first": ordered[0][1],
        "last": ordered[-1][1],
        "rate": sum(values) / width_s,
        "stddev": sqrt(fmean((value - mean) ** 2 for value in values)),
    }[name]


@given(points=POINTS, counter=st.booleans())
def test_buckets_equal_a_model_over_points(points: list[Point], counter: bool) -> None:
    found = aggregate(HOUR, rolled(points), PLAIN, counter=counter, now_ms=3_600_000, width_s=60)
    assert list(found.columns) == ["value", *PLAIN]
    for name in PLAIN:
        expected = [
            model([p for p in points if low * 1000 <= p[0] < (low + 300) * 1000], name, 300)
            for low in HOUR[:-1].tolist()
        ]
        np.testing.assert_allclose(found.columns[name], expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(found.value, found.columns[headline(counter)])


@given(points=POINTS)
def test_totals_agree_at_every_zoom(points: list[Point]) -> None:
    seen = set()
    for step in (60, 300, 900, 3600):
        edges = np.arange(0, 3601, step)
        rows = rolled(points, 60).widened(step)
        series = aggregate(edges, rows, ("sum",), counter=True, now_ms=0, width_s=step)
        found = total(edges, rows, series, width_s=step)
        assert found.sum == np.nansum(series.value) == sum(value for _, value in points)
        seen.add((found.sum, found.count, found.min, found.max, found.first, found.last))
    assert len(seen) == 1


@given(points=POINTS)
def test_percentiles_are_near_the_ranked_value_and_never_leave_the_bucket(
    points: list[Point],
) -> None:
    names = tuple(QUANTILES)
    found = aggregate(
        HOUR, rolled(points), names, counter=False, now_ms=0, width_s=60,
        histograms=counted(points),
    )  # fmt: skip
    for i, low in enumerate(HOUR[:-1].tolist()):
        inside = sorted(value for at, value in points if low * 1000 <= at < (low + 300) * 1000)
        for name, q in QUANTILES.items():
            if not inside:
                assert isnan(found.columns[name][i])
                continue
            ranked = inside[max(1, int(np.ceil(q * len(inside) - 1e-9))) - 1]
            assert found.columns[name][i] == pytest.approx(ranked, rel=0.011)
            assert inside[0] <= found.columns[name][i] <= inside[-1]


def test_totals_have_the_percentiles_of_the_whole_range() -> None:
    points = [(at * 1000, float(at % 100)) for at in range(3600)]
    series = aggregate(HOUR, rolled(points), (), counter=False, now_ms=0, width_s=60)
    found = total(
        HOUR, rolled(points), series, width_s=60,
        histograms=counted(points), percentiles=("p50", "p99"),
    )  # fmt: skip
    assert found.quantiles is not None
    assert found.quantiles["p50"] == pytest.approx(49, rel=0.011)
    assert found.quantiles["p99"] == pytest.approx(98, rel=0.011)
    assert (found.bucket_min, found.bucket_max) == (49.5, 49.5)
    assert found.stddev == pytest.approx(28.86607)


def test_an_empty_range_has_totals_of_nothing() -> None:
    series = aggregate(HOUR, Rollups.empty(), ("p50",), counter=True, now_ms=0)
    found = total(HOUR, Rollups.empty(), series, percentiles=("p50",))
    assert (found.sum, found.count, found.min, found.quantiles) == (0, 0, None, {"p50": None})
    assert np.isnan(series.columns["p50"]).all()
    assert not series.count.any()


def test_percentiles_without_histograms_are_unknown() -> None:
    rows = rolled([(1000, 5.0)])
    series = aggregate(HOUR, rows, ("p95",), counter=False, now_ms=0, width_s=60)
    assert isnan(series.columns["p95"][0])
    found = total(HOUR, rows, series, width_s=60, percentiles=("p95",))
    assert found.quantiles == {"p95": None}


def test_only_the_open_bucket_is_partial() -> None:
    found = aggregate(HOUR, Rollups.empty(), (), counter=True, now_ms=1_000_000)
    assert np.flatnonzero(found.partial).tolist() == [3]
    on_the_edge = aggregate(HOUR, Rollups.empty(), (), counter=True, now_ms=900_000)
    assert np.flatnonzero(on_the_edge.partial).tolist() == [3]
    ahead = aggregate(HOUR, rolled([(1_250_000, 1.0)]), (), counter=True, now_ms=1_190_000)
    assert np.flatnonzero(ahead.partial).tolist() == [3, 4]


def test_rows_that_cross_an_edge_go_where_their_middle_is() -> None:
    edges = np.array([0, 5_400, 10_800])  # half past one
    rows = rolled([(1_000, 1.0), (3_700_000, 10.0), (7_300_000, 100.0)], 3600)
    found = aggregate(edges, rows, (), counter=True, now_ms=0, width_s=3600)
    assert found.value.tolist() == [1, 110]


def test_rows_outside_the_edges_do_not_count() -> None:
    found = aggregate(HOUR + 300, rolled([(0, 1.0), (400_000, 2.0), (4_000_000, 4.0)]), (),
                      counter=True, now_ms=0, width_s=60)  # fmt: skip
    assert found.count.sum() == 1
    assert np.nansum(found.value) == 2


def test_the_rate_of_a_short_day_is_per_second_of_its_23_hours() -> None:
    paris = ZoneInfo("Europe/Paris")
    start_ms = 1_774_738_800_000
    edges = bucket_edges(start_ms, start_ms + 1, DAY, paris)
    rows = roll_up(np.ones(1, np.int64), np.array([start_ms]), np.array([82_800.0]), 900)
    assert aggregate(edges, rows, ("rate",), counter=True, now_ms=0).columns["rate"][0] == 1


def sparse(counter: bool) -> Series:
    """Six buckets of a minute; points in the third (3) and the fifth (7)."""
    rows = rolled([(120_000, 3.0), (240_000, 7.0)])
    edges = np.arange(0, 361, 60)
    return aggregate(edges, rows, ("count", "max"), counter=counter, now_ms=0, width_s=60)


NAN = None


@pytest.mark.parametrize(
    ("how", "counter", "value", "count", "greatest"),
    [
        ("auto", True, [NAN, 0, 3, 0, 7, 0], [NAN, 0, 1, 0, 1, 0], [NAN, NAN, 3, NAN, 7, NAN]),
        ("auto", False, [NAN, NAN, 3, NAN, 7, NAN], [NAN, NAN, 1, NAN, 1, NAN],
         [NAN, NAN, 3, NAN, 7, NAN]),
        ("null", True, [NAN, NAN, 3, NAN, 7, NAN], [NAN, NAN, 1, NAN, 1, NAN],
         [NAN, NAN, 3, NAN, 7, NAN]),
        ("zero", False, [NAN, 0, 3, 0, 7, 0], [NAN, 0, 1, 0, 1, 0], [NAN, 0, 3, 0, 7, 0]),
        ("9", True, [NAN, 9, 3, 9, 7, 9], [NAN, 0, 1, 0, 1, 0], [NAN, 9, 3, 9, 7, 9]),
        ("previous", False, [NAN, NAN, 3, 3, 7, 7], [NAN, 0, 1, 0, 1, 0], [NAN, NAN, 3, 3, 7, 7]),
        ("linear", False, [NAN, NAN, 3, 5, 7, NAN], [NAN, 0, 1, 0, 1, 0],
         [NAN, NAN, 3, 5, 7, NAN]),
        ("none", True, [3, 7], [1, 1], [3, 7]),
    ],
)  # fmt: skip
def test_gaps_are_filled_from_the_first_point_ever_until_now(
    how: str, counter: bool, value: list[object], count: list[object], greatest: list[object]
) -> None:
    found = fill(sparse(counter), parse_fill(how), counter=counter, first_ms=90_000, now_ms=400_000)
    listed = {
        name: [NAN if isnan(x) else x for x in column.tolist()]
        for name, column in found.columns.items()
    }
    assert listed == {"value": value, "count": count, "max": greatest}


def test_nothing_is_filled_after_now_or_where_there_never_was_a_point() -> None:
    zero = Fill(FillMode.NUMBER)
    later = fill(sparse(True), zero, counter=True, first_ms=0, now_ms=200_000)
    assert np.isnan(later.value).tolist() == [False, False, False, False, False, True]
    never = fill(sparse(True), zero, counter=True, first_ms=None, now_ms=400_000)
    assert np.isnan(never.value).sum() == 4


@pytest.mark.parametrize("how", ["previous", "linear"])
def test_there_is_nothing_to_carry_where_nothing_is_known(how: str) -> None:
    empty = aggregate(HOUR, Rollups.empty(), (), counter=False, now_ms=0)
    found = fill(empty, parse_fill(how), counter=False, first_ms=0, now_ms=10**9)
    assert np.isnan(found.value).all()
