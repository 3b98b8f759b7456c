"""Small images of one series for pages elsewhere: a badge, a sparkline. Pure.

Law: whatever a user wrote is escaped; an image refers to nothing outside of itself.
"""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

CHARACTER_PX: Final = 6.6
"""About the width of a character at 11 px."""

TEXT_MAX: Final = 60

Values = Sequence[int | float | None]


def badge(label: str, value: str) -> str:
    """A label and a value side by side."""
    label, value = label[:TEXT_MAX] or "stat", value[:TEXT_MAX]
    left = round(len(label) * CHARACTER_PX + 14)
    right = round(len(value) * CHARACTER_PX + 14)
    text = escape(f"{label}: {value}", {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{text}"><rect width="{left}" height="20" fill="#4a5059"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="#2456c7"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
        f' text-anchor="middle"><text x="{left / 2}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(value)}</text></g></svg>'
    )


def sparkline(values: Values, width: int, height: int) -> str:
    """The shape of a series; what is not known is a gap."""
    known = [value for value in values if value is not None]
    path = path_of(values, min([0, *known]), max([0, *known]), width, height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="sparkline">'
        f'<path d="{path}" fill="none" stroke="#2f6fed" stroke-width="1.5"/></svg>'
    )


def path_of(values: Values, low: float, high: float, width: int, height: int) -> str:
    """The way of a pen from the left to the right, with `low` at the bottom."""
    reach = (high - low) or 1
    parts = []
    for index, value in enumerate(values):
        if value is None:
            continue
        x = index / max(1, len(values) - 1) * width
        y = height - 2 - (value - low) / reach * (height - 4)
        after_gap = index == 0 or values[index - 1] is None
        parts.append(f"{'M' if after_gap else 'L'}{x:.1f} {y:.1f}")
    return "".join(parts)


def short(value: float | None) -> str:
    """A number as a badge shows it: 12.3k."""
    if value is None:
        return "no data"
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scale = 1e3 if letter == "k" else limit
            return f"{value / scale:.3g}{letter}"
    return f"{value:.4g}"
