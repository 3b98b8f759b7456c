"""What StatHat's embeds show on pages elsewhere: a graph, a table, figures, a number. Pure.

Law: whatever a user wrote is escaped; a picture refers to nothing outside of itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from api.boards.images import Values, path_of, short

COLOURS: Final = ("#2f6fed", "#d9480f", "#2b8a3e")
"""Of the first, second and third stat."""

TITLE_PX: Final = 18
LABEL_PX: Final = 16


@dataclass(frozen=True, slots=True)
class Shown:
    """A stat: its buckets, those of the time before if they are compared, and whether it counts."""

    name: str
    counter: bool
    values: Values
    before: Values = ()

    @property
    def known(self) -> list[float]:
        """The buckets of which something is known."""
        return [value for value in self.values if value is not None]

    @property
    def headline(self) -> float | None:
        """The total of a counter, the average of values."""
        known = self.known
        if not known:
            return None
        return sum(known) if self.counter else sum(known) / len(known)


@dataclass(frozen=True, slots=True)
class Size:
    """Of a picture, in pixels."""

    width: int
    height: int


def graph(stats: Sequence[Shown], size: Size, title: str) -> str:
    """Lines, the time before dashed."""
    known = [
        value for one in stats for value in (*one.values, *one.before) if value is not None
    ]  # fmt: skip
    low, high = min([0.0, *known]), max([0.0, *known])
    height = max(10, size.height - TITLE_PX - LABEL_PX)
    lines = "".join(
        _line(values, low, high, Size(size.width, height), colour, dashed=dashed)
        for one, colour in zip(stats, COLOURS, strict=False)
        for values, dashed in ((one.before, True), (one.values, False))
        if values
    )
    names = title or ", ".join(one.name for one in stats)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size.width}" height="{size.height}"'
        f' viewBox="0 0 {size.width} {size.height}" role="img" aria-label="{_text(names)}">'
        f'<g font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#4a5059">'
        f'<text x="2" y="12">{_text(names)}</text>'
        f'<text x="2" y="{size.height - 4}">{_text(f"{short(low)} – {short(high)}")}</text></g>'
        f'<g transform="translate(0 {TITLE_PX})">{lines}</g></svg>'
    )


def table(stats: Sequence[Shown], size: Size, title: str) -> str:
    """A row a stat: total or average, least, greatest, latest."""
    rows = "".join(
        f"<tr><th>{_text(one.name)}</th>{''.join(f'<td>{_figure(x)}</td>' for x in _row(one))}</tr>"
        for one in stats
    )
    caption = f"<caption>{_text(title)}</caption>" if title else ""
    heads = "".join(f"<th>{name}</th>" for name in ("", "total, mean", "min", "max", "latest"))
    return f'<table width="{size.width}">{caption}<tr>{heads}</tr>{rows}</table>'


def data(stats: Sequence[Shown], size: Size, title: str) -> str:
    """The total or average of each."""
    rows = "".join(
        f"<dt>{_text(one.name)}</dt><dd>{_figure(one.headline)}</dd>" for one in stats
    )  # fmt: skip
    head = f"<strong>{_text(title)}</strong>" if title else ""
    return f'<div style="width:{size.width}px">{head}<dl>{rows}</dl></div>'


def text(stats: Sequence[Shown], size: Size, title: str) -> str:
    """The number of the first one."""
    return f"<span>{_figure(stats[0].headline)}</span>"


PICTURES: Final[Mapping[str, Callable[[Sequence[Shown], Size, str], str]]] = {
    "graph": graph, "table": table, "data": data, "text": text,
}  # fmt: skip


def _row(one: Shown) -> tuple[float | None, ...]:
    known = one.known
    if not known:
        return (None,) * 4
    return one.headline, min(known), max(known), known[-1]


def _line(
    values: Values, low: float, high: float, size: Size, colour: str, *, dashed: bool
) -> str:  # fmt: skip
    path = path_of(values, low, high, size.width, size.height)
    dashes = ' stroke-dasharray="3 3" opacity="0.6"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'


def _figure(value: float | None) -> str:
    return _text(short(value))


def _text(words: str) -> str:
    return escape(words, {'"': "&quot;", "'": "&#39;"})
