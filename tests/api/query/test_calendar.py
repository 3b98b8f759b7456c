"""Edges of buckets: short and long days, skipped days, Mondays, months, and the ones before."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.calendar import (
    DAY,
    MONTH,
    WEEK,
    YEAR,
    Resolution,
    bucket_count,
    bucket_edges,
    earlier_edges,
    shifted_edges,
)
from api.query.durations import Duration
from api.query.errors import QueryError
from api.query.resolution import clock_resolution
from api.query.times import iso, parse_time

PARIS = ZoneInfo("Europe/Paris")
HOUR = clock_resolution(3600)


def edges(from_: str, to: str, resolution: Resolution, zone: ZoneInfo = PARIS) -> list[str]:
    low, high = (parse_time(text, "from", 0, zone) for text in (from_, to))
    return [iso(at * 1000, zone) for at in bucket_edges(low, high, resolution, zone).tolist()]


@pytest.mark.parametrize(
    ("from_", "to", "resolution", "expected"),
    [
        ("2026-03-28", "2026-03-30", DAY, ["03-28T00:00:00+01:00", "03-29T00:00:00+01:00",
                                          "03-30T00:00:00+02:00"]),
        ("2026-10-24T13", "2026-10-25T13", DAY, ["10-24T00:00:00+02:00", "10-25T00:00:00+02:00",
                                                 "10-26T00:00:00+01:00"]),
        ("2026-03-29", "2026-03-29T00:00:00.001", WEEK, ["03-23T00:00:00+01:00",
                                                         "03-30T00:00:00+02:00"]),
        ("2026-02-15", "2026-04-01", MONTH, ["02-01T00:00:00+01:00", "03-01T00:00:00+01:00",
                                             "04-01T00:00:00+02:00"]),
        ("2026-01-31T23:59:59", "2026-02-01T00:00:01", MONTH,
         ["01-01T00:00:00+01:00", "02-01T00:00:00+01:00", "03-01T00:00:00+01:00"]),
    ],
)  # fmt: skip
def test_calendar_buckets_begin_at_local_midnight(
    from_: str, to: str, resolution: Resolution, expected: list[str]
) -> None:
    assert edges(from_, to, resolution) == [f"2026-{at}" for at in expected]


def test_years_follow_each_other() -> None:
    assert edges("2024-05", "2026-01-01", YEAR) == [
        f"{year}-01-01T00:00:00+01:00" for year in (2024, 2025, 2026)
    ]


def test_a_midnight_that_was_skipped_is_the_first_moment_after_it() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert edges("2018-11-04T05", "2018-11-04T06", DAY, sao_paulo) == [
        "2018-11-04T01:00:00-02:00",
        "2018-11-05T00:00:00-02:00",
    ]


def test_a_day_that_a_country_skipped_has_no_bucket() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert edges("2011-12-29", "2012-01-01", DAY, apia) == [
        "2011-12-29T00:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
        "2012-01-01T00:00:00+14:00",
    ]


@given(
    from_ms=st.integers(0, 4_000_000_000_000),
    span_ms=st.integers(1, 10**8),
    width_s=st.sampled_from([1, 10, 60, 900, 3600, 43_200]),
)
def test_clock_buckets_are_aligned_to_the_epoch_and_cover_the_range(
    from_ms: int, span_ms: int, width_s: int
) -> None:
    resolution = clock_resolution(width_s)
    count = bucket_count(from_ms, from_ms + span_ms, resolution)
    if count > 10_000:
        return
    found = bucket_edges(from_ms, from_ms + span_ms, resolution, PARIS)
    assert len(found) == count + 1
    assert not np.any(found % width_s)
    assert found[0] * 1000 <= from_ms < found[1] * 1000
    assert found[-2] * 1000 < from_ms + span_ms <= found[-1] * 1000


@given(
    from_ms=st.integers(0, 4_000_000_000_000),
    span_ms=st.integers(1, 10**10),
    resolution=st.sampled_from([DAY, WEEK, MONTH, YEAR]),
    key=st.sampled_from(["UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_calendar_buckets_cover_the_range_in_any_zone(
    from_ms: int, span_ms: int, resolution: Resolution, key: str
) -> None:
    found = bucket_edges(from_ms, from_ms + span_ms, resolution, ZoneInfo(key))
    assert np.all(np.diff(found) > 0)
    assert found[0] * 1000 <= from_ms < found[1] * 1000
    assert found[-2] * 1000 < from_ms + span_ms <= found[-1] * 1000
    assert len(found) - 1 <= bucket_count(from_ms, from_ms + span_ms, resolution) + 1


def shifted(from_: str, to: str, resolution: Resolution, back: Duration) -> list[str]:
    low, high = (parse_time(text, "from", 0, PARIS) for text in (from_, to))
    found = shifted_edges(bucket_edges(low, high, resolution, PARIS), back, resolution, PARIS)
    return [iso(at * 1000, PARIS)[:16] for at in found.tolist()]


def test_a_week_earlier_the_days_are_the_same_days_of_the_week() -> None:
    found = shifted("2026-03-30", "2026-04-01", DAY, Duration(days=7))
    assert found == ["2026-03-23T00:00", "2026-03-24T00:00", "2026-03-25T00:00"]
    assert {datetime.fromisoformat(at).strftime("%a") for at in found[:1]} == {"Mon"}


@pytest.mark.parametrize(
    ("resolution", "back", "first"),
    [
        (HOUR, Duration(days=7), "2026-03-24T00:00"),  # the same hour, 167 hours ago
        (clock_resolution(7200), Duration(days=7), "2026-03-23T23:00"),  # two hours meet at 168
        (HOUR, Duration(ms=7_200_000), "2026-03-30T22:00"),
        (HOUR, Duration(months=1), "2026-02-28T00:00"),
        (DAY, Duration(months=1), "2026-02-28T00:00"),
        (DAY, Duration(ms=2 * 86_400_000), "2026-03-29T00:00"),
        (WEEK, Duration(days=14), "2026-03-16T00:00"),
        (WEEK, Duration(months=12), "2025-03-31T00:00"),
        (MONTH, Duration(months=12), "2025-03-01T00:00"),
        (YEAR, Duration(months=24), "2024-01-01T00:00"),
    ],
)
def test_a_shift_is_whole_buckets(resolution: Resolution, back: Duration, first: str) -> None:
    assert shifted("2026-03-31", "2026-04-01", resolution, back)[0] == first


@pytest.mark.parametrize(
    ("resolution", "back"),
    [
        (HOUR, Duration(ms=1_800_000)),
        (DAY, Duration(ms=3_600_000)),
        (WEEK, Duration(days=1)),
        (MONTH, Duration(days=7)),
        (YEAR, Duration(months=6)),
    ],
)
def test_a_shift_that_cuts_buckets_is_refused(resolution: Resolution, back: Duration) -> None:
    with pytest.raises(QueryError, match="must be whole buckets") as caught:
        shifted("2026-03-31", "2026-04-01", resolution, back)
    assert caught.value.code == "parameter_invalid"


def test_days_without_counterpart_become_empty_buckets() -> None:
    found = shifted("2026-03-29", "2026-04-01", MONTH, Duration(months=1))
    assert found == ["2026-02-01T00:00", "2026-03-01T00:00"]


@pytest.mark.parametrize("resolution", [HOUR, DAY, WEEK, MONTH, YEAR])
def test_buckets_go_on_before_the_first_one(resolution: Resolution) -> None:
    low, high = (parse_time(text, "from", 0, PARIS) for text in ("2026-03-20", "2026-04-02"))
    edges = bucket_edges(low, high, resolution, PARIS)
    longer = earlier_edges(edges, 5, resolution, PARIS)
    assert longer[-len(edges) :].tolist() == edges.tolist()
    assert len(longer) == len(edges) + 5
    whole = bucket_edges(int(longer[0]) * 1000, high, resolution, PARIS)
    assert longer.tolist() == whole.tolist()
    assert earlier_edges(edges, 0, resolution, PARIS) is edges


@pytest.mark.parametrize("resolution", [HOUR, MONTH])
def test_no_bucket_is_before_1970(resolution: Resolution) -> None:
    edges = bucket_edges(7_200_000, 7_300_000, resolution, PARIS)
    assert len(earlier_edges(edges, 100, resolution, PARIS)) <= len(edges) + 2
