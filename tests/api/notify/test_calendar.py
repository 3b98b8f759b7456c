"""Times that come again."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from api.notify.calendar import CalendarFault, read_repeats

PARIS = ZoneInfo("Europe/Paris")


def ms(text: str, zone: ZoneInfo = PARIS) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def local(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, PARIS).isoformat(" ", "minutes")[:16]


def test_the_third_tuesday_of_every_month() -> None:
    repeats = read_repeats("FREQ=MONTHLY;BYDAY=3TU", ms("2026-01-20 02:00"), PARIS)
    found = repeats.between(ms("2026-01-01 00:00"), ms("2026-05-01 00:00"))
    assert [local(at) for at in found] == [
        "2026-01-20 02:00", "2026-02-17 02:00", "2026-03-17 02:00", "2026-04-21 02:00",
    ]  # fmt: skip


def test_the_wall_clock_stays_when_the_clocks_change() -> None:
    repeats = read_repeats("FREQ=DAILY", ms("2026-03-28 04:00"), PARIS)
    first, second = repeats.between(ms("2026-03-28 00:00"), ms("2026-03-30 00:00"))
    assert (local(first), local(second)) == ("2026-03-28 04:00", "2026-03-29 04:00")
    assert second - first == 23 * 3_600_000


def test_a_count_and_an_until_end_it() -> None:
    first = ms("2026-01-01 00:00")
    counted = read_repeats("FREQ=DAILY;COUNT=3", first, PARIS)
    assert len(counted.between(0, ms("2027-01-01 00:00"))) == 3
    assert counted.ends
    assert counted.next_after(ms("2026-01-03 00:00")) is None
    until = read_repeats("RRULE:FREQ=DAILY;UNTIL=20260104T000000Z", first, PARIS)
    assert len(until.between(0, ms("2027-01-01 00:00"))) == 4
    assert until.ends
    assert not read_repeats("FREQ=DAILY", first, PARIS).ends


def test_a_rule_that_never_comes_is_found_out() -> None:
    never = read_repeats("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", ms("2026-01-01 00:00"), PARIS)
    assert never.next_after(ms("2026-01-01 00:00")) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "weekly", "FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=DAILY;UNTIL=never", "FREQ=",
        "FREQ=DAILY;BYSETPOS=1", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=2;UNTIL=20260104",
        "FREQ=WEEKLY;BYDAY=3TU", "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY\nDTSTART:2026", "FREQ=DAILY;INTERVAL=x", "BYDAY=MO", "FREQ=DAILY;" * 60,
        "FREQ=DAILY;BYDAY=9XX", "FREQ=DAILY;UNTIL=99991231", "FREQ=DAILY;UNTIL=00010101T000000",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(CalendarFault):
        read_repeats(text, ms("2026-01-01 00:00"), PARIS)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;BYDAY=MO,TH;BYHOUR=3", "FREQ=WEEKLY;BYDAY=SA,SU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=1,13", "FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=2",
        "FREQ=MONTHLY;BYDAY=3TU;COUNT=9", "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "FREQ=YEARLY;BYDAY=20MO", "FREQ=HOURLY;INTERVAL=5", "FREQ=HOURLY;BYHOUR=2,4;BYDAY=MO",
        "FREQ=DAILY;BYMINUTE=0,30;COUNT=50", "FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR",
    ],
)  # fmt: skip
def test_it_agrees_with_the_library(rule: str) -> None:
    utc, first = ZoneInfo("UTC"), datetime(2024, 8, 30, 4, 15)
    from_ms, to_ms = ms("2024-02-01 00:00", utc), ms("2027-08-01 00:00", utc)
    first_ms = int(first.replace(tzinfo=utc).timestamp() * 1000)
    found = read_repeats(rule, first_ms, utc).between(from_ms, to_ms)
    expected = [at for at in library(rule, first, to_ms) if from_ms <= at]
    assert found == expected[:10_000]
    assert found


def library(rule: str, first: datetime, to_ms: int) -> list[int]:
    """The times that the library finds."""
    found = []
    for at in rrulestr(rule, dtstart=first):
        at_ms = int(at.replace(tzinfo=ZoneInfo("UTC")).timestamp() * 1000)
        if at_ms >= to_ms:
            break
        found.append(at_ms)
    return found
