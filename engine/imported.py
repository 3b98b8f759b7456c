"""Imported buckets and histograms: what was counted elsewhere, beside what was counted here. Pure.

Law: what is imported is no point. It lies in chunks of its own, one set for each stat and import,
so that nothing which was appended is ever touched, a repeat writes the same again, and undoing is
forgetting. An imported bucket is seen only where nothing was counted here; where imports overlap,
the finer bucket is seen, and of two equally wide ones that of the later import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Generic

import numpy as np

from engine.histogram import Histograms
from engine.points import Command
from engine.reader import Content
from engine.rollup import Flags, Ints, Rollups
from engine.tiers import STORED, Tier

PUT: Final = "import.put"
"""A command that puts a chunk of an import in the place of the one it has there; the body is what
`storage.imports` packs."""

UNDO: Final = "import.undo"
"""A command that forgets what an import has of a stat; the body is the number of the import."""

NUMBER_BYTES: Final = 8
"""The number of an import stands first in what is put, the highest byte first."""


@dataclass(frozen=True, slots=True)
class Layer(Generic[Content]):
    """The buckets, or the histograms, that one import has of a stat in one tier, by start."""

    number: int
    tier: Tier
    rows: Content


@dataclass(eq=False, slots=True)
class Imports:
    """Which imports each stat of a partition has, as the log has it up to where it is applied."""

    of_stat: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def apply(self, command: Command) -> None:
        """Follow a command."""
        known = self.of_stat.get(command.stat, ())
        if command.kind == PUT:
            number = int.from_bytes(command.body[:NUMBER_BYTES])
            if number not in known:
                self.of_stat[command.stat] = tuple(sorted((*known, number)))
        elif command.kind == UNDO:
            self._keep(command.stat, tuple(n for n in known if n != int(command.body)))
        elif command.kind == "stat.purge":
            self._keep(command.stat, ())

    def _keep(self, stat: int, numbers: tuple[int, ...]) -> None:
        if numbers:
            self.of_stat[stat] = numbers
        else:
            self.of_stat.pop(stat, None)

    def having(self, number: int) -> list[int]:
        """The stats that have something of an import."""
        return [stat for stat, numbers in self.of_stat.items() if number in numbers]


def undo_command(stat: int, number: int) -> Command:
    """The command that undoes an import for one stat."""
    return Command(UNDO, stat, b"%d" % number)


def hiding_tier(tier: Tier) -> Tier:
    """The tier whose buckets tell where what was imported in `tier` is hidden.

    Histograms are hidden by buckets too: of what was counted without percentiles there are no
    others.
    """
    return next(one for one in STORED if one.width_s == tier.width_s)


def seen(
    layers: Sequence[Layer[Content]], counted: Mapping[int, tuple[Tier, Rollups]]
) -> list[tuple[Tier, Content]]:
    """What is seen of imports: the finest tier first, no two at the same time.

    `counted` has for each tier (by number) what was counted here, in buckets of that width or,
    where it is no longer kept as finely, of a wider one.
    """
    found: list[tuple[Tier, Content]] = []
    before: list[Ints] = []
    for layer in sorted(layers, key=lambda one: (one.tier.width_s, -one.number)):
        rows, width_s = layer.rows, layer.tier.width_s
        tier, live = counted[layer.tier.number]
        hidden = _in(rows.start, tier.width_s, live.start)
        for starts in before:
            hidden |= _in(rows.start, width_s, starts)
        before.append(rows.start)
        if not hidden.all():
            found.append((layer.tier, rows.take(~hidden)))
    return found


def differing(rows: Content, known: Sequence[Content]) -> Content:
    """The buckets that are not known, of the same stat and tier, in just this way.

    No two of the known are at the same time.
    """
    if not known:
        return rows
    if isinstance(rows, Rollups):
        there = Rollups.joined(known)
        return rows.take(~_same_buckets(rows, there.take(np.argsort(there.start))))
    spreads: dict[int, tuple[int, bytes, bytes]] = {}
    for one in known:
        spreads |= _spreads(one)
    new = [start for start, spread in _spreads(rows).items() if spreads.get(start) != spread]
    return rows.take(np.isin(rows.start, new))


def _same_buckets(rows: Rollups, known: Rollups) -> Flags:
    place = np.minimum(np.searchsorted(known.start, rows.start), len(known) - 1)
    same: Flags = known.start[place] == rows.start
    for name in ("count", "sum", "min", "max", "last"):
        same &= getattr(known, name)[place] == getattr(rows, name)
    return same


def _spreads(rows: Histograms) -> dict[int, tuple[int, bytes, bytes]]:
    """By start, all that a histogram says."""
    starts, first = np.unique(rows.start, return_index=True)
    edges = [*first.tolist(), len(rows)]
    return {
        start: (rows.scale, rows.bin[low:high].tobytes(), rows.count[low:high].tobytes())
        for start, (low, high) in zip(starts.tolist(), pairwise(edges), strict=True)
    }


def _in(start: Ints, width_s: int, others: Ints) -> Flags:
    """Which buckets, `width_s` wide, hold one of the other starts."""
    return np.isin(start - start % width_s, others - others % width_s)
