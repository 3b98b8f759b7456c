"""When crons and calendar expressions come next, also where the clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from api.notify.cron import CALENDAR, next_ms
from api.notify.oncalendar import CalendarFault, read_calendar

BERLIN = "Europe/Berlin"


def ms(text: str, tz: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp() * 1000)


def coming(expression: str, after: str, tz: str = "UTC", amount: int = 3) -> list[str]:
    """The next times, as clocks in that zone show them."""
    at_ms, found = ms(after, tz), []
    for _ in range(amount):
        at_ms = next_ms(expression, tz, at_ms)
        found.append(datetime.fromtimestamp(at_ms / 1000, ZoneInfo(tz)).isoformat(" ")[:16])
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("hourly", "2026-01-01 10:00", ["2026-01-01 11:00", "2026-01-01 12:00"]),
        ("daily", "2026-01-01 10:00", ["2026-01-02 00:00", "2026-01-03 00:00"]),
        ("weekly", "2026-01-01 10:00", ["2026-01-05 00:00", "2026-01-12 00:00"]),
        ("quarterly", "2026-01-01 10:00", ["2026-04-01 00:00", "2026-07-01 00:00"]),
        ("Mon", "2026-01-02 10:00", ["2026-01-05 00:00", "2026-01-12 00:00"]),
        ("Mon..Fri 09:30", "2026-01-02 10:00", ["2026-01-05 09:30", "2026-01-06 09:30"]),
        ("Fri..Mon 09:00", "2026-01-02 10:00", ["2026-01-03 09:00", "2026-01-04 09:00"]),
        ("Sat,Sun *-*-* 12:00", "2026-01-02 10:00", ["2026-01-03 12:00", "2026-01-04 12:00"]),
        ("*-*-1,15 03:30", "2026-01-02 10:00", ["2026-01-15 03:30", "2026-02-01 03:30"]),
        ("*:0/20", "2026-01-01 10:30", ["2026-01-01 10:40", "2026-01-01 11:00"]),
        ("08..10:00", "2026-01-01 09:30", ["2026-01-01 10:00", "2026-01-02 08:00"]),
        ("*-02~1", "2026-01-01 10:00", ["2026-02-28 00:00", "2027-02-28 00:00"]),
        ("*-*~01 23:00", "2026-01-31 23:00", ["2026-02-28 23:00", "2026-03-31 23:00"]),
        ("2028-02-29", "2026-01-01 10:00", ["2028-02-29 00:00"]),
        ("Thu 1-1", "2026-01-02 00:00", ["2032-01-01 00:00"]),
        ("12:00 Asia/Tokyo", "2026-01-01 00:00", ["2026-01-01 03:00", "2026-01-02 03:00"]),
    ],
)
def test_calendar_expressions_of_systemd(expression: str, after: str, expected: list[str]) -> None:
    assert coming(CALENDAR + expression, after, amount=len(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "25:00", "*-13-01", "*-*-32", "*:60", "1..0:00", "*:0/0", "a:b", "12",
     "*-*-* * *", "Moon 12:00", "12:00 Mars/Base", "1-2-3-4", "*:*:*:*", "٣:00"],
)  # fmt: skip
def test_what_is_no_calendar_expression(text: str) -> None:
    with pytest.raises(CalendarFault):
        read_calendar(text)
    assert next_ms(CALENDAR + text, "UTC", 0) == 0


@pytest.mark.parametrize("expression", ["2020-01-01", "*-02-30", "*-04-31 12:00"])
def test_what_never_comes(expression: str) -> None:
    assert next_ms(CALENDAR + expression, "UTC", ms("2026-01-01")) == 0


@pytest.mark.parametrize("expression", ["30 2 * * *", CALENDAR + "02:30"])
def test_the_wall_clock_counts_when_the_clocks_change(expression: str) -> None:
    spring = coming(expression, "2026-03-28 00:00", BERLIN, amount=2)
    assert spring[0] == "2026-03-28 02:30"
    # At half past two there is nothing on that day: the next that there is.
    assert spring[1] in ("2026-03-29 03:00", "2026-03-30 02:30")
    autumn = coming(expression, "2026-10-24 12:00", BERLIN, amount=2)
    assert autumn == ["2026-10-25 02:30", "2026-10-26 02:30"]


@pytest.mark.parametrize("expression", ["0 12 * * *", CALENDAR + "12:00"])
def test_noon_is_noon_in_winter_and_in_summer(expression: str) -> None:
    before = next_ms(expression, BERLIN, ms("2026-03-28 00:00", BERLIN))
    after = next_ms(expression, BERLIN, before)
    assert after - before == 23 * 3_600_000


def test_texts_without_end_are_none() -> None:
    assert next_ms("0 " * 200, "UTC", 0) == 0
    assert next_ms("* * * * *", "Mars/Base", 0) == 0
