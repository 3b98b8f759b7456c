"""What a point is, and which ones no server would take. Pure."""

import math
from datetime import datetime
from typing import Final, Literal, NamedTuple, SupportsFloat

Kind = Literal["counter", "value"]

When = datetime | float | None
"""A moment: a date with or without zone (then it is local), epoch seconds, or None for now."""

NAME_LENGTH_MAX: Final = 255
"""Characters of a stat's name."""

VALUE_LIMIT: Final = 1e100


class Point(NamedTuple):
    """One number of one stat; `at_ms` is epoch milliseconds."""

    stat: str
    value: float
    kind: Kind
    at_ms: int


class Unusable(Exception):
    """No server would take this; `code` is the one that a server would answer with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def point_of(kind: Kind, stat: object, value: SupportsFloat, at: When, now_s: float) -> Point:
    """A point as it was meant, or Unusable."""
    if not isinstance(stat, str) or not 0 < len(stat.strip()) <= NAME_LENGTH_MAX:
        raise Unusable("stat_name_length", f"a name has 1 to {NAME_LENGTH_MAX} characters")
    if not _is_text(stat):
        raise Unusable("stat_name_chars", "the name is not text")
    if at is None:
        at = now_s
    at_s = at.timestamp() if isinstance(at, datetime) else _number("timestamp_invalid", at)
    return Point(stat, _number("value_type", value), kind, int(at_s * 1000))


def _number(code: str, given: SupportsFloat) -> float:
    if isinstance(given, bool | str | bytes):
        raise Unusable(code, f"{given!r:.50} is not a number")
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        raise Unusable(code, f"{given!r:.50} is not a number") from None
    if not math.isfinite(number) or abs(number) > VALUE_LIMIT:
        raise Unusable("value_out_of_range", f"{number} cannot be added up")
    return number


def _is_text(name: str) -> bool:
    """Whether it can be written: file names may hold halves of characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
