"""Times and ranges: each form, each error, in a zone with daylight saving."""

from zoneinfo import ZoneInfo

import pytest

from api.query.errors import QueryError
from api.query.times import Range, iso, parse_range, parse_time, parse_zone

PARIS = ZoneInfo("Europe/Paris")
NOW = 1_774_746_123_456  # Sunday 2026-03-29 03:02:03.456 in Paris, an hour after its short night


def at(text: str) -> str:
    return iso(parse_time(text, "from", NOW, PARIS), PARIS)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1774746120", "2026-03-29T03:02:00+02:00"),
        ("1774746120.5", "2026-03-29T03:02:00.500+02:00"),
        ("1774746120500", "2026-03-29T03:02:00.500+02:00"),
        ("1774746120500000", "2026-03-29T03:02:00.500+02:00"),
        ("1774746120500000000", "2026-03-29T03:02:00.500+02:00"),
        ("0", "1970-01-01T01:00:00+01:00"),
        ("2026", "2026-01-01T00:00:00+01:00"),
        ("2026-03", "2026-03-01T00:00:00+01:00"),
        ("2026-03-29", "2026-03-29T00:00:00+01:00"),
        ("20260329", "2026-03-29T00:00:00+01:00"),
        ("2026-03-29T01:02", "2026-03-29T01:02:00+01:00"),
        ("2026-03-29 01", "2026-03-29T01:00:00+01:00"),
        ("2026-03-29T01:02:03.25", "2026-03-29T01:02:03.250+01:00"),
        ("2026-03-29T01:02:03Z", "2026-03-29T03:02:03+02:00"),
        ("2026-03-29t01:02:03z", "2026-03-29T03:02:03+02:00"),
        ("2026-03-29T01:02:03+05:30", "2026-03-28T20:32:03+01:00"),
        ("2026-03-29T01:02:03 05:30", "2026-03-28T20:32:03+01:00"),
        ("2026-03-29T01:02:03-0300", "2026-03-29T06:02:03+02:00"),
        ("2026-03-29T02:30", "2026-03-29T03:30:00+02:00"),  # skipped: as the clock was, moved on
        ("2026-10-25T02:30", "2026-10-25T02:30:00+02:00"),  # twice: the first
        ("now", "2026-03-29T03:02:03.456+02:00"),
        ("now-1h", "2026-03-29T01:02:03.456+01:00"),
        ("now - 1h", "2026-03-29T01:02:03.456+01:00"),
        ("now+1m", "2026-03-29T03:03:03.456+02:00"),
        ("now 1m", "2026-03-29T03:03:03.456+02:00"),
        (" 1m", "2026-03-29T03:03:03.456+02:00"),
        ("+1m", "2026-03-29T03:03:03.456+02:00"),
        ("-15m", "2026-03-29T01:47:03.456+01:00"),
        ("15m", "2026-03-29T01:47:03.456+01:00"),
        ("1h30m", "2026-03-29T00:32:03.456+01:00"),
        ("-P1D", "2026-03-28T03:02:03.456+01:00"),
        ("PT15M", "2026-03-29T01:47:03.456+01:00"),
        ("now/s", "2026-03-29T03:02:03+02:00"),
        ("now/m", "2026-03-29T03:02:00+02:00"),
        ("now/h", "2026-03-29T03:00:00+02:00"),
        ("now/d", "2026-03-29T00:00:00+01:00"),
        ("now/w", "2026-03-23T00:00:00+01:00"),
        ("now/M", "2026-03-01T00:00:00+01:00"),
        ("now/y", "2026-01-01T00:00:00+01:00"),
        ("now-1d/d", "2026-03-28T00:00:00+01:00"),
        ("now/d-1h", "2026-03-28T23:00:00+01:00"),
        ("/d+6h", "2026-03-29T07:00:00+02:00"),
        ("today", "2026-03-29T00:00:00+01:00"),
        ("yesterday", "2026-03-28T00:00:00+01:00"),
        ("tomorrow", "2026-03-30T00:00:00+02:00"),
        ("yesterday+90m", "2026-03-28T01:30:00+01:00"),
        ("now-100y", "1970-01-01T01:00:00+01:00"),
        ("1912-06-23", "1970-01-01T01:00:00+01:00"),
    ],
)
def test_every_form_of_a_time(text: str, moment: str) -> None:
    assert at(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "noon", "-1", "now-1", "now-1x", "now/x", "now/", "now-", "nownow", "-", "1e9",
        "2026-13", "2026-02-30", "2026-1-1", "2026-03-29T25:00", "2026-03-29T01:02:03+99:00",
        "20261332", "99999999999999999999", "2300-01-01", "now+300y", "now-99999y", "0x10",
        "NaN", "'; DROP TABLE", "\x00", "١٧٧٤٧٤٦١٢٠", "now-1h" * 20,
    ],
)  # fmt: skip
def test_what_is_no_time_is_named_with_three_examples(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_time(text, "from", NOW, PARIS)
    assert (caught.value.code, caught.value.parameter) == ("parameter_invalid", "from")
    message = str(caught.value)
    assert message.startswith(f'from: "{text[:20]}')
    assert all(at(example) for example in message.split("for example ")[1].split(", "))


def test_a_time_without_zone_is_in_the_zone_of_the_asker() -> None:
    kolkata = parse_zone("Asia/Kolkata")
    assert parse_time("2026-03-29", "to", NOW, kolkata) == 1_774_722_600_000
    assert parse_time("now/h", "to", NOW, kolkata) == 1_774_744_200_000  # half past in UTC


@pytest.mark.parametrize("text", ["UTC", "utc", "Z", "Europe/Paris", "Etc/GMT+5"])
def test_a_zone_goes_by_its_name(text: str) -> None:
    assert parse_zone(text).key in (text, "UTC")


@pytest.mark.parametrize(
    "text",
    ["", "Paris", "Europe", "/etc/passwd", "../UTC", "Europe/../UTC", "right/UTC", "localtime",
     "posix/UTC", "Factory", "Europe/Paris\x00", "x" * 500, "CEST+1 CEST"],
)  # fmt: skip
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="for example UTC, Europe/Paris") as caught:
        parse_zone(text)
    assert caught.value.code == "parameter_invalid"


@pytest.mark.parametrize(
    ("from_", "to", "last", "expected"),
    [
        (None, None, None, Range(NOW - 86_400_000, NOW, until_now=True)),
        ("-5m", None, None, Range(NOW - 300_000, NOW, until_now=True)),
        (None, "1774700000", None, Range(1_774_613_600_000, 1_774_700_000_000)),
        (None, None, "7d", Range(NOW - 7 * 86_400_000 + 3_600_000, NOW, until_now=True)),
        (None, "1774700000", "1h", Range(1_774_696_400_000, 1_774_700_000_000)),
        (None, None, "9000y", Range(0, NOW, until_now=True)),
        ("-5m", "now", None, Range(NOW - 300_000, NOW, until_now=True)),
        ("-5m", str(NOW), None, Range(NOW - 300_000, NOW)),
        ("yesterday", "today", None, Range(1_774_652_400_000, 1_774_738_800_000)),
    ],
)
def test_a_range_is_what_its_ends_say(
    from_: str | None, to: str | None, last: str | None, expected: Range
) -> None:
    assert parse_range(from_, to, last, NOW, PARIS) == expected


@pytest.mark.parametrize(
    ("from_", "to", "last", "code", "parameter"),
    [
        ("now", "now", None, "range_invalid", "from"),
        ("now", "now-1h", None, "range_invalid", "from"),
        ("now+1m", None, None, "range_invalid", "from"),
        ("-1h", None, "1h", "range_invalid", "last"),
        (None, None, "often", "parameter_invalid", "last"),
        (None, None, "0s", "parameter_invalid", "last"),
        ("soon", None, None, "parameter_invalid", "from"),
        (None, "soon", None, "parameter_invalid", "to"),
    ],
)
def test_a_range_that_is_none_is_refused(
    from_: str | None, to: str | None, last: str | None, code: str, parameter: str
) -> None:
    with pytest.raises(QueryError) as caught:
        parse_range(from_, to, last, NOW, PARIS)
    assert (caught.value.code, caught.value.parameter) == (code, parameter)
