"""Spans of time as people write them: `90s`, `1h30m`, `1w`, `1M`, `P1DT2H`.

Pure. Months and days move the calendar of a time zone, everything shorter moves the clock: a day
after noon is noon, also when the night had 25 hours. `m` is a minute and `M` is a month.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
TEXT_LIMIT = 64
"""Characters of a time or a duration; longer ones are nobody's."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Months and days of the calendar, and milliseconds of the clock."""

    months: int = 0
    days: int = 0
    ms: int = 0

    def __add__(self, other: "Duration") -> "Duration":
        return Duration(self.months + other.months, self.days + other.days, self.ms + other.ms)

    def __neg__(self) -> "Duration":
        return Duration(-self.months, -self.days, -self.ms)

    def __bool__(self) -> bool:
        return bool(self.months or self.days or self.ms)

    def after(self, at_ms: int, zone: ZoneInfo) -> int:
        """The moment this much after `at_ms`, in epoch ms; OverflowError beyond the calendar.

        A day of the month that does not exist becomes the last one that does.
        """
        if self.months or self.days:
            wall = _add_months(local_time(at_ms, zone), self.months) + timedelta(days=self.days)
            at_ms = epoch_ms(wall)
        return at_ms + self.ms

    def nominal_ms(self) -> int:
        """About how long it is, with months of 30 days and years of 365."""
        years, months = divmod(abs(self.months), 12)
        months = 365 * years + 30 * months
        return (self.days + (months if self.months > 0 else -months)) * DAY_MS + self.ms


NO_TIME = Duration()

LONGEST_DAYS = 36_600
"""Days of the longest shift, a hundred years: no history is longer."""


def is_shift(span: Duration) -> bool:
    """Whether a range can be shifted back by it."""
    return 0 < span.nominal_ms() <= LONGEST_DAYS * DAY_MS


def parse_duration(text: str) -> Duration | None:
    """Read a duration without sign, or a whole number of seconds; None when it is neither."""
    text = text.strip()
    if len(text) > TEXT_LIMIT:
        return None
    if _SECONDS.fullmatch(text):
        return Duration(ms=int(text) * 1000)
    if text.startswith("P"):
        return _parse_iso(text)
    if not _PARTS.fullmatch(text):
        return None
    total = Duration()
    for amount, unit in _PART.findall(text):
        part = _times(amount, _UNITS.get(unit) or _UNITS.get(unit.lower().rstrip("s")))
        if part is None:
            return None
        total += part
    return total


def local_time(at_ms: int, zone: ZoneInfo) -> datetime:
    """What calendar and clock show in `zone`; OverflowError beyond the calendar."""
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def epoch_ms(at: datetime) -> int:
    """Epoch milliseconds of a time with a zone, rounded down."""
    return (at.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


_UNITS = {
    "ms": Duration(ms=1),
    "s": Duration(ms=1_000), "sec": Duration(ms=1_000), "second": Duration(ms=1_000),
    "m": Duration(ms=60_000), "min": Duration(ms=60_000), "minute": Duration(ms=60_000),
    "h": Duration(ms=3_600_000), "hr": Duration(ms=3_600_000), "hour": Duration(ms=3_600_000),
    "d": Duration(days=1), "day": Duration(days=1),
    "w": Duration(days=7), "week": Duration(days=7),
    "M": Duration(months=1), "mon": Duration(months=1), "month": Duration(months=1),
    "y": Duration(months=12), "yr": Duration(months=12), "year": Duration(months=12),
}  # fmt: skip

_SECONDS = re.compile(r"[0-9]{1,12}")
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})([A-Za-z]+)")
_PARTS = re.compile(rf"(?:{_NUMBER}[A-Za-z]+)+")
_ISO = re.compile(
    rf"P(?=.)(?:({_NUMBER})Y)?(?:({_NUMBER})M)?(?:({_NUMBER})W)?(?:({_NUMBER})D)?"
    rf"(?:T(?=.)(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
)


def _parse_iso(text: str) -> Duration | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    total = Duration()
    for amount, unit in zip(match.groups(), ("y", "M", "w", "d", "h", "m", "s"), strict=True):
        part = _times(amount, _UNITS[unit]) if amount else Duration()
        if part is None:
            return None
        total += part
    return total


def _times(amount: str, unit: Duration | None) -> Duration | None:
    """`amount` units; fractions only of what has a fixed length, and half a day is twelve hours."""
    if unit is None:
        return None
    if "." not in amount:
        number = int(amount)
        return Duration(unit.months * number, unit.days * number, unit.ms * number)
    if unit.months:
        return None
    return Duration(ms=int(Decimal(amount) * (unit.days * DAY_MS + unit.ms)))


def _add_months(wall: datetime, months: int) -> datetime:
    if not months:
        return wall
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("beyond the calendar")
    day = min(wall.day, monthrange(year, month + 1)[1])
    return wall.replace(year=year, month=month + 1, day=day)
