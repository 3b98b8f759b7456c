"""Forecasts: how a month ends, and on what day a limit is reached."""

from datetime import UTC, datetime

import pytest

from api.plans.forecast import Forecast, Month, forecast, rate_s, told
from engine.tiers import DAY_S, HOUR_S


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("now", "first", "next_first", "days"),
    [
        ("2026-02-28T23:59:59", "2026-02-01", "2026-03-01", 28),
        ("2028-02-29T00:00:00", "2028-02-01", "2028-03-01", 29),
        ("2026-12-31T23:59:59", "2026-12-01", "2027-01-01", 31),
        ("2026-11-01T00:00:00", "2026-11-01", "2026-12-01", 30),
    ],
)
def test_a_month_of_the_calendar(now: str, first: str, next_first: str, days: int) -> None:
    month = Month.of(at(now))
    assert (month.from_s, month.to_s) == (at(first), at(next_first))
    assert (len(month.days), month.days[0] * DAY_S) == (days, month.from_s)
    assert month.name == first[:7]


def test_the_rate_of_the_last_days() -> None:
    noon = at("2026-11-25T12:00:00")
    assert rate_s([8640] * 6 + [4320], noon) == pytest.approx(0.1)
    # It began yesterday.
    assert rate_s([0, 0, 0, 0, 0, 8640, 4320], noon) == pytest.approx(0.1)
    assert rate_s([0] * 7, noon) == 0
    # Ten minutes do not make an hour.
    assert rate_s([3600], at("2026-11-25T00:10:00")) == pytest.approx(1.0)


def test_a_month_goes_on_as_it_did() -> None:
    now = at("2026-11-25T12:00:00")
    month = Month.of(now)
    assert forecast(100, None, 1.0, now, month) == Forecast(100 + month.to_s - now, None)
    assert forecast(100, 10**6, 1.0, now, month).reached_s is None
    assert forecast(100, 100 + 7200, 2.0, now, month).reached_s == now + HOUR_S
    assert forecast(500, 100, 0.0, now, month) == Forecast(500, now)


def test_it_is_told_as_people_say_it() -> None:
    now = at("2026-11-24T12:00:00")
    thursday = at("2026-11-26T14:20:00")
    assert told("points", 10**6, thursday, now) == (
        "limit of 1,000,000 points reached on Thursday 14:00 (UTC)"
    )
    later = at("2026-12-03T00:00:00")
    assert told("points", 5, later, now).endswith("on Thursday, 3 December 00:00 (UTC)")
    assert told("points", 5, now, now) == "the limit of 5 points is reached"
    assert told("points", 5, None, now) == "the limit of 5 points is not reached this month"
