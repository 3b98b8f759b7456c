"""When a limit will be reached, from what was used so far. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from engine.tiers import DAY_S, HOUR_S

LOOK_BACK_DAYS: Final = 7
"""The rate of the last days is what is expected to go on: a week has working days and others."""

AHEAD_DAYS_MAX: Final = 366


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of UTC: from its first second to that of the next, epoch seconds."""

    from_s: int
    to_s: int

    @classmethod
    def of(cls, at_s: int) -> "Month":
        """The month that holds a moment."""
        first = datetime.fromtimestamp(at_s, UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        later = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return cls(int(first.timestamp()), int(later.timestamp()))

    @property
    def days(self) -> range:
        """Its days, counted from the epoch."""
        return range(self.from_s // DAY_S, self.to_s // DAY_S)

    @property
    def name(self) -> str:
        """As in 2026-03."""
        return datetime.fromtimestamp(self.from_s, UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the month will come to, and when the limit is reached (epoch s), if it is."""

    expected: int
    reached_s: int | None


def rate_s(days: Sequence[int], now_s: int) -> float:
    """Points a second: `days` are the counts of the last days, today's last.

    A beginning, when all earlier days are empty, is judged by what there is.
    """
    used = next((place for place, count in enumerate(days) if count), len(days) - 1)
    known = days[used:]
    seconds = (len(known) - 1) * DAY_S + now_s % DAY_S
    return sum(known) / max(seconds, HOUR_S)


def forecast(used: int, limit: int | None, per_s: float, now_s: int, month: Month) -> Forecast:
    """How the month ends, when it goes on at this rate."""
    expected = used + int(per_s * (month.to_s - now_s))
    if limit is None:
        return Forecast(expected, None)
    if used >= limit:
        return Forecast(expected, now_s)
    if expected < limit:
        return Forecast(expected, None)
    return Forecast(expected, now_s + int((limit - used) / per_s))


def told(what: str, limit: int, reached_s: int | None, now_s: int) -> str:
    """The forecast as a sentence: "limit of 1,000,000 points reached on Thursday 14:00 (UTC)"."""
    if reached_s is None:
        return f"the limit of {limit:,} {what} is not reached this month"
    if reached_s <= now_s:
        return f"the limit of {limit:,} {what} is reached"
    at = datetime.fromtimestamp(reached_s - reached_s % HOUR_S, UTC)
    soon = reached_s - now_s < 6 * DAY_S
    day = at.strftime("%A") if soon else at.strftime("%A, %-d %B")
    return f"limit of {limit:,} {what} reached on {day} {at:%H:%M} (UTC)"
