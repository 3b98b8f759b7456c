"""Imported buckets: what another system had counted, beside what was counted here. Pure.

Law: what is imported is no point. It lies in chunks of its own, one set for each stat and import,
so that nothing which was appended is ever touched, a repeat writes the same again, and undoing is
forgetting. An imported bucket is seen only where nothing was counted here; where imports overlap,
the finer bucket is seen, and of two equally wide ones that of the later import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.points import Command
from engine.rollup import Ints, Rollups
from engine.tiers import Tier

PUT: Final = "import.put"
"""A command that puts a chunk of an import in the place of the one it has there; the body is what
`storage.imports` packs."""

UNDO: Final = "import.undo"
"""A command that forgets what an import has of a stat; the body is the number of the import."""

NUMBER_BYTES: Final = 8
"""The number of an import stands first in what is put, the highest byte first."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The buckets that one import has of a stat in one tier, sorted by start."""

    number: int
    tier: Tier
    rows: Rollups


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


def seen(
    layers: Sequence[Layer], counted: Mapping[int, tuple[Tier, Rollups]]
) -> list[tuple[Tier, Rollups]]:
    """What is seen of imports: the finest tier first, no two buckets at the same time.

    `counted` has for each tier (by number) what was counted here, in buckets of that tier or, where
    it is no longer kept as finely, of a wider one.
    """
    found: list[tuple[Tier, Rollups]] = []
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


def differing(rows: Rollups, known: Rollups) -> Rollups:
    """The rows that `known`, of the same stat and tier, does not have in just this way."""
    place = np.minimum(np.searchsorted(known.start, rows.start), max(0, len(known) - 1))
    if not len(known):
        return rows
    same = known.start[place] == rows.start
    for name in ("count", "sum", "min", "max", "last"):
        same &= getattr(known, name)[place] == getattr(rows, name)
    return rows.take(~same)


def _in(start: Ints, width_s: int, others: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which buckets, `width_s` wide, hold one of the other starts."""
    return np.isin(start - start % width_s, others - others % width_s)
