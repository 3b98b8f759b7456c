"""What `tail` shows: the newest buckets of some stats, as they were told last. Pure.

Buckets are absolute, so telling one twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from api.cli.client import StatInfo

KEPT_BUCKETS: Final = 400
"""Of a stat; more than the widest terminal shows."""

_SLACK: Final = 200
"""Buckets are dropped so many at a time."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Bucket(msgspec.Struct, frozen=True):
    """One bucket: `t` is its start in epoch seconds."""

    t: int
    value: float


class Told(msgspec.Struct, frozen=True):
    """The data of one live event."""

    stat: str
    resolution: str
    points: list[Bucket]


@dataclass(slots=True)
class Row:
    """One stat; `values` by the start of the bucket."""

    stat: StatInfo
    values: dict[int, float] = field(default_factory=dict)

    @property
    def newest(self) -> tuple[int, float] | None:
        """Start and value of the newest bucket."""
        at_s = max(self.values, default=None)
        return None if at_s is None else (at_s, self.values[at_s])

    def series(self, until_s: int, width_s: int, buckets: int) -> list[float | None]:
        """The last buckets up to the one that starts at `until_s`; a counter's gaps are zeros.

        Before its first bucket nothing is known.
        """
        starts = range(until_s - (buckets - 1) * width_s, until_s + 1, width_s)
        begun_s = min(self.values, default=until_s)
        gap = 0.0 if self.stat.type == "counter" else None
        return [self.values.get(at_s, gap if at_s >= begun_s else None) for at_s in starts]


class Board:
    """Rows in the order in which the stats were asked for."""

    def __init__(self, stats: Sequence[StatInfo], resolution: str) -> None:
        self.resolution = resolution
        self.width_s = width_of(resolution)
        self._rows = {stat.id: Row(stat) for stat in stats}

    def __repr__(self) -> str:
        return f"<Board of {len(self._rows)} stats by {self.resolution}>"

    @property
    def rows(self) -> Iterable[Row]:
        """Every stat, told of or not."""
        return self._rows.values()

    def hear(self, told: Told) -> list[tuple[StatInfo, Bucket]]:
        """Take in an event; returns the buckets that are new or have another value now."""
        row = self._rows.get(told.stat)
        if row is None or told.resolution != self.resolution:
            return []
        news = [point for point in told.points if row.values.get(point.t) != point.value]
        row.values.update((point.t, point.value) for point in told.points)
        if len(row.values) > KEPT_BUCKETS + _SLACK:
            kept = sorted(row.values)[-KEPT_BUCKETS:]
            row.values = {at_s: row.values[at_s] for at_s in kept}
        return [(row.stat, point) for point in news]

    def bucket(self, at_s: float) -> int:
        """Start of the bucket of this moment, both in epoch seconds."""
        return int(at_s) - int(at_s) % self.width_s


def width_of(resolution: str) -> int:
    """Seconds of `1s`, `10s`, `1m`, …; ValueError when it is nothing like that."""
    amount, unit = resolution[:-1], resolution[-1:]
    if unit not in _UNITS or not amount.isdecimal() or int(amount) == 0:
        raise ValueError(f"{resolution!r} is no resolution")
    return int(amount) * _UNITS[unit]
