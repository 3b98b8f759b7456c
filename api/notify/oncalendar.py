"""Systemd's calendar expressions (`OnCalendar=`): when they come next in a time zone. Pure.

`Mon..Fri 09:00`, `*-*-1,15 03:30`, `*-02~1` (the last day of February), `*:0/10`, `hourly`; a time
zone may stand at the end. Times that a change of the clocks leaves out do not come; those that it
repeats come once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.query.errors import QueryError
from api.query.times import parse_zone

YEARS: Final = range(1970, 2200)
DAYS_MAX: Final = 366 * 29
"""After a leap year every weekday has met every date."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORT: Final = {
    "minutely": "*:*:00", "hourly": "*:00:00", "daily": "00:00:00", "weekly": "Mon 00:00:00",
    "monthly": "*-*-01 00:00:00", "quarterly": "*-01,04,07,10-01 00:00:00",
    "semiannually": "*-01,07-01 00:00:00", "annually": "*-01-01 00:00:00",
    "yearly": "*-01-01 00:00:00",
}  # fmt: skip

DATE: Final = re.compile(r"(?:(?P<years>[^-~]+)-)?(?P<months>[^-~]+)(?P<sign>[-~])(?P<days>[^-~]+)")
PART: Final = re.compile(r"(?:(\*)|(\d+)(?:\.\.(\d+))?)(?:/(\d+))?", re.ASCII)


class CalendarFault(ValueError):
    """The text is no calendar expression."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What an expression allows; `from_end`: days are counted from the end of the month."""

    weekdays: frozenset[int]
    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    from_end: bool
    times: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    zone: ZoneInfo | None

    def next_after(self, after: datetime) -> datetime | None:
        """The next time after a moment, in its zone; None when it never comes."""
        zone = self.zone or after.tzinfo
        local = after.astimezone(zone)
        for day in self._days_from(local.date()):
            for wall in self._times(local.time() if day == local.date() else time()):
                found = datetime.combine(day, wall, zone)
                back = found.astimezone(UTC).astimezone(zone)
                if back.replace(tzinfo=None) == found.replace(tzinfo=None) and found > after:
                    return found
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        day, last = first, first + timedelta(days=DAYS_MAX)
        while day < last:
            if day.month not in self.months or day.year not in self.years:
                day += timedelta(days=_days_in(day) - day.day + 1)
                continue
            place = _days_in(day) - day.day + 1 if self.from_end else day.day
            if place in self.days and day.weekday() in self.weekdays:
                yield day
            day += timedelta(days=1)

    def _times(self, first: time) -> Iterator[time]:
        hours, minutes, seconds = self.times
        for hour in hours:
            if hour >= first.hour:
                for minute in minutes:
                    for second in seconds:
                        yield time(hour, minute, second)


def read_calendar(text: str) -> Calendar:
    """The calendar of an expression; CalendarFault when it is none."""
    words = text.split()
    if not words:
        raise CalendarFault("an empty text is no calendar expression")
    zone = _zone(words[-1]) if len(words) > 1 else None
    words = words[: -1 if zone else None]
    if len(words) == 1:
        words = SHORT.get(words[0].lower(), words[0]).split()
    weekdays = frozenset(range(7))
    if words and words[0][:1].isalpha():
        weekdays = weekdays_of(words.pop(0))
    wall = words.pop() if words and ":" in words[-1] else "00:00:00"
    day = words.pop() if words else "*-*-*"
    found = DATE.fullmatch(day)
    if words or found is None:
        raise CalendarFault(f"{text[:40]} is no calendar expression")
    return Calendar(
        weekdays, frozenset(_numbers(found["years"] or "*", YEARS)),
        frozenset(_numbers(found["months"], range(1, 13))),
        frozenset(_numbers(found["days"], range(1, 32))), found["sign"] == "~", _wall(wall), zone,
    )  # fmt: skip


def _wall(text: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise CalendarFault(f"{text[:40]} is no time of day")
    hours, minutes, seconds = [*parts, "00"][:3]
    sixty = range(60)
    return _numbers(hours, range(24)), _numbers(minutes, sixty), _numbers(seconds, sixty)


def weekdays_of(text: str) -> frozenset[int]:
    """The days, 0 for Monday, of a text such as `Mon..Fri,Sun`; CalendarFault when it is none."""
    found: set[int] = set()
    for part in text.lower().rstrip(",").split(","):
        first, dots, last = part.partition("..")
        try:
            low, high = (WEEKDAYS.index(name[:3]) for name in (first, last if dots else first))
        except ValueError:
            raise CalendarFault(f"{part[:40]} is no day of the week") from None
        # Fri..Mon goes over the weekend.
        found |= {day % 7 for day in range(low, high + (7 if high < low else 0) + 1)}
    return frozenset(found)


def _numbers(text: str, allowed: range) -> tuple[int, ...]:
    """The numbers of a list such as `1,5..7,0/10`, sorted."""
    found: set[int] = set()
    for part in text.split(","):
        match = PART.fullmatch(part)
        if match is None:
            raise CalendarFault(f"{part[:40]} is no number or range")
        every, low, high, step = match.groups()
        first = allowed.start if every else int(low)
        last = allowed.stop - 1 if every or (step and not high) else int(high or low)
        if first not in allowed or last not in allowed or not int(step or 1):
            raise CalendarFault(f"{part[:40]} is out of range")
        found |= set(range(first, last + 1, int(step or 1)))
    if not found:
        raise CalendarFault(f"{text[:40]} allows nothing")
    return tuple(sorted(found))


def _zone(word: str) -> ZoneInfo | None:
    if not word[:1].isalpha() or word.lower()[:3] in WEEKDAYS:
        return None
    try:
        return parse_zone(word)
    except QueryError:
        return None


def _days_in(day: date) -> int:
    following = day.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day
