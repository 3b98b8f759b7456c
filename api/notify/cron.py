"""When a cron or calendar expression comes next, in its time zone. Pure."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from api.notify.oncalendar import read_calendar

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TEXT_LENGTH_MAX: Final = 120

CALENDAR: Final = "calendar "
"""What is written behind this word is systemd's, not cron's."""


@lru_cache(maxsize=10_000)
def next_ms(cron: str, tz: str, after_ms: int) -> int:
    """The next time after a moment, epoch milliseconds; 0 when it never comes or is none."""
    if len(cron) > TEXT_LENGTH_MAX:
        return 0
    try:
        after = (EPOCH + timedelta(milliseconds=after_ms)).astimezone(ZoneInfo(tz))
        found = _next(cron, after)
    except (CronSimError, StopIteration, OverflowError, ValueError, KeyError, OSError):
        return 0
    return 0 if found is None else (found.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


def _next(cron: str, after: datetime) -> datetime | None:
    if cron.startswith(CALENDAR):
        return read_calendar(cron.removeprefix(CALENDAR)).next_after(after)
    return next(CronSim(cron, after))
