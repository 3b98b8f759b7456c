"""Spans of the week as people write them: `Mon-Fri 09:00-17:00`, `Sat,Sun`, `22:00-06:00`. Pure."""

import re
from contextlib import suppress
from typing import Final

from api.notify.oncalendar import CalendarFault, weekdays_of
from engine.active_times import DAY_MINUTES, ActiveTime

EVERY_DAY: Final = tuple(range(7))

CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
DAYS_OR_HOURS: Final = re.compile(r"(?P<days>[A-Za-z,.\-]+)?(?:\s*(?P<hours>[0-9:\-]+))?", re.ASCII)

EXPECTED: Final = "spans such as Mon-Fri 09:00-17:00, Sat,Sun or 22:00-06:00"


def active_time_of(text: str) -> ActiveTime | None:
    """The span that a text says: weekdays, hours, or both; None when it says none."""
    found = DAYS_OR_HOURS.fullmatch(text.strip())
    if found is None or not (found["days"] or found["hours"]):
        return None
    days = _days(found["days"]) if found["days"] else EVERY_DAY
    minutes = _minutes(found["hours"]) if found["hours"] else (0, DAY_MINUTES)
    return None if days is None or minutes is None else ActiveTime(days, *minutes)


def _days(text: str) -> tuple[int, ...] | None:
    with suppress(CalendarFault):
        return tuple(sorted(weekdays_of(text.replace("-", ".."))))
    return None


def _minutes(text: str) -> tuple[int, int] | None:
    first, _, last = text.partition("-")
    begin, end = _minute(first), _minute(last)
    if begin is None or end is None or begin in (end, DAY_MINUTES):
        return None
    return begin, end


def _minute(text: str) -> int | None:
    found = CLOCK.fullmatch(text)
    minute = 60 * int(found[1]) + int(found[2]) if found else DAY_MINUTES + 1
    return minute if minute <= DAY_MINUTES else None
