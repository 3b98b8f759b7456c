"""When a cron expression comes next, in its time zone. Pure."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TEXT_LENGTH_MAX: Final = 100


@lru_cache(maxsize=10_000)
def next_ms(cron: str, tz: str, after_ms: int) -> int:
    """The next time after a moment, epoch milliseconds; 0 when it never comes or is none."""
    if len(cron) > TEXT_LENGTH_MAX:
        return 0
    try:
        after = (EPOCH + timedelta(milliseconds=after_ms)).astimezone(ZoneInfo(tz))
        found = next(CronSim(cron, after))
    except (CronSimError, StopIteration, OverflowError, ValueError, KeyError, OSError):
        return 0
    return (found.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
