"""Which buckets StatHat's clients ask for: `t=1w3h` is a week in steps of three hours. Pure.

Law: an answer says in words what it has. Where buckets of the width asked for are not kept, or no
calendar has them, they are others, and the words say which.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.http.problems import Problem
from api.query.calendar import DAY, MONTH, WEEK, YEAR, Resolution, Unit
from api.query.durations import Duration
from api.query.resolution import clock_resolution
from engine.tiers import DAY_S, HOUR_S, MINUTE_S

DEFAULT: Final = "1w3h"
"""What is answered when nobody says how much."""

EXAMPLES: Final = "1w3h, 1d10m, 1y1d"

_PARTS: Final = re.compile(r"([0-9]{1,4})([mhdwMy])([0-9]{1,4})([mhdwMy])")
_SPAN: Final = re.compile(r"([0-9]{1,4})([mhdwMy])")

_UNITS: Final[Mapping[str, Duration]] = {
    "m": Duration(ms=60_000), "h": Duration(ms=3_600_000), "d": Duration(days=1),
    "w": Duration(days=7), "M": Duration(months=1), "y": Duration(months=12),
}  # fmt: skip
_CALENDAR: Final[Mapping[str, Resolution]] = {"d": DAY, "w": WEEK, "M": MONTH, "y": YEAR}
_CLOCK_S: Final[Mapping[str, int]] = {"m": MINUTE_S, "h": HOUR_S}

# From the widest: what is a whole number of these is called so.
_WORDS: Final = (
    ("week", Duration(days=7)), ("day", Duration(days=1)),
    ("hour", Duration(ms=3_600_000)), ("minute", Duration(ms=60_000)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timeframe:
    """How far back, and in which steps."""

    span: Duration
    step: Resolution

    def told(self, step: Resolution) -> str:
        """`1 week @ 3 hours`, with the steps that were found."""
        return f"{_words(self.span)} @ {_words(_duration(step))}"


def read_timeframe(text: str) -> Timeframe:
    """What `t` says; Problem when it says nothing."""
    found = _PARTS.fullmatch(text.strip())
    if found is None or not int(found[1]) or not int(found[3]):
        detail = f"t: a duration and an interval, each a number and one of m h d w M y: {EXAMPLES}."
        raise Problem("parameter_invalid", detail)
    return Timeframe(_times(found[1], found[2]), _step(int(found[3]), found[4]))


def read_summary(text: str) -> Timeframe:
    """What `summary` says: so far back, day by day."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or not int(found[1]):
        detail = "summary: a duration, a number and one of m h d w M y: 7d, 1M, 1y."
        raise Problem("parameter_invalid", detail)
    return Timeframe(_times(found[1], found[2]), DAY)


def _times(amount: str, unit: str) -> Duration:
    one, number = _UNITS[unit], int(amount)
    return Duration(one.months * number, one.days * number, one.ms * number)


def _step(amount: int, unit: str) -> Resolution:
    """Buckets of that width, or the next wider ones that fill a day; of several days, days."""
    if unit in _CALENDAR:
        return _CALENDAR[unit]
    wanted_s = amount * _CLOCK_S[unit]
    fitting = (s for s in range(wanted_s, DAY_S, MINUTE_S) if DAY_S % s == 0)
    width_s = next(fitting, None)
    return DAY if width_s is None else clock_resolution(width_s)


def _duration(step: Resolution) -> Duration:
    if step.unit is Unit.CLOCK:
        return Duration(ms=1000 * step.step_s)
    return _UNITS[step.name[-1]]


def _words(span: Duration) -> str:
    if span.months:
        years, rest = divmod(span.months, 12)
        return _counted(span.months, "month") if rest else _counted(years, "year")
    length_ms = span.nominal_ms()
    for word, one in _WORDS:
        if length_ms % one.nominal_ms() == 0:
            return _counted(length_ms // one.nominal_ms(), word)
    return _counted(length_ms // 1000, "second")


def _counted(amount: int, word: str) -> str:
    return f"{amount} {word}" if amount == 1 else f"{amount} {word}s"
