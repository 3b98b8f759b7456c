"""The two ladders of tiers: buckets, and histograms."""

from dataclasses import dataclass
from typing import Final, Generic

from engine.histogram import Histograms
from engine.ports import Frame
from engine.reader import Content
from engine.rollup import Rollups
from engine.tiers import HISTOGRAMS, STORED, Tier


@dataclass(frozen=True, slots=True)
class Ladder(Generic[Content]):
    """The tiers of one kind of columns, the finest first, and columns with nothing in them."""

    tiers: tuple[Tier, ...]
    empty: Content

    def rows(self, frame: Frame) -> Content:
        """The columns of this kind in a frame."""
        return frame.partials.of_kind(self.empty)


BUCKETS: Final = Ladder(STORED, Rollups.empty())
SPREADS: Final = Ladder(HISTOGRAMS, Histograms.empty())
