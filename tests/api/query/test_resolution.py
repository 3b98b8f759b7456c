"""Resolutions and plans: what is asked, what is kept, which tier answers, and whether exactly."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from api.query.calendar import DAY, MONTH, WEEK, YEAR
from api.query.durations import Duration
from api.query.errors import QueryError
from api.query.resolution import Plan, clock_resolution, make_plan, parse_points, parse_resolution
from api.query.times import Range, parse_range
from engine.tiers import D1, H1, M1, M15, S1, S10

UTC = ZoneInfo("UTC")
NOW = 1_774_746_123_456  # 2026-03-29 01:02:03.456 UTC


def plan(
    from_: str, resolution: str = "auto", *, tz: str = "UTC", to: str = "now", **how: object
) -> Plan:
    zone = ZoneInfo(tz)
    asked = parse_range(from_, to, None, NOW, zone)
    return make_plan(asked, parse_resolution(resolution), zone, NOW, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("10s", "10s"), ("60", "1m"), ("60s", "1m"), ("15m", "15m"), ("90m", "90m"), ("3h", "3h"),
        ("PT1H", "1h"), ("1d", "1d"), ("24h", "1d"), ("86400", "1d"), ("1w", "1w"), ("7d", "1w"),
        ("1M", "1M"), ("1mon", "1M"), ("1y", "1y"), ("12M", "1y"), ("1s", "1s"), ("48s", "48s"),
    ],
)  # fmt: skip
def test_a_resolution_goes_by_its_shortest_name(text: str, name: str) -> None:
    assert str(parse_resolution(text)) == name


@pytest.mark.parametrize("text", [None, "auto", " auto "])
def test_auto_is_no_resolution_of_its_own(text: str | None) -> None:
    assert parse_resolution(text) is None


@pytest.mark.parametrize(
    "text", ["7s", "0", "0s", "7m", "5h", "2d", "2w", "3M", "fast", "", "-1m", "100ms", "1.5s"]
)
def test_what_does_not_divide_a_day_is_refused(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_resolution(text)
    assert (caught.value.code, caught.value.parameter) == ("resolution_invalid", "resolution")


@pytest.mark.parametrize(("text", "points"), [(None, 500), ("1", 1), ("11000", 11_000)])
def test_points_are_bounded(text: str | None, points: int) -> None:
    assert parse_points(text) == points


@pytest.mark.parametrize("text", ["0", "11001", "-5", "many", "", "1e3", "²"])
def test_other_points_are_refused(text: str) -> None:
    with pytest.raises(QueryError, match="from 1 to 11000"):
        parse_points(text)


@pytest.mark.parametrize(
    ("from_", "name"),
    [
        ("-5m", "1s"), ("-15m", "2s"), ("-1h", "10s"), ("-2h", "20s"), ("-6h", "1m"),
        ("-24h", "2m"), ("-7d", "15m"), ("-30d", "2h"), ("-1y", "1d"), ("-3y", "1d"), ("0", "1M"),
    ],
)  # fmt: skip
def test_auto_aims_at_500_points_of_what_is_kept(from_: str, name: str) -> None:
    found = plan(from_)
    assert found.resolution.name == name
    assert 200 <= len(found.edges) <= 1100


@pytest.mark.parametrize(
    ("from_", "points", "name"), [("-24h", 24, "1h"), ("-24h", 1440, "1m"), ("-1h", 1, "1h")]
)
def test_auto_aims_at_the_points_asked_for(from_: str, points: int, name: str) -> None:
    assert plan(from_, points=points).resolution.name == name


@pytest.mark.parametrize(
    ("from_", "asked", "name", "tier"),
    [
        ("-10m", "1s", "1s", S1),
        ("-1h", "1s", "10s", S10),
        ("-5h", "10s", "10s", S10),
        ("-5h", "30s", "30s", S10),
        ("-8h", "10s", "1m", M1),
        ("-8h", "90s", "2m", M1),
        ("-24h", "5m", "5m", M1),
        ("-24h", "30m", "30m", M15),
        ("-30d", "10m", "15m", M15),
        ("-30d", "20m", "30m", M15),
        ("-100d", "15m", "1h", H1),
        ("-100d", "90m", "2h", H1),
        ("-500d", "6h", "1d", D1),
        ("-500d", "1d", "1d", D1),
        ("-500d", "1w", "1w", D1),
        ("-500d", "1M", "1M", D1),
    ],
)
def test_the_widest_tier_that_fits_answers_and_widens_what_is_asked_too_finely(
    from_: str, asked: str, name: str, tier: object
) -> None:
    found = plan(from_, asked)
    assert (found.resolution.name, found.tier, found.approximate) == (name, tier, False)
    assert found.requested == parse_resolution(asked)


@pytest.mark.parametrize(
    ("from_", "tz", "tier", "approximate"),
    [
        ("-30d", "Europe/Paris", H1, False),
        ("-30d", "Asia/Kathmandu", M15, False),
        ("-30d", "Asia/Kolkata", M15, False),
        ("-100d", "Europe/Paris", H1, False),
        ("-100d", "Asia/Kolkata", H1, True),
        ("-500d", "Europe/Paris", D1, True),
        ("-500d", "UTC", D1, False),
    ],
)
def test_local_days_are_exact_where_a_tier_still_has_their_edges(
    from_: str, tz: str, tier: object, approximate: bool
) -> None:
    found = plan(from_, "1d", tz=tz)
    assert (found.tier, found.approximate) == (tier, approximate)


def test_percentiles_need_histograms_of_the_whole_range() -> None:
    found = plan("-1h", "10s", percentiles=True)
    assert (found.resolution.name, found.tier) == ("1m", M1)
    assert found.histogram_tier is not None
    assert found.histogram_tier.name == "1m"
    found = plan("-8h", "1m", percentiles=True)
    assert found.resolution.name == "15m"
    assert plan("-1h", "10s").histogram_tier is None


def test_percentiles_of_local_days_may_be_approximate_where_sums_are_exact() -> None:
    assert not plan("-30d", "1d", tz="Asia/Kolkata").approximate
    assert plan("-30d", "1d", tz="Asia/Kolkata", percentiles=True).approximate


def test_nothing_is_looked_for_before_there_was_anything() -> None:
    assert plan("0", "1M").tier is D1
    asked = Range(NOW - 300 * 86_400_000, NOW)
    since_s = NOW // 1000 - 3_600
    found = make_plan(asked, clock_resolution(3_600), UTC, NOW, since_s=since_s)
    assert found.tier is H1
    found = make_plan(asked, clock_resolution(10), UTC, NOW, since_s=since_s, limit=None)
    assert (found.resolution.name, found.tier) == ("10s", S10)


def test_auto_begins_where_there_was_something() -> None:
    found = plan("0", since_s=NOW // 1000 - 3_600)
    assert found.resolution.name == "10s"
    assert len(found.edges) == 362
    assert len(plan("-1h", since_s=NOW // 1000 + 60).edges) == 2


def test_what_is_compared_must_be_kept_too() -> None:
    week = Duration(days=7)
    found = plan("-6h", "1m", shifts=[week])
    assert (found.resolution.name, found.tier) == ("15m", M15)
    assert plan("-6h", shifts=[week]).resolution.name == "15m"
    assert plan("-6h", shifts=[Duration(months=1200)]).tier is D1
    # A UTC day is exact in London's winter, but not in the summer that it is compared with.
    asked = Range(1_769_904_000_000, 1_770_076_800_000)
    london = ZoneInfo("Europe/London")
    assert make_plan(asked, DAY, london, NOW).tier is D1
    found = make_plan(asked, DAY, london, NOW, shifts=[Duration(months=6)])
    assert (found.tier, found.approximate) == (H1, False)


def test_a_range_that_ends_now_includes_this_millisecond() -> None:
    whole_hour = 1_774_746_000_000
    asked = Range(whole_hour - 7_200_000, whole_hour, until_now=True)
    found = make_plan(asked, parse_resolution("1h"), UTC, whole_hour)
    assert found.to_s == whole_hour // 1000 + 3600
    until = replace(asked, until_now=False)
    assert make_plan(until, parse_resolution("1h"), UTC, whole_hour).to_s == whole_hour // 1000


def test_several_series_share_a_limit() -> None:
    with pytest.raises(QueryError, match=r"at most 100 are allowed; the finest allowed is 8h"):
        plan("-30d", "1h", limit=100)
    assert len(plan("-30d", limit=100).edges) <= 101


def test_a_tier_can_be_ruled_out() -> None:
    assert plan("-5m", finest=S10).tier is S10
    assert plan("-5m", "1s", finest=S10).resolution.name == "10s"


@pytest.mark.parametrize(
    ("from_", "to", "asked", "finest"),
    [
        ("-2y", "now", "1m", "1d"),
        ("-24h", "now", "1s", "1m"),
        ("-5h", "now", "1s", "10s"),
        ("-11001s", "now/s", "1s", "10s"),
        ("1990", "2199", "1d", "1w"),
        ("1970", "2199", "1d", "1M"),
    ],
)
def test_a_million_points_are_refused_and_the_finest_allowed_is_named(
    from_: str, to: str, asked: str, finest: str
) -> None:
    with pytest.raises(QueryError) as caught:
        plan(from_, asked, to=to)
    assert caught.value.code == "too_many_points"
    assert str(caught.value).endswith(f"the finest allowed is {finest}")
    assert len(plan(from_, finest, to=to).edges) <= 11_001 + 1


def test_the_limit_is_to_the_point() -> None:
    assert len(plan("now/s-11000s", "1s", to="now/s", since_s=NOW // 1000 - 60).edges) == 11_001


def test_the_ends_of_reading_are_the_outer_edges() -> None:
    found = plan("-2h", "1h")
    assert (found.from_s % 3600, found.to_s - found.from_s) == (0, 3 * 3600)


@pytest.mark.parametrize("resolution", [DAY, WEEK, MONTH, YEAR, clock_resolution(90)])
def test_a_resolution_shows_its_name(resolution: object) -> None:
    assert parse_resolution(str(resolution)) == resolution
