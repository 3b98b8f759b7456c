"""The windows of a rule: buckets of one stat, added to at the end and forgotten at the beginning.

Pure. A window ends at a moment, never later: what is ahead of it waits. It begins at a whole step,
so that it is never longer than it says, and changes when points come and when they leave. Sums are
exact whatever the order of points, so that a ring that was loaded says what one that grew says.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Final, Protocol, TypeAlias

from engine.histogram import Histograms, quantiles
from engine.rollup import Floats, Ints, Rollups

Column: TypeAlias = "array[int] | array[float]"

Row = tuple[int, int, float, float, float, float, float, int, float]
"""A bucket: start, count, sum, rest, squares, min, max, time of the last, the last."""

LAST_MS: Final = 7
"""Where a row has the time of its last point."""

PARTS_MAX = 16
"""Additions to a ring of histograms before they are merged into one."""

ALL_OF_TIME_S = 1 << 40


@dataclass(frozen=True, slots=True)
class Measure:
    """What a window says: None where there is nothing to say, and how many points it has."""

    value: float | None
    points: int


NOTHING = Measure(None, 0)


class Window(Protocol):
    """What rules ask of a ring; times are epoch milliseconds unless a name says otherwise."""

    width_s: int

    def measure(self, end_ms: int, back_s: int = 0) -> Measure:
        """The window that ends `back_s` before `end_ms`."""

    def enters_ms(self) -> int | None:
        """When a point next enters that is ahead of the clock; None when there is none."""

    def leaves_ms(self, now_ms: int) -> int | None:
        """When the window next moves on from points it holds; None when it holds none."""


class Ring:
    """A window over rollups."""

    __slots__ = (
        "_aggregate", "_ahead", "_count", "_last", "_last_ms", "_max", "_min", "_rest",
        "_squares", "_start", "_sum", "_window_s", "span_s", "width_s",
    )  # fmt: skip

    def __init__(self, aggregate: str, width_s: int, window_s: int, span_s: int) -> None:
        self.width_s = width_s
        self._aggregate = aggregate
        self._window_s = window_s
        self.span_s = span_s
        self._ahead: list[Sequence[Row]] = []
        self._start, self._count, self._last_ms = array("q"), array("q"), array("q")
        self._sum, self._rest, self._squares = array("d"), array("d"), array("d")
        self._min, self._max, self._last = array("d"), array("d"), array("d")

    def __repr__(self) -> str:
        return f"<Ring of {len(self._start)} steps of {self.width_s} s, {len(self._ahead)} ahead>"

    def __len__(self) -> int:
        return len(self._start)

    def add(self, rows: Sequence[Row], now_ms: int) -> None:
        """Take rows of the stat, sorted by start; those ahead of the clock wait."""
        now_s = now_ms // 1000
        if rows and rows[-1][0] > now_s:
            self._ahead.append([row for row in rows if row[0] > now_s])
            rows = [row for row in rows if row[0] <= now_s]
        for row in rows:
            self._put(row)
        self._forget(now_s)

    def load(self, content: Rollups, now_ms: int) -> None:
        """Take what was there before anything came: steps of the stat, sorted and distinct."""
        assert not len(self), "BUG: a ring that holds something is loaded"
        now_s = now_ms // 1000
        ahead = content.start > now_s
        if ahead.any():
            self._ahead.append(rows_of(content.take(ahead)))
            content = content.take(~ahead)
        for column, values in zip(self._columns(), columns_of(content), strict=True):
            column.frombytes(values.tobytes())
        self._forget(now_s)

    def arrive(self, now_ms: int) -> None:
        """Time passes: what was ahead of the clock may not be any more."""
        if self._ahead:
            ahead, self._ahead = self._ahead, []
            for rows in ahead:
                self.add(rows, now_ms)

    def measure(self, end_ms: int, back_s: int = 0) -> Measure:
        """The window that ends `back_s` before `end_ms`."""
        end_s = end_ms // 1000 - back_s
        newest_s = end_s - end_s % self.width_s
        low = bisect_right(self._start, newest_s - self._window_s)
        high = bisect_right(self._start, newest_s)
        points = sum(self._count[low:high])
        if not points:
            return NOTHING
        # What lies behind is whole: of its last step count as much as of the present one is over.
        cut = back_s > 0 and self._start[high - 1] == newest_s
        passed = (end_ms / 1000 - back_s - newest_s) / self.width_s if cut else 1.0
        return Measure(self._value(low, high, points, passed), points)

    def enters_ms(self) -> int | None:
        """When a point next enters that is ahead of the clock; None when there is none."""
        return min((1000 * rows[0][0] for rows in self._ahead), default=None)

    def leaves_ms(self, now_ms: int) -> int | None:
        """When the oldest step of the window leaves it; None when the window is empty."""
        now_s = now_ms // 1000
        first = bisect_right(self._start, now_s - now_s % self.width_s - self._window_s)
        if first == len(self._start):
            return None
        # The window moves by whole steps, even if it is no whole number of them long.
        steps = -(-self._window_s // self.width_s)
        return 1000 * (self._start[first] + steps * self.width_s)

    def _value(self, low: int, high: int, points: int, passed: float) -> float:
        match self._aggregate:
            case "sum":
                return self._total(low, high, passed)
            case "rate":
                return self._total(low, high, passed) / self._window_s
            case "count":
                return points - (1.0 - passed) * self._count[high - 1]
            case "avg":
                return self._total(low, high, 1.0) / points
            case "min":
                return min(self._min[low:high])
            case "max":
                return max(self._max[low:high])
            case "range":
                return max(self._max[low:high]) - min(self._min[low:high])
            case "last":
                return self._last[high - 1]
            case "stddev":
                return self._deviation(low, high, points)
        raise AssertionError(f"BUG: {self._aggregate} is no aggregate")

    def _total(self, low: int, high: int, passed: float) -> float:
        if passed < 1.0:
            end = passed * (self._sum[high - 1] + self._rest[high - 1])
            return fsum((*self._sum[low : high - 1], *self._rest[low : high - 1], end))
        return fsum((*self._sum[low:high], *self._rest[low:high]))

    def _deviation(self, low: int, high: int, points: int) -> float:
        mean = self._total(low, high, 1.0) / points
        squares = fsum(
            self._squares[at] + self._count[at] * (self._mean(at) - mean) ** 2
            for at in range(low, high)
        )
        return sqrt(max(0.0, squares) / points)

    def _mean(self, at: int) -> float:
        return (self._sum[at] + self._rest[at]) / self._count[at]

    def _put(self, row: Row) -> None:
        start = row[0] - row[0] % self.width_s
        at = bisect_left(self._start, start)
        if at < len(self._start) and self._start[at] == start:
            self._join(at, row)
        else:
            self._insert(at, start, row)

    def _insert(self, at: int, start: int, row: Row) -> None:
        _, count, total, rest, squares, low, high, last_ms, last = row
        self._start.insert(at, start)
        self._count.insert(at, count)
        self._last_ms.insert(at, last_ms)
        self._sum.insert(at, total)
        self._rest.insert(at, rest)
        self._squares.insert(at, squares)
        self._min.insert(at, low)
        self._max.insert(at, high)
        self._last.insert(at, last)

    def _join(self, at: int, row: Row) -> None:
        _, count, total, rest, squares, low, high, last_ms, last = row
        both = self._count[at] + count
        shift = (total + rest) / count - self._mean(at)
        self._squares[at] += squares + shift * shift * self._count[at] * count / both
        mine = self._sum[at]
        self._sum[at] = mine + total
        added = self._sum[at] - mine
        lost = (mine - (self._sum[at] - added)) + (total - added)
        self._rest[at] += lost + rest
        self._count[at] = both
        self._min[at], self._max[at] = min(self._min[at], low), max(self._max[at], high)
        if last_ms >= self._last_ms[at]:
            self._last_ms[at], self._last[at] = last_ms, last

    def _forget(self, now_s: int) -> None:
        gone = bisect_right(self._start, now_s - now_s % self.width_s - self.span_s - self.width_s)
        if gone:
            for column in self._columns():
                del column[:gone]

    def _columns(self) -> tuple[Column, ...]:
        """Everything it holds, in the order of a row."""
        return (
            self._start, self._count, self._sum, self._rest, self._squares, self._min, self._max,
            self._last_ms, self._last,
        )  # fmt: skip


class SpreadRing:
    """A window over histograms."""

    __slots__ = ("_ahead", "_parts", "_quantile", "_window_s", "span_s", "width_s")

    def __init__(self, quantile: float, width_s: int, window_s: int, span_s: int) -> None:
        self.width_s = width_s
        self._quantile = quantile
        self._window_s = window_s
        self.span_s = span_s
        self._parts: list[Histograms] = []
        self._ahead: list[Histograms] = []

    def __repr__(self) -> str:
        return f"<SpreadRing of {sum(map(len, self._parts))} bins in steps of {self.width_s} s>"

    def add(self, rows: Histograms, now_ms: int) -> None:
        """Take rows of the stat; those ahead of the clock wait."""
        now_s = now_ms // 1000
        ahead = rows.start > now_s
        if ahead.any():
            self._ahead.append(rows.take(ahead))
            rows = rows.take(~ahead)
        if len(rows):
            self._parts.append(rows)
        if len(self._parts) > PARTS_MAX:
            merged = Histograms.merged(self._parts, self.width_s)
            self._parts = [merged.between(now_s - self.span_s - 2 * self.width_s, ALL_OF_TIME_S)]

    def load(self, content: Histograms, now_ms: int) -> None:
        """Take what was there before anything came."""
        self.add(content, now_ms)

    def arrive(self, now_ms: int) -> None:
        """Time passes: what was ahead of the clock may not be any more."""
        if self._ahead:
            ahead, self._ahead = self._ahead, []
            for rows in ahead:
                self.add(rows, now_ms)

    def measure(self, end_ms: int, back_s: int = 0) -> Measure:
        """The window that ends `back_s` before `end_ms`."""
        end_s = end_ms // 1000 - back_s
        newest_s = end_s - end_s % self.width_s
        low, high = newest_s - self._window_s + 1, newest_s + self.width_s
        inside = [part.between(low, high) for part in self._parts]
        inside = [part for part in inside if len(part)]
        if not inside:
            return NOTHING
        whole = Histograms.merged(inside, ALL_OF_TIME_S)
        _, values = quantiles(whole, (self._quantile,))
        return Measure(float(values[0, 0]), whole.total())

    def enters_ms(self) -> int | None:
        """When a bin next enters that is ahead of the clock; None when there is none."""
        return min((1000 * int(rows.start[0]) for rows in self._ahead), default=None)

    def leaves_ms(self, now_ms: int) -> int | None:
        """When the window moves on by a step; None when there is nothing."""
        if not self._parts:
            return None
        now_s = now_ms // 1000
        return 1000 * (now_s - now_s % self.width_s + self.width_s)


def rows_of(rollups: Rollups) -> list[Row]:
    """The rows of rollups, one by one, as rings take them: all at once costs a third."""
    return list(zip(*(column.tolist() for column in columns_of(rollups)), strict=True))


def columns_of(rollups: Rollups) -> tuple[Ints | Floats, ...]:
    """The columns of rollups that rings keep, in the order of a row."""
    return (
        rollups.start, rollups.count, rollups.sum, rollups.rest, rollups.squares, rollups.min,
        rollups.max, rollups.last_ms, rollups.last,
    )  # fmt: skip
