"""Numbers, times and little charts for terminals. Pure."""

import math
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from api.query.times import iso

BARS: Final = "▁▂▃▄▅▆▇█"
NOTHING: Final = " "


def sparkline(values: Sequence[float | None]) -> str:
    """One character a value, the tallest for the largest; a gap for None.

    The smallest stands on the floor; where zero is not far from it, zero does.
    """
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING * len(values)
    low, high = min(known), max(known)
    if 0 <= low < high:
        low = 0.0 if low < high / 2 else low
    span = high - low
    level = BARS[0] if high == 0 else BARS[len(BARS) // 2 - 1]
    return "".join(
        NOTHING if value is None else level if span == 0 else _bar((value - low) / span)
        for value in values
    )


def short(value: float | None) -> str:
    """A number in at most about seven characters: `812`, `3.14`, `12.3k`, `4.5M`."""
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    for limit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e5, "k")):
        if size >= limit:
            return f"{value / (1e3 if suffix == 'k' else limit):.4g}{suffix}"
    if float(value).is_integer():
        return f"{int(value)}"
    return f"{value:.4g}"


def plain(value: float | None) -> str:
    """A number to read: whole ones exactly, others to seven digits."""
    if value is None or math.isnan(value):
        return "–"
    whole = float(value).is_integer() and abs(value) < 2**53
    return f"{int(value)}" if whole else f"{value:.7g}"


def moment(at_ms: int) -> str:
    """Epoch milliseconds to the second, as ISO 8601 in UTC."""
    return iso(at_ms - at_ms % 1000, UTC).replace("+00:00", "Z")


def in_bytes(size: float) -> str:
    """A number of bytes: `812 B`, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _bar(height: float) -> str:
    return BARS[min(len(BARS) - 1, int(height * len(BARS)))]
