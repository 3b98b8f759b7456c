"""Arithmetic over series, bucket by bucket.

Pure. A name stands for all series of one `stat=` or `match=`. "No data" makes the result of an
operator "no data", as does a division by zero; the reducing functions and `moving` pass over it.
`shift` is pushed down to the names, because every function here works on buckets alone; what has
to be read is therefore known before anything is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from api.query.durations import NO_TIME, Duration, is_shift
from api.query.errors import QueryError
from api.query.grammar import REDUCING, Binary, Call, Name, Node, Number
from engine.rollup import Floats

SHIFTS_LIMIT = 5
"""Different shifts of one expression: each of them reads all its series again."""

WINDOW_LIMIT = 1_000
"""Buckets under one `moving` window, and of all windows inside each other."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of the answer; NaN is "no data"."""

    name: str
    values: Floats


@dataclass(frozen=True, slots=True)
class Need:
    """A series to read: the name it has in the expression, and how far back it is shifted."""

    name: str
    back: Duration = NO_TIME


Source = Callable[[Need], Sequence[Line]]


def needs(node: Node, back: Duration = NO_TIME) -> list[Need]:
    """What an expression reads, each once, in the order of its text."""
    found = list(dict.fromkeys(_needs(node, back)))
    if any(need.back and not is_shift(need.back) for need in found):
        raise QueryError("expression_invalid", "expr", "expr: at most a hundred years of shifts")
    if len({need.back for need in found}) > SHIFTS_LIMIT:
        raise QueryError(
            "expression_invalid", "expr", f"expr: at most {SHIFTS_LIMIT} different shifts"
        )
    return found


def lookback(node: Node, step_s: int) -> int:
    """How many buckets before the first one an expression reads."""
    match node:
        case Binary():
            return max(lookback(node.left, step_s), lookback(node.right, step_s))
        case Call():
            own = _window(node, step_s) - 1 if node.function == "moving" else 0
            buckets = own + max(lookback(argument, step_s) for argument in node.series)
            if buckets > WINDOW_LIMIT:
                raise QueryError(
                    "expression_invalid", "expr",
                    f"expr: moving over {buckets:,} buckets; at most {WINDOW_LIMIT:,}, ask for a "
                    "wider resolution",
                )  # fmt: skip
            return buckets
        case _:
            return 0


def evaluate(node: Node, source: Source, size: int, step_s: int) -> list[Line]:
    """The series that an expression makes of those of `source`; all have `size` buckets.

    `step_s` is the width of a bucket in seconds. The first `lookback` buckets are there for
    `moving` and do not decide what `topk` keeps.
    """
    ahead = lookback(node, step_s)
    with np.errstate(all="ignore"):
        result = _Evaluation(source, size, step_s, ahead).of(node, NO_TIME)
    return [Line("", np.full(size, result))] if isinstance(result, float) else result


class _Evaluation:
    def __init__(self, source: Source, size: int, step_s: int, ahead: int) -> None:
        self.source = source
        self.size = size
        self.step_s = step_s
        self.ahead = ahead

    def of(self, node: Node, back: Duration) -> float | list[Line]:
        match node:
            case Number():
                return node.value
            case Name():
                return list(self.source(Need(node.name, back)))
            case Binary():
                return self._binary(
                    node.operator, self.of(node.left, back), self.of(node.right, back)
                )
            case Call():
                return self._call(node, back)

    def _binary(
        self, operator: str, left: float | list[Line], right: float | list[Line]
    ) -> float | list[Line]:
        if isinstance(left, float) and isinstance(right, float):
            return float(_apply(operator, np.array([left]), np.array([right]))[0])
        if isinstance(left, float):
            constant = np.full(1, left)
            return [Line(b.name, _apply(operator, constant, b.values)) for b in _lines(right)]
        if isinstance(right, float):
            constant = np.full(1, right)
            return [Line(a.name, _apply(operator, a.values, constant)) for a in left]
        if len(right) == 1:
            return [Line(a.name, _apply(operator, a.values, right[0].values)) for a in left]
        if len(left) == 1:
            return [Line(b.name, _apply(operator, left[0].values, b.values)) for b in right]
        if not left or not right:
            return []
        raise QueryError(
            "expression_invalid", "expr",
            f"expr: both sides of {operator} are several series ({len(left)} and {len(right)}); "
            "make one of one side with sum(), avg(), min() or max()",
        )  # fmt: skip

    def _call(self, node: Call, back: Duration) -> float | list[Line]:
        if node.function == "shift":
            return self.of(node.series[0], back + node.duration)
        groups = [self._constant(self.of(argument, back)) for argument in node.series]
        if node.function == "percent_of":
            whole = groups[1] if len(groups) == 2 else [self._reduced("sum", groups[0])]
            share = self._binary("/", groups[0], whole)
            return self._binary("*", share, 100.0)
        lines = [line for group in groups for line in group]
        if node.function in REDUCING:
            return [self._reduced(node.function, lines)]
        if node.function == "topk":
            return self._top(lines, node.number)
        if node.function == "moving":
            window = _window(node, self.step_s)
            return [Line(line.name, _moving(line.values, window)) for line in lines]
        return [Line(line.name, np.abs(line.values)) for line in lines]

    def _constant(self, value: float | list[Line]) -> list[Line]:
        return [Line("", np.full(self.size, value))] if isinstance(value, float) else value

    def _reduced(self, function: str, lines: Sequence[Line]) -> Line:
        """One series of many; a bucket without data in all of them has none."""
        if not lines:
            return Line(function, np.full(self.size, np.nan))
        table = np.stack([line.values for line in lines])
        known = ~np.isnan(table)
        count = known.sum(axis=0)
        if function in ("min", "max"):
            least = function == "min"
            outer = np.where(known, table, np.inf if least else -np.inf)
            values = outer.min(axis=0) if least else outer.max(axis=0)
        else:
            values = np.where(known, table, 0.0).sum(axis=0)
            values = values / count if function == "avg" else values
        return Line(function, np.where(count > 0, values, np.nan))

    def _top(self, lines: Sequence[Line], number: int) -> list[Line]:
        """The lines with the greatest mean over the range, the greatest first."""

        def mean(line: Line) -> float:
            seen = line.values[self.ahead :]
            seen = seen[~np.isnan(seen)]
            return float(seen.mean()) if len(seen) else -np.inf

        return sorted(lines, key=mean, reverse=True)[:number]


def _needs(node: Node, back: Duration) -> list[Need]:
    match node:
        case Name():
            return [Need(node.name, back)]
        case Binary():
            return _needs(node.left, back) + _needs(node.right, back)
        case Call():
            back = back + node.duration if node.function == "shift" else back
            return [need for argument in node.series for need in _needs(argument, back)]
        case _:
            return []


def _window(node: Call, step_s: int) -> int:
    """Buckets under a window; at least one, so that zooming out breaks no chart."""
    return max(1, round(node.duration.nominal_ms() / (1000 * step_s)))


def _lines(value: float | list[Line]) -> list[Line]:
    assert not isinstance(value, float), "BUG: two constants were not folded"
    return value


def _apply(operator: str, left: Floats, right: Floats) -> Floats:
    if operator == "+":
        result = left + right
    elif operator == "-":
        result = left - right
    elif operator == "*":
        result = left * right
    else:
        result = left / right
    return np.where(np.isfinite(result), result, np.nan)


def _moving(values: Floats, window: int) -> Floats:
    """The mean of what is known in the `window` buckets that end at each bucket."""
    known = ~np.isnan(values)
    total = _window_sums(np.where(known, values, 0.0), window)
    count = np.rint(_window_sums(known.astype(np.float64), window))
    return np.where(count > 0, total / count, np.nan)


def _window_sums(values: Floats, window: int) -> Floats:
    """Sums of the `window` values that end at each place, in time that the window does not matter.

    Blocks of the window's width are summed from both ends: a window is the end of one block and the
    beginning of the next. Nothing is subtracted, so nothing is lost to rounding.
    """
    blocks = -(-len(values) // window) + 1
    table = np.zeros(blocks * window)
    table[window : window + len(values)] = values
    rows = table.reshape(blocks, window)
    from_start = np.cumsum(rows, axis=1).ravel()
    to_end = np.cumsum(rows[:, ::-1], axis=1)[:, ::-1].ravel()
    end = np.arange(window, window + len(values))
    start = end - window + 1
    return from_start[end] + np.where(start % window == 0, 0.0, to_end[start])
