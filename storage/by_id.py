"""A number for every stat, found for many stats at once. Pure.

Stat ids are given away in a row, so a column indexed by them has few idle places.
"""

import numpy as np

from engine.rollup import Ints

FIRST_PLACES = 1024


class ById:
    """Numbers from 0 to 2³² − 1 by stat id; 0 where none was put."""

    def __init__(self) -> None:
        self._column = np.zeros(FIRST_PLACES, np.uint32)

    def __getitem__(self, stat: int) -> int:
        return int(self._column[stat]) if stat < len(self._column) else 0

    def put(self, stat: int, number: int) -> None:
        """Let a stat have this number."""
        if stat >= len(self._column):
            grown = np.zeros(max(stat + 1, 2 * len(self._column)), np.uint32)
            grown[: len(self._column)] = self._column
            self._column = grown
        self._column[stat] = number

    def of(self, stats: Ints) -> Ints:
        """The numbers of these stats."""
        found = np.zeros(len(stats), np.int64)
        known = stats < len(self._column)
        found[known] = self._column[stats[known]]
        return found
