"""Histograms as our own exports write them: `scale bin:count bin:count …`. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, starmap
from typing import Final

import numpy as np

from api.importing.series import LATEST_S
from engine.histogram import SCALES, Histograms
from engine.tiers import HISTOGRAMS, Tier

OCTAVES_MAX: Final = 2_100
"""Doublings that a double has, above and below one, and some to spare."""

COUNT_MAX: Final = 2**48
"""In one bin: more than a million a second for eight years."""

BY_NAME: Final = {tier.name: tier for tier in HISTOGRAMS}

Row = tuple[int, int, int]
"""Start in epoch seconds, bin and count."""


@dataclass(eq=False, slots=True)
class ReadHistograms:
    """The histograms of one stat, line by line."""

    _rows: dict[tuple[Tier, int], dict[int, list[Row]]] = field(default_factory=dict)

    def add(self, resolution: str, start: str, text: str) -> None:
        """Take a line; ValueError says what is wrong with it, KeyError that nothing is so wide."""
        tier, start_s = BY_NAME[resolution], int(start)
        if start_s % tier.width_s or not 0 <= start_s < LATEST_S:
            raise ValueError(f"{start[:20]} is no start of {tier.name}")
        told, *pairs = text.split(" ")
        scale = int(told)
        if scale not in SCALES:
            raise ValueError(f"there is no scale {scale}")
        counted = [_bin(pair, scale) for pair in pairs]
        if not counted or any(one >= other for (one, _), (other, _) in pairwise(counted)):
            raise ValueError("bins are ascending, and there is at least one")
        chunk = self._rows.setdefault((tier, tier.chunk(start_s)), {})
        chunk.setdefault(scale, []).extend((start_s, *one) for one in counted)

    def chunks(self) -> list[tuple[Tier, Histograms]]:
        """What was taken, a chunk at a time, for each has a scale of its own; their stat is 0."""
        return [
            (tier, Histograms.merged(list(starmap(_histograms, scales.items())), tier.width_s))
            for (tier, _), scales in self._rows.items()
        ]


def _bin(pair: str, scale: int) -> tuple[int, int]:
    place, _, amount = pair.partition(":")
    found, count = int(place), int(amount)
    if abs(found) > OCTAVES_MAX << scale or not 1 <= count <= COUNT_MAX:
        raise ValueError(f"{pair[:40]} is no bin and its count")
    return found, count


def _histograms(scale: int, rows: Sequence[Row]) -> Histograms:
    table = np.array(rows, np.int64)
    return Histograms(scale, np.zeros(len(rows), np.int64), *table.T)
