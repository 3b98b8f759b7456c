"""Every stat by id and by name, and how lately it was active. Pure.

Law: of two records of a stat the one with the higher revision counts, whichever comes last. The log
of a partition may be read again from its last checkpoint, and the logs of two partitions come in no
order: the table is the same afterwards.
"""

from collections import deque
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final

from engine.rollup import Ints
from engine.stats import Stat
from storage.by_id import ById

CHANGES_KEPT: Final = 10_000
"""The last changes; whoever looks less often must look at everything."""

NOBODY: Final[Mapping[str, Stat]] = MappingProxyType({})


class AccountNames:
    """The names of one account, also in order."""

    __slots__ = ("_fresh", "_gone", "_sorted", "stats")

    def __init__(self) -> None:
        self.stats: dict[str, Stat] = {}
        # Never changed, only replaced: whoever reads it in slices keeps what it began with.
        self._sorted: list[str] = []
        self._fresh: set[str] = set()
        self._gone: set[str] = set()

    def put(self, stat: Stat) -> Stat | None:
        """Let the stat have its name; returns the other stat that had it, if any."""
        before = self.stats.get(stat.name)
        self.stats[stat.name] = stat
        if before is not None:
            return before if before.id != stat.id else None
        if stat.name in self._gone:
            self._gone.remove(stat.name)
        else:
            self._fresh.add(stat.name)
        return None

    def drop(self, name: str) -> None:
        """Forget a name that is there."""
        del self.stats[name]
        if name in self._fresh:
            self._fresh.remove(name)
        else:
            self._gone.add(name)

    def in_order(self) -> list[str]:
        """All names, sorted; not to be changed. Fast when few have changed since the last time."""
        if self._gone:
            self._sorted = [name for name in self._sorted if name not in self._gone]
            self._gone = set()
        if self._fresh:
            # Two sorted runs, which sorting merges.
            self._sorted = sorted([*self._sorted, *sorted(self._fresh)])
            self._fresh = set()
        return self._sorted


class StatTable:
    """What the directory knows; `changes` counts the records that it took or forgot."""

    def __init__(self) -> None:
        self._stats: dict[int, Stat] = {}
        self._names: dict[int, AccountNames] = {}
        self._trash: dict[int, None] = {}
        self._purged: set[int] = set()
        self.changes = 0
        self._changed: deque[int] = deque(maxlen=CHANGES_KEPT)
        # A name that two stats have while the logs are read: those who do not answer to it now.
        self._contested: dict[tuple[int, str], list[int]] = {}
        # Epoch seconds, 0 for never.
        self._active_s = ById()
        # Also of stats that are purged: some of their points may not be committed yet.
        self._accounts = ById()

    def __len__(self) -> int:
        return len(self._stats)

    def get(self, stat: int) -> Stat | None:
        """The stat with this id, live or in the trash."""
        return self._stats.get(stat)

    def names(self, account: int) -> Mapping[str, Stat]:
        """The stats of an account by name, as they are at any time."""
        found = self._names.get(account)
        return NOBODY if found is None else found.stats

    def in_order(self, account: int) -> list[str]:
        """The names of an account, sorted; not to be changed."""
        found = self._names.get(account)
        return [] if found is None else found.in_order()

    def sort(self) -> None:
        """Put all names in order, which is slow only the first time."""
        for names in self._names.values():
            names.in_order()

    @property
    def has_trash(self) -> bool:
        """Whether any stat is in the trash."""
        return bool(self._trash)

    def trash(self) -> list[Stat]:
        """The stats in the trash, the first thrown away first."""
        return [self._stats[stat] for stat in self._trash]

    def put(self, stat: Stat) -> None:
        """Take a record, unless a later one is known."""
        known = self._stats.get(stat.id)
        if stat.id in self._purged or (known is not None and stat.revision <= known.revision):
            return
        if known is not None and known.name != stat.name:
            self._drop_name(known)
        self._stats[stat.id] = stat
        self._accounts.put(stat.id, stat.account)
        names = self._names.get(stat.account)
        if names is None:
            names = self._names[stat.account] = AccountNames()
        loser = names.put(stat)
        if loser is not None:
            self._contest(stat, loser)
        self.changes += 1
        self._changed.append(stat.id)
        if stat.state == "trash":
            self._trash.setdefault(stat.id)
        else:
            self._trash.pop(stat.id, None)

    def changed_since(self, changes: int) -> list[Stat] | None:
        """The stats that were made or changed since there were so many `changes`, in that order.

        None when they are too many to be remembered.
        """
        latest = self.changes - changes
        if latest > len(self._changed):
            return None
        ids = dict.fromkeys(islice(reversed(self._changed), latest))
        return [self._stats[stat] for stat in reversed(ids) if stat in self._stats]

    def purge(self, stat: int) -> None:
        """Forget a stat for good: records of it that come again are passed over."""
        self._purged.add(stat)
        known = self._stats.pop(stat, None)
        if known is not None:
            self._drop_name(known)
            self._trash.pop(stat, None)
            self._active_s.put(stat, 0)
            self.changes += 1
            self._changed.append(stat)

    def note_activity(self, stat: int, at_s: int) -> None:
        """Note that a stat was active at this time, epoch seconds."""
        self._active_s.put(stat, max(at_s, self._active_s[stat]))

    def active_s(self, stats: Ints) -> Ints:
        """When each of the stats was last active, epoch seconds; 0 for never."""
        return self._active_s.of(stats)

    def accounts(self, stats: Ints) -> Ints:
        """Whose stats they are, also when they are purged; 0 for stats that never were here."""
        return self._accounts.of(stats)

    def _contest(self, stat: Stat, loser: Stat) -> None:
        others = self._contested.setdefault((stat.account, stat.name), [])
        if stat.id in others:
            others.remove(stat.id)
        others.append(loser.id)

    def _drop_name(self, stat: Stat) -> None:
        names = self._names[stat.account]
        others = self._contested.pop((stat.account, stat.name), [])
        if names.stats[stat.name].id != stat.id:
            others.remove(stat.id)
        else:
            names.drop(stat.name)
            if others:
                names.put(self._stats[others.pop()])
        if others:
            self._contested[stat.account, stat.name] = others
