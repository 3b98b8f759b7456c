"""Times that come again, as calendars write them: `FREQ=MONTHLY;BYDAY=3TU` in a time zone. Pure.

Law: the wall clock repeats, not the seconds: a window at two in the morning stays there when the
clocks change. Day by day over a range that has an end: libraries look for a rule that never comes
until the year 9999, which takes them minutes.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

TEXT_LENGTH_MAX: Final = 500
OCCURRENCES_MAX: Final = 10_000
DAYS_AHEAD: Final = 5 * 366
"""A rule must come again within so many days."""

DAYS_MAX: Final = 30 * 366
"""Days that are looked at for a rule with a count, which must be counted from its beginning."""

FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
SHAPE: Final = re.compile(r"[A-Z]+=[A-Z0-9+,\-]+(?:;[A-Z]+=[A-Z0-9+,\-]+)*", re.ASCII)
BY_DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "INTERVAL": (1, 1_000), "COUNT": (1, OCCURRENCES_MAX), "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31), "BYHOUR": (0, 23), "BYMINUTE": (0, 59),
}  # fmt: skip
KNOWN: Final = ("FREQ", "BYDAY", "UNTIL", "WKST", *NUMBERS)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)


class CalendarFault(ValueError):
    """A rule that is none, or has parts that are not understood; the text says which."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """A rule that begins at `first`, a time on the wall of `zone`."""

    frequency: str
    first: datetime
    zone: ZoneInfo
    interval: int
    count: int | None
    until_ms: int | None
    months: Sequence[int]
    month_days: Sequence[int]
    week_days: Sequence[tuple[int, int]]
    hours: Sequence[int]
    minutes: Sequence[int]

    @property
    def ends(self) -> bool:
        """Whether it comes so many times or until some day, and no more."""
        return self.count is not None or self.until_ms is not None

    def between(self, from_ms: int, to_ms: int) -> list[int]:
        """When it comes in [from_ms, to_ms), epoch milliseconds; OCCURRENCES_MAX at most."""
        found = (at_ms for at_ms in self._times(from_ms, to_ms) if from_ms <= at_ms < to_ms)
        return list(islice(found, OCCURRENCES_MAX))

    def next_after(self, after_ms: int) -> int | None:
        """When it comes next, within five years; None when it does not."""
        to_ms = after_ms + DAYS_AHEAD * 86_400_000
        return next((at for at in self._times(after_ms, to_ms) if at > after_ms), None)

    def _times(self, from_ms: int, to_ms: int) -> Iterator[int]:
        """Its times from the day before `from_ms` on, or from the first one when they count."""
        day = self.first.date()
        if self.count is None:
            day = max(day, _wall(from_ms, self.zone).date() - DAY)
        left = self.count if self.count is not None else OCCURRENCES_MAX * DAYS_MAX
        first_ms = _ms(self.first, self.zone)
        for _ in range(DAYS_MAX):
            for at in self._on(day) if self._is_day(day) else ():
                at_ms = _ms(at, self.zone)
                if at_ms < first_ms:
                    continue
                if at_ms >= to_ms or (self.until_ms is not None and at_ms > self.until_ms):
                    return
                if left == 0:
                    return
                left -= 1
                yield at_ms
            day += DAY
            if _ms(datetime.combine(day, time()), self.zone) >= to_ms:
                return

    def _is_day(self, day: date) -> bool:
        """Whether it comes on this day."""
        return (
            self._is_turn(day)
            and (not self.months or day.month in self.months)
            and self._is_month_day(day)
            and self._is_week_day(day)
        )

    def _is_turn(self, day: date) -> bool:
        """Whether the interval has come round."""
        first = self.first.date()
        match self.frequency:
            case "YEARLY":
                passed = day.year - first.year
            case "MONTHLY":
                passed = (day.year - first.year) * 12 + day.month - first.month
            case "WEEKLY":
                monday, its = first - first.weekday() * DAY, day - day.weekday() * DAY
                passed = (its - monday).days // 7
            case "DAILY":
                passed = (day - first).days
            case _:
                return True
        return passed % self.interval == 0

    def _is_month_day(self, day: date) -> bool:
        if self.month_days:
            length = monthrange(day.year, day.month)[1]
            return any(day.day in (wanted, length + 1 + wanted) for wanted in self.month_days)
        if self.week_days or self.frequency in ("WEEKLY", "DAILY", "HOURLY"):
            return True
        if self.frequency == "YEARLY" and not self.months and day.month != self.first.month:
            return False
        return day.day == self.first.day

    def _is_week_day(self, day: date) -> bool:
        if not self.week_days:
            return self.frequency != "WEEKLY" or day.weekday() == self.first.weekday()
        return any(
            day.weekday() == weekday and (not place or self._is_place(day, place))
            for place, weekday in self.week_days
        )

    def _is_place(self, day: date, place: int) -> bool:
        """Whether it is the third, or the last but one, of its weekday in the month or year."""
        if self.frequency == "YEARLY" and not self.months:
            number = day.timetuple().tm_yday
            length = date(day.year, 12, 31).timetuple().tm_yday
        else:
            number, length = day.day, monthrange(day.year, day.month)[1]
        return place in ((number - 1) // 7 + 1, -((length - number) // 7 + 1))

    def _on(self, day: date) -> Iterator[datetime]:
        """Its times of such a day."""
        if self.frequency == "HOURLY":
            hours: Sequence[int] = [hour for hour in range(24) if self._is_hour(day, hour)]
        else:
            hours = self.hours or [self.first.hour]
        for hour in hours:
            for minute in self.minutes or [self.first.minute]:
                yield datetime.combine(day, time(hour, minute, self.first.second))

    def _is_hour(self, day: date, hour: int) -> bool:
        passed = (day - self.first.date()).days * 24 + hour - self.first.hour
        return passed % self.interval == 0 and (not self.hours or hour in self.hours)


def read_repeats(text: str, first_ms: int, zone: ZoneInfo) -> Repeats:
    """The rule that is written so, beginning at `first_ms`; CalendarFault when it is none."""
    text = text.strip().upper().removeprefix("RRULE:")
    if len(text) > TEXT_LENGTH_MAX or not SHAPE.fullmatch(text):
        raise CalendarFault("a rule is written like FREQ=MONTHLY;BYDAY=3TU")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name not in KNOWN:
            raise CalendarFault(f"{name} is not understood; known are {' '.join(KNOWN)}")
        if name in parts:
            raise CalendarFault(f"{name} stands there twice")
        parts[name] = value
    if parts.get("FREQ") not in FREQUENCIES:
        raise CalendarFault(f"FREQ is one of {' '.join(FREQUENCIES)}")
    if parts.get("WKST", "MO") != "MO":
        raise CalendarFault("weeks begin on Monday: WKST=MO")
    given = {name: _numbers(name, parts[name]) for name in NUMBERS if name in parts}
    if "COUNT" in parts and "UNTIL" in parts:
        raise CalendarFault("either COUNT or UNTIL")
    first = _wall(first_ms, zone).replace(tzinfo=None, microsecond=0)
    return Repeats(
        parts["FREQ"], first, zone, given.get("INTERVAL", [1])[0],
        given["COUNT"][0] if "COUNT" in given else None, _until(parts.get("UNTIL"), zone),
        given.get("BYMONTH", []), given.get("BYMONTHDAY", []),
        _week_days(parts["FREQ"], parts.get("BYDAY")), given.get("BYHOUR", []),
        given.get("BYMINUTE", []),
    )  # fmt: skip


def _numbers(name: str, text: str) -> list[int]:
    low, high = NUMBERS[name]
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    single = name in ("INTERVAL", "COUNT")
    if not found or not all(low <= one <= high for one in found) or (single and len(found) > 1):
        raise CalendarFault(f"{name} is from {low} to {high}")
    return found


def _week_days(frequency: str, text: str | None) -> list[tuple[int, int]]:
    found = []
    for part in text.split(",") if text else ():
        match = BY_DAY.fullmatch(part)
        place = int(match[1] or 0) if match else 0
        if match is None or abs(place) > 53 or (place and frequency not in ("MONTHLY", "YEARLY")):
            raise CalendarFault("BYDAY is like MO,WE; with FREQ=MONTHLY or YEARLY also 3TU, -1FR")
        found.append((place, WEEKDAYS.index(match[2])))
    return found


def _until(text: str | None, zone: ZoneInfo) -> int | None:
    """Until the end of a day, or a moment of the zone or of UTC; epoch milliseconds."""
    if text is None:
        return None
    for form, whole_day in (("%Y%m%dT%H%M%SZ", False), ("%Y%m%dT%H%M%S", False), ("%Y%m%d", True)):
        try:
            at = datetime.strptime(text, form)
            if form.endswith("Z"):
                return (at.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
            return _ms(at + DAY, zone) - 1 if whole_day else _ms(at, zone)
        except (ValueError, OverflowError):
            # Overflown where a day ends, or a zone is, beyond the years 1 to 9999.
            continue
    raise CalendarFault("UNTIL is like 20261231T230000Z")


def _wall(at_ms: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def _ms(wall: datetime, zone: ZoneInfo) -> int:
    return (wall.replace(tzinfo=zone).astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
