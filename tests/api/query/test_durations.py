"""Durations: every unit, sums of them, and what they do to a calendar."""

from zoneinfo import ZoneInfo

import pytest

from api.query.durations import Duration, parse_duration
from api.query.times import iso, parse_time

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", Duration(ms=250)),
        ("30s", Duration(ms=30_000)),
        ("5m", Duration(ms=300_000)),
        ("5min", Duration(ms=300_000)),
        ("2h", Duration(ms=7_200_000)),
        ("3d", Duration(days=3)),
        ("1w", Duration(days=7)),
        ("2M", Duration(months=2)),
        ("2mon", Duration(months=2)),
        ("1y", Duration(months=12)),
        ("1h30m", Duration(ms=5_400_000)),
        ("1w3h", Duration(days=7, ms=10_800_000)),
        ("1.5h", Duration(ms=5_400_000)),
        ("0.5d", Duration(ms=43_200_000)),
        ("2 weeks", None),
        ("2weeks", Duration(days=14)),
        ("3Hours", Duration(ms=10_800_000)),
        ("3600", Duration(ms=3_600_000)),
        ("P1D", Duration(days=1)),
        ("PT1H30M", Duration(ms=5_400_000)),
        ("P1Y2M3W4DT5H6M7.5S", Duration(months=14, days=25, ms=18_367_500)),
        ("P", None),
        ("PT", None),
        ("P1.5M", None),
        ("1.5M", None),
        ("", None),
        ("h", None),
        ("1x", None),
        ("-1h", None),
        ("٣h", None),
        ("9" * 13 + "s", None),
        ("1s" * 40, None),
    ],
)
def test_a_duration_is_read_by_its_units(text: str, duration: Duration | None) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        # The night to 29 March 2026 has 23 hours in Paris: a day is not 24 hours.
        ("2026-03-28T12:00", Duration(days=1), "2026-03-29T12:00:00+02:00"),
        ("2026-03-28T12:00", Duration(ms=86_400_000), "2026-03-29T13:00:00+02:00"),
        ("2026-03-31T08:00", Duration(months=-1), "2026-02-28T08:00:00+01:00"),
        ("2024-02-29", Duration(months=12), "2025-02-28T00:00:00+01:00"),
        ("2026-01-15", Duration(months=-1), "2025-12-15T00:00:00+01:00"),
    ],
)
def test_days_and_months_move_the_calendar(start: str, duration: Duration, end: str) -> None:
    at_ms = parse_time(start, "from", 0, PARIS)
    assert iso(duration.after(at_ms, PARIS), PARIS) == end


def test_a_year_that_no_calendar_has_overflows() -> None:
    with pytest.raises(OverflowError):
        Duration(months=12 * 9_000).after(0, PARIS)


def test_a_sum_and_its_opposite_cancel() -> None:
    span = Duration(1, 2, 3) + Duration(4, 5, 6)
    assert span == Duration(5, 7, 9)
    assert not span + -span


@pytest.mark.parametrize(
    ("duration", "days"),
    [(Duration(months=13), 395), (Duration(months=-13), -395), (Duration(days=2), 2)],
)
def test_the_nominal_length_has_months_of_30_days(duration: Duration, days: int) -> None:
    assert duration.nominal_ms() == days * 86_400_000
