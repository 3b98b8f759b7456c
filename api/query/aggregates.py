"""Which numbers of a bucket can be asked for, and how gaps between them are filled.

Pure. `value` is always there: the sum for counters, the average for values.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Final

from api.query.durations import Duration, is_shift, parse_duration
from api.query.errors import QueryError, quote

QUANTILES: Final = {
    "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999,
}  # fmt: skip
"""The percentiles that can be asked for, and what they are quantiles of."""

PLAIN: Final = ("sum", "count", "avg", "min", "max", "first", "last", "rate", "stddev")
"""The aggregates that need no histogram."""

AGGREGATES: Final = (*PLAIN, *QUANTILES)


class FillMode(StrEnum):
    """What stands where no point came."""

    AUTO = "auto"
    NULL = "null"
    PREVIOUS = "previous"
    LINEAR = "linear"
    NONE = "none"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Fill:
    """A way to fill gaps; `number` is for the mode of that name."""

    mode: FillMode
    number: float = 0.0


def headline(counter: bool) -> str:
    """The aggregate that `value` is."""
    return "sum" if counter else "avg"


def parse_aggregates(texts: Iterable[str], counter: bool) -> tuple[str, ...]:
    """Read comma-separated aggregates; without any, the headline with count, min and max."""
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if name not in AGGREGATES:
            raise QueryError(
                "parameter_invalid", "agg", f"agg: {quote(name)} is none of {', '.join(AGGREGATES)}"
            )
    return tuple(dict.fromkeys(names)) or (headline(counter), "count", "min", "max")


def parse_shift(text: str, parameter: str = "compare") -> Duration:
    """How far back to compare: a duration of at most a hundred years."""
    span = parse_duration(text)
    if span is None or not is_shift(span):
        raise QueryError(
            "parameter_invalid", parameter,
            f"{parameter}: {quote(text)} is no time to go back; for example 1d, 1w, 1y",
        )  # fmt: skip
    return span


def parse_fill(text: str | None) -> Fill:
    """Read `auto`, `null`, `zero`, `previous`, `linear`, `none` or a number."""
    text = "auto" if text is None else text.strip()
    if text == "zero":
        return Fill(FillMode.NUMBER)
    if text != FillMode.NUMBER and text in list(FillMode):
        return Fill(FillMode(text))
    try:
        number = float(text) if len(text) <= 32 and "_" not in text else float("nan")
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise QueryError(
            "parameter_invalid", "fill",
            f"fill: {quote(text)} is none of auto, null, zero, previous, linear, none or a number",
        )  # fmt: skip
    return Fill(FillMode.NUMBER, number)
