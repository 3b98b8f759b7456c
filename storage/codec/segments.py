"""Long columns that are many short ones in a row, so that one call works on all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.rollup import Flags, Ints


@dataclass(frozen=True, slots=True)
class Segments:
    """Where segments begin and how long they are; none is empty."""

    first: Ints
    size: Ints

    @classmethod
    def of(cls, sizes: Sequence[int]) -> "Segments":
        """Segments of these sizes."""
        size = np.array(sizes, np.int64)
        return cls(np.cumsum(size) - size, size)

    def slice(self, at: int) -> slice:
        """Where segment `at` is."""
        first = int(self.first[at])
        return slice(first, first + int(self.size[at]))

    def spread(self, per_segment: NDArray[Any]) -> NDArray[Any]:
        """What is true of a segment, for each of its rows; along the last axis."""
        return np.repeat(per_segment, self.size, axis=-1)

    def all(self, flags: Flags) -> Flags:
        """Per segment whether all its flags are set; along the last axis."""
        every: Flags = np.logical_and.reduceat(flags, self.first, axis=-1)
        return every

    def constant(self, columns: NDArray[Any]) -> Flags:
        """Per column and segment whether all its rows are equal."""
        return self.all(columns == self.spread(columns[..., self.first]))
