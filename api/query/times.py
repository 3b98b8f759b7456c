"""Moments and ranges as people write them, for every parameter that takes one.

Pure. Every text names an instant, and rounding (`now/d`, `today`, `2026-03`) goes to the start of
what it names. Ranges are half-open, so `from=yesterday&to=today` is yesterday and nothing else.
Times without a zone are in the asker's. A `+` that a URL turned into a space is still a plus.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from api.query.durations import TEXT_LIMIT, Duration, epoch_ms, local_time, parse_duration
from api.query.errors import QueryError, quote

EXAMPLES = "now-1h, 2026-03-29T01:02:00Z, 1774746120"
LATEST_MS = 7_258_118_400_000  # 2200-01-01: later is a slip of the keyboard.
DEFAULT_SPAN = Duration(ms=86_400_000)


@dataclass(frozen=True, slots=True)
class Range:
    """[from_ms, to_ms) in epoch milliseconds; never empty.

    `until_now` says that it ends with whatever is now, and includes that millisecond.
    """

    from_ms: int
    to_ms: int
    until_now: bool = False


def parse_zone(text: str, parameter: str = "tz") -> ZoneInfo:
    """The IANA time zone of that name."""
    name = "UTC" if text.upper() in ("UTC", "Z") else text
    try:
        if not _ZONE_NAME.fullmatch(name) or name.split("/")[0] in _NOT_ZONES:
            raise ValueError("not a name of a zone")
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise QueryError(
            "parameter_invalid", parameter,
            f"{parameter}: no time zone {quote(text)}; for example UTC, Europe/Paris, Asia/Kolkata",
        ) from error  # fmt: skip


def parse_time(text: str, parameter: str, now_ms: int, zone: ZoneInfo) -> int:
    """The moment that `text` names, in epoch milliseconds.

    Takes epoch s, ms, µs, ns (told apart by size), ISO 8601 whole or in part, `now`, `today`,
    `yesterday`, `tomorrow`, with `-1h`, `+1m`, `/d` after them, and durations alone: `-15m` and
    `15m` are ago. Moments before 1970 are 1970.
    """
    stripped, at_ms = text.strip(), None
    try:
        if 0 < len(stripped) <= TEXT_LIMIT:
            # A leading space was a plus: `+1m` is ahead, `1m` is ago.
            relative = "+" + stripped if text[0] == " " else stripped
            at_ms = _epoch(stripped)
            at_ms = _iso(stripped, zone) if at_ms is None else at_ms
            at_ms = _relative(relative, now_ms, zone) if at_ms is None else at_ms
    except (OverflowError, ValueError):
        at_ms = None  # 31 February, or a year that no calendar has
    if at_ms is None or at_ms > LATEST_MS:
        raise QueryError(
            "parameter_invalid", parameter,
            f"{parameter}: {quote(text)} is not a time; for example {EXAMPLES}",
        )  # fmt: skip
    return max(0, at_ms)


def parse_range(
    from_: str | None, to: str | None, last: str | None, now_ms: int, zone: ZoneInfo
) -> Range:
    """The range of `from`, `to` and `last`; without any of them the last 24 hours.

    `last=7d` is short for `from=now-7d`, and contradicts a `from`. An open start is 24 h before
    the end.
    """
    end = now_ms if to is None else parse_time(to, "to", now_ms, zone)
    if last is not None:
        if from_ is not None:
            raise QueryError("range_invalid", "last", "last: give either from or last, not both")
        start = _before(end, last, zone)
    elif from_ is not None:
        start = parse_time(from_, "from", now_ms, zone)
    else:
        start = max(0, end - DEFAULT_SPAN.ms)
    if start >= end:
        raise QueryError(
            "range_invalid", "from",
            f"from: the range is empty, from {iso(start, zone)} is not before to {iso(end, zone)}",
        )  # fmt: skip
    return Range(start, end, until_now=to is None or to.strip() == "now")


def iso(at_ms: int, zone: tzinfo) -> str:
    """ISO 8601 with offset in `zone`, with milliseconds only where there are some."""
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone)
    return at.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds")


_ZONE_NAME = re.compile(r"[A-Za-z0-9_+\-]{1,32}(?:/[A-Za-z0-9_+\-]{1,32}){0,2}")
# Names that lead to the zone of the machine, or to clocks that count leap seconds.
_NOT_ZONES = ("posix", "right", "localtime", "posixrules", "Factory")

_DATE = r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
_CLOCK = (
    r"(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
)
_ISO = re.compile(rf"{_DATE}(?:[Tt ]{_CLOCK})?)?)?(?P<offset>[Zz]|[+\- ][0-9]{{2}}:?[0-9]{{2}})?")
_PLAIN_DATE = re.compile(r"(?:19|20|21)[0-9]{6}")
_EPOCH = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,9})?")
_BASES = {"now": 0, "today": 0, "yesterday": -1, "tomorrow": 1}
_RELATIVE = re.compile(r"(now|today|yesterday|tomorrow)?((?:[+-][^+\-/]+|/[A-Za-z]+)*)")
_STEP = re.compile(r"([+-])([^+\-/]+)|/([A-Za-z]+)")
_SIZES = ((10**11, Decimal(1000)), (10**14, Decimal(1)), (10**17, Decimal("1e-3")))


def _epoch(text: str) -> int | None:
    """Epoch milliseconds of a plain number; four digits are a year and eight may be a date."""
    if not _EPOCH.fullmatch(text) or len(text) == 4:
        return None
    if _PLAIN_DATE.fullmatch(text):
        return None
    number = Decimal(text)
    for limit, scale in _SIZES:
        if number < limit:
            return int(number * scale)
    return int(number) // 10**6


def _iso(text: str, zone: ZoneInfo) -> int | None:
    if _PLAIN_DATE.fullmatch(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    at = datetime(
        int(part["year"]), int(part["month"] or 1), int(part["day"] or 1),
        int(part["hour"] or 0), int(part["minute"] or 0), int(part["second"] or 0),
        int((part["fraction"] or "0")[:6].ljust(6, "0")),
        tzinfo=_offset(part["offset"]) if part["offset"] else zone,
    )  # fmt: skip
    return epoch_ms(at)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _relative(text: str, now_ms: int, zone: ZoneInfo) -> int | None:
    text = re.sub(r"\s*([+\-/])\s*", r"\1", text)
    text = re.sub(r"\s+", "+", text)
    ago = parse_duration(text)
    if ago is not None and not text.isdigit():
        return (-ago).after(now_ms, zone)
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return None
    at_ms = now_ms
    if match[1] and match[1] != "now":
        at_ms = Duration(days=_BASES[match[1]]).after(_round_down(now_ms, "d", zone), zone)
    for sign, amount, unit in _STEP.findall(match[2]):
        if unit:
            at_ms = _round_down(at_ms, unit, zone)
            continue
        span = parse_duration(amount)
        if span is None or amount.isdigit():
            return None
        at_ms = (span if sign == "+" else -span).after(at_ms, zone)
    return at_ms


def _round_down(at_ms: int, unit: str, zone: ZoneInfo) -> int:
    """The start of the second, minute, hour, day, week (Monday), month or year of a moment."""
    if unit == "s":
        return at_ms - at_ms % 1000
    at = local_time(at_ms, zone)
    if unit in ("m", "h"):
        return epoch_ms(at.replace(minute=at.minute if unit == "m" else 0, second=0, microsecond=0))
    if unit == "w":
        at -= timedelta(days=at.weekday())
    elif unit == "M":
        at = at.replace(day=1)
    elif unit == "y":
        at = at.replace(month=1, day=1)
    elif unit != "d":
        raise ValueError(f"no unit {unit}")
    return epoch_ms(at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))


def _before(end_ms: int, last: str, zone: ZoneInfo) -> int:
    span = parse_duration(last)
    try:
        start = (-span).after(end_ms, zone) if span else None
    except OverflowError:
        start = 0
    if start is None:
        raise QueryError(
            "parameter_invalid", "last",
            f"last: {quote(last)} is not a duration; for example 15m, 24h, 7d",
        )  # fmt: skip
    return max(0, start)
