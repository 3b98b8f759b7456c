"""How wide StatHat's buckets are: from `1 year @ 1 day`, from `1y1d`, or from their times. Pure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from engine.tiers import DAY_S, HOUR_S, MINUTE_S

_WORDS: Final = {
    "minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S, "week": 7 * DAY_S, "month": 30 * DAY_S,
    "year": 365 * DAY_S,
}  # fmt: skip
_LETTERS: Final = {
    "m": MINUTE_S, "h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S, "M": 30 * DAY_S, "y": 365 * DAY_S,
}  # fmt: skip
_LONG: Final = re.compile(r".*@\s*([0-9]{1,6})\s*([a-z]+?)s?\s*", re.ASCII | re.IGNORECASE)
_SHORT: Final = re.compile(r"[0-9]{1,6}[mhdwMy]([0-9]{1,6})([mhdwMy])", re.ASCII)


def width_of(timeframe: str, start: Sequence[int]) -> int:
    """The width of buckets in seconds, 0 if nothing tells it; `start` are their times."""
    if long := _LONG.fullmatch(timeframe):
        unit = _WORDS.get(long[2].lower(), 0)
        return int(long[1]) * unit
    if short := _SHORT.fullmatch(timeframe.strip()):
        return int(short[1]) * _LETTERS[short[2]]
    ordered = sorted(set(start))
    gaps = [after - before for before, after in pairwise(ordered)]
    return min(gaps, default=0)
