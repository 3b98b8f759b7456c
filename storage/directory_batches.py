"""The stats of a batch by their names; of a batch that names the same as one before, at once. Pure.

Programs that flush what they have counted name the same stats in the same order every time. To
compare the names with those of last time is far less work than to look each of them up; of a few
names it is not, and they would only push out the batches that are worth remembering.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.rollup import Ints
from engine.stats import Kind, Stat
from storage.directory_table import StatTable

WORTH_REMEMBERING: Final = 16
"""Names of the shortest batch that is remembered."""

REMEMBERED: Final = 256
"""Batches that are remembered, of all accounts together: 24 MiB when each has a thousand items, and
the texts of their names, as they were sent."""


@dataclass(frozen=True, slots=True)
class NamedStats:
    """The stats of a batch in its order, and columns of them; `live`: none of them is in the trash.

    The lists may be shared: nobody changes them.
    """

    names: Sequence[str]
    stats: Sequence[Stat]
    kinds: Sequence[Kind]
    ids: Ints
    live: bool

    @classmethod
    def of(cls, stats: list[Stat], *, trash: bool) -> "NamedStats":
        """The columns of these stats; without any `trash` in the directory nobody looks for it."""
        ids = np.fromiter([stat.id for stat in stats], np.int64, len(stats))
        ids.setflags(write=False)
        live = not trash or all(stat.state == "live" for stat in stats)
        # The names are those of the records, which are in memory anyhow.
        return cls([stat.name for stat in stats], stats, [stat.kind for stat in stats], ids, live)


class NamedBatches:
    """Looks batches up in a table."""

    def __init__(self, table: StatTable) -> None:
        self._table = table
        self._changes = 0
        self._last: dict[tuple[int, str, int], tuple[list[str], NamedStats]] = {}

    def __repr__(self) -> str:
        return f"<NamedBatches {len(self._last)} remembered>"

    def find(self, account: int, names: list[str]) -> NamedStats | None:
        """The stats of an account that are called exactly so; None when one of them is unknown."""
        if len(names) < WORTH_REMEMBERING:
            return self._look_up(account, names)
        if self._changes != self._table.changes:
            self._changes = self._table.changes
            self._last.clear()
        key = account, names[0], len(names)
        last = self._last.get(key)
        # Batches of one template share the list: then there is nothing to compare.
        if last is not None and (last[0] is names or last[1].names == names):
            return last[1]
        found = self._look_up(account, names)
        if found is not None:
            if len(self._last) >= REMEMBERED:
                del self._last[next(iter(self._last))]
            self._last[key] = names, found
        return found

    def _look_up(self, account: int, names: list[str]) -> NamedStats | None:
        known = self._table.names(account)
        try:
            stats = [known[name] for name in names]
        except KeyError:
            return None
        return NamedStats.of(stats, trash=self._table.has_trash)
