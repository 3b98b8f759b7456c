"""When messages of a rule may be sent: spans of the week on the wall of a time zone. Pure.

Law: the wall clock decides, not the seconds: whoever works from nine does so when the clocks have
changed too.
"""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

DAY_MINUTES: Final = 1_440
DAYS_AHEAD: Final = 8
"""A span of the week comes again within so many days."""


class ActiveTime(NamedTuple):
    """A span of some weekdays (0 is Monday), in minutes of the day.

    One whose end is not later than its beginning ends on the day after.
    """

    days: tuple[int, ...]
    from_minute: int
    to_minute: int


def closed_until_ms(times: tuple[ActiveTime, ...], tz: str, now_ms: int) -> int:
    """When the next span begins, epoch milliseconds; 0 within one, or if there are none."""
    return _closed_until_ms(times, tz, now_ms // 60_000) if times else 0


# Spans begin and end with minutes, and every point of a rule asks anew.
@lru_cache(4_096)
def _closed_until_ms(times: tuple[ActiveTime, ...], tz: str, minute: int) -> int:
    zone = ZoneInfo(tz)
    now = datetime.fromtimestamp(60 * minute, UTC).astimezone(zone)
    if any(_covers(one, now) for one in times):
        return 0
    openings = (
        datetime.combine(day, time(*divmod(one.from_minute, 60)), zone)
        for day in (now.date() + timedelta(days=later) for later in range(DAYS_AHEAD))
        for one in times
        if day.weekday() in one.days
    )
    stamps = (int(opening.timestamp()) for opening in openings)
    return 1_000 * min(stamp for stamp in stamps if stamp > 60 * minute)


def _covers(one: ActiveTime, now: datetime) -> bool:
    minute, today = 60 * now.hour + now.minute, now.weekday()
    if one.from_minute < one.to_minute:
        return today in one.days and one.from_minute <= minute < one.to_minute
    begun = today in one.days and minute >= one.from_minute
    return begun or ((today - 1) % 7 in one.days and minute < one.to_minute)
