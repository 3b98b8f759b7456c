"""The last values of a stat as a small picture that stands inside a mail. Pure.

No image is loaded and no SVG is needed, which many mail programs do not show: a row of cells with
heights, or a row of block characters in plain text.
"""

from collections.abc import Sequence
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
HEIGHT_PX: Final = 32
WIDTH_PX: Final = 6


def text_line(points: Sequence[float]) -> str:
    """A line of block characters."""
    return "".join(BLOCKS[round(share * (len(BLOCKS) - 1))] for share in shares(points))


def html_line(points: Sequence[float], color: str) -> str:
    """A table with one bar for each point."""
    cells = "".join(
        f'<td valign="bottom" style="padding:0 1px 0 0"><div style="width:{WIDTH_PX}px;'
        f'height:{max(1, round(share * HEIGHT_PX))}px;background:{color}"></div></td>'
        for share in shares(points)
    )
    return (
        f'<table role="img" aria-label="the last values" cellspacing="0" cellpadding="0"'
        f' style="height:{HEIGHT_PX}px"><tr>{cells}</tr></table>'
    )


def shares(points: Sequence[float]) -> list[float]:
    """Where each point stands between the lowest, or zero, and the highest: 0 to 1."""
    if not points:
        return []
    low, high = min(0.0, *points), max(points)
    return [(value - low) / (high - low) if high > low else 0.0 for value in points]
