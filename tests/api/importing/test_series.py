"""Buckets go into tiers that are no finer, and overlapping series share the time."""

import pytest

from api.importing.faults import FileFault
from api.importing.series import Series, layers_of, series_of
from api.importing.timeframes import width_of
from engine.stats import Kind
from engine.tiers import D1, DAY_S, H1, HOUR_S, M1, M15, Tier
from tests.api.importing.dumps import DAY, UNALIGNED_S


def series(width_s: int, begin: int, *values: float, kind: Kind = Kind.COUNTER) -> Series:
    return series_of(width_s, [begin + n * width_s for n in range(len(values))], values, kind)


def sums(*made: Series) -> dict[str, dict[int, float]]:
    """Per tier the sums by start, as days after the first."""
    return {
        tier.name: dict(zip(rows.start.tolist(), rows.sum.tolist(), strict=True))
        for tier, rows in layers_of(made)
    }


@pytest.mark.parametrize(
    ("width_s", "tier"),
    [(60, M1), (300, M15), (900, M15), (1800, H1), (HOUR_S, H1), (3 * HOUR_S, D1), (DAY_S, D1)],
)
def test_a_bucket_goes_into_the_finest_tier_that_is_no_finer(width_s: int, tier: Tier) -> None:
    ((found, _),) = layers_of([series(width_s, DAY, 1, 2)])
    assert found is tier


def test_wider_than_a_day_fits_nowhere() -> None:
    with pytest.raises(FileFault, match="7 days wide; export it with an interval of 1d or less"):
        series(7 * DAY_S, DAY, 1)


def test_an_unaligned_bucket_goes_where_its_middle_lies() -> None:
    assert sums(series(DAY_S, DAY + UNALIGNED_S, 1, 2)) == {
        "1d": {DAY + DAY_S: 1, DAY + 2 * DAY_S: 2}
    }
    assert sums(series(DAY_S, DAY + 420, 1)) == {"1d": {DAY: 1}}


def test_eight_parts_make_a_day() -> None:
    assert sums(series(3 * HOUR_S, DAY, *range(8))) == {"1d": {DAY: 28}}


def test_averages_weigh_by_their_counts() -> None:
    made = series_of(3 * HOUR_S, [DAY, DAY + 3 * HOUR_S], [1, 4], Kind.VALUE, [1, 3])
    ((_, rows),) = layers_of([made])
    assert (rows.count[0], rows.sum[0], rows.min[0], rows.max[0]) == (4, 13, 1, 4)


def test_the_finer_series_is_right_about_whole_days() -> None:
    hours = series(HOUR_S, DAY + DAY_S, *[1.0] * 24)
    assert sums(hours, series(DAY_S, DAY, 100, 200, 300)) == {
        "1h": {DAY + DAY_S + n * HOUR_S: 1 for n in range(24)},
        "1d": {DAY: 100, DAY + 2 * DAY_S: 300},
    }


def test_at_its_edge_it_leaves_the_day_to_the_wider_one() -> None:
    hours = series(HOUR_S, DAY + 12 * HOUR_S, *[1.0] * 24)
    assert sums(series(DAY_S, DAY, 100), hours) == {
        "1h": {DAY + DAY_S + n * HOUR_S: 1 for n in range(12)},
        "1d": {DAY: 100},
    }


def test_days_between_two_finer_series_stay() -> None:
    hours = series_of(
        HOUR_S, [DAY + n * HOUR_S for n in (*range(24), *range(48, 72))], [1.0] * 48, Kind.COUNTER
    )
    assert sums(hours, series(DAY_S, DAY, 7, 8, 9))["1d"] == {DAY + DAY_S: 8}


def test_of_two_equal_grids_the_later_export_counts() -> None:
    early, late = series(DAY_S, DAY, 1, 2, 3), series(DAY_S, DAY + DAY_S, 20, 30, 40)
    assert sums(early, late) == sums(late, early)
    assert sums(early, late)["1d"] == {
        DAY: 1, DAY + DAY_S: 20, DAY + 2 * DAY_S: 30, DAY + 3 * DAY_S: 40,
    }  # fmt: skip


@pytest.mark.parametrize("bad", [[float("nan")], [float("inf")], [1e101]])
def test_numbers_that_cannot_be_kept_are_refused(bad: list[float]) -> None:
    with pytest.raises(FileFault, match="no number that can be kept"):
        series_of(60, [DAY], bad, Kind.VALUE)


@pytest.mark.parametrize("at", [0, 900_000_000, 1_700_000_000_000])
def test_times_outside_of_the_calendar_are_refused(at: int) -> None:
    with pytest.raises(FileFault, match="no epoch second"):
        series_of(60, [at], [1], Kind.VALUE)


@pytest.mark.parametrize(
    ("text", "width_s"),
    [
        ("1 year @ 1 day", DAY_S), ("1 week @ 3 hours", 3 * HOUR_S), ("2 hours @ 1 minute", 60),
        ("1w3h", 3 * HOUR_S), ("1y1M", 30 * DAY_S), ("", 7), ("nonsense", 7),
    ],
)  # fmt: skip
def test_a_timeframe_tells_the_width_or_the_times_do(text: str, width_s: int) -> None:
    assert width_of(text, [14, 0, 7]) == width_s
