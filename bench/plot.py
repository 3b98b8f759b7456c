"""Bars with their spread as SVG, in light and in dark. Pure.

One panel for each unit, because a millisecond is not longer than a core. The goal is a line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

LETTER: Final = 7.2
"""Pixels of a letter, about."""

BAR_WIDTH: Final = 380
VALUE_WIDTH: Final = 120
ROW: Final = 26
TOP: Final = 44
HEADING: Final = 30

STYLE: Final = """\
svg { background: #fff; font: 13px system-ui, sans-serif }
text { fill: #1b1f24 } .title { font-size: 16px; font-weight: 600 } .unit { fill: #59636e }
.bar { fill: #2f6feb } .spread { stroke: #1b1f24; stroke-width: 1.5 }
.goal { stroke: #c4432b; stroke-width: 2; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 }
  text { fill: #e6edf3 } .unit { fill: #9198a1 }
  .bar { fill: #4f8cff } .spread { stroke: #e6edf3 } .goal { stroke: #ff7b61 }
}"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure: its median is the bar, least and most the line through its end."""

    name: str
    unit: str
    median: float
    least: float
    most: float
    goal: float | None = None


def shown(value: float) -> str:
    """A number as people read it: four digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def plot(title: str, bars: Sequence[Bar]) -> str:
    """A whole SVG document; the bars of a unit stand together and share a scale."""
    drawn: list[str] = []
    left = 32 + int(LETTER * max([len(bar.name) for bar in bars], default=0))
    y = TOP
    for unit in dict.fromkeys(bar.unit for bar in bars):
        panel = [bar for bar in bars if bar.unit == unit]
        drawn.append(f'<text class="unit" x="16" y="{y + 16}">{escape(unit)}</text>')
        y += HEADING
        drawn += _panel(panel, left, y)
        y += ROW * len(panel)
    width, height = left + BAR_WIDTH + VALUE_WIDTH, y + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img">\n<style>{STYLE}</style>\n'
        f"<title>{escape(title)}</title>\n"
        f'<text class="title" x="16" y="28">{escape(title)}</text>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _panel(bars: Sequence[Bar], left: int, y: int) -> Iterable[str]:
    """The bars of one unit, from `y` downwards."""
    ends = [value for bar in bars for value in (bar.most, bar.goal or 0.0)]
    scale = BAR_WIDTH / (max(ends) or 1.0)
    for bar in bars:
        yield from _bar(bar, left, y, scale)
        y += ROW


def _bar(bar: Bar, left: int, y: int, scale: float) -> Iterable[str]:
    middle = y + ROW / 2
    width = max(0.0, bar.median * scale)
    yield f'<text x="16" y="{middle + 4:g}">{escape(bar.name)}</text>'
    size = f'width="{width:.1f}" height="{ROW - 10}"'
    yield f'<rect class="bar" x="{left}" y="{y + 5}" {size} rx="2"/>'
    if bar.most > bar.least:
        low, high = left + max(0.0, bar.least * scale), left + bar.most * scale
        yield f'<path class="spread" d="M{low:.1f} {middle:g}H{high:.1f}"/>'
    if bar.goal is not None:
        at = left + bar.goal * scale
        yield f'<path class="goal" d="M{at:.1f} {y + 2}V{y + ROW - 2}"/>'
    furthest = max(width, bar.most * scale, (bar.goal or 0.0) * scale)
    yield f'<text x="{left + furthest + 8:.1f}" y="{middle + 4:g}">{shown(bar.median)}</text>'
