"""When messages of a rule may be sent: spans of the week on the wall of a time zone. Pure.

Law: the wall clock decides, not the seconds: whoever works from nine does so when the clocks have
changed too.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
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


def closed_until_ms(times: Sequence[ActiveTime], tz: str, now_ms: int) -> int:
    """When the next span begins, epoch milliseconds; 0 within one, or if there are none."""
    if not times:
        return 0
    zone = ZoneInfo(tz)
    now = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(zone)
    if any(_covers(one, now) for one in times):
        return 0
    openings = (
        datetime.combine(day, time(*divmod(one.from_minute, 60)), zone)
        for day in (now.date() + timedelta(days=later) for later in range(DAYS_AHEAD))
        for one in times
        if day.weekday() in one.days
    )
    stamps = (int(opening.timestamp() * 1000) for opening in openings)
    return min(stamp for stamp in stamps if stamp > now_ms)


def _covers(one: ActiveTime, now: datetime) -> bool:
    minute, today = 60 * now.hour + now.minute, now.weekday()
    if one.from_minute < one.to_minute:
        return today in one.days and one.from_minute <= minute < one.to_minute
    begun = today in one.days and minute >= one.from_minute
    return begun or ((today - 1) % 7 in one.days and minute < one.to_minute)
