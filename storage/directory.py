"""The directory of stats: found by name on the way in, registered, changed, thrown away, searched.

    directory = Directory(store, clock)
    await directory.load()
    off = directory.without_percentiles
    async with open_node(store, clock, on_command=directory.apply, without_histograms=off) as node:
        await node.wait_ready()
        directory.open(node.submit)

Law: everything is in memory and is answered from there. What changes comes from the log: at the
start as records and then as commands, later as soon as it is durable.
"""

import gc
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from operator import itemgetter
from typing import Final

import numpy as np
import trio

from engine.points import Command
from engine.ports import Clock
from engine.rollup import Ints
from engine.stats import Kind, NoSuchStat, Stat, State, canonical_name, name_fault, partition_of
from storage.directory_batches import NamedBatches, NamedStats
from storage.directory_changes import Changes, Records, Submit
from storage.directory_record import PURGE, PUT, unpack_stat
from storage.directory_search import (
    PAGE_MAX,
    Sort,
    StatFault,
    activity_cursor,
    most_active,
    name_cursor,
    name_test,
    read_activity_cursor,
    read_name_cursor,
)
from storage.directory_table import StatTable

TRASH_MS: Final = 48 * 3_600_000
"""So long a stat can be taken out of the trash."""

NAMES_A_SLICE: Final = 5_000
"""Names that a search looks at before others get a turn; some 2 ms."""

RECORDS_A_SLICE: Final = 5_000


class Kept(Enum):
    """Says that something stays as it is, where None is a value."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT


class BadName(StatFault):
    """A stat may not be called so."""

    field = "name"

    def __init__(self, code: str) -> None:
        super().__init__("not a name for a stat")
        self.code = code


class NameTaken(StatFault):
    """Another stat of the account has the name; perhaps it is in the trash."""

    code = "stat_name_taken"
    field = "name"


class InTrash(StatFault):
    """The stat is in the trash: restore it first."""

    code = "stat_in_trash"


class ChangedMeanwhile(StatFault):
    """The record no longer has the revision that whoever changes it has seen."""

    code = "precondition_failed"


class Directory:
    """All stats of all accounts; `spread` tells over how many partitions an account is spread."""

    def __init__(
        self, store: Records, clock: Clock, spread: Callable[[int], int] = lambda account: 1
    ) -> None:
        self._store = store
        self._clock = clock
        self._spread = spread
        self._table = StatTable()
        self._batches = NamedBatches(self._table)
        # Not what was changed last: points that stand before the change in the log count as ever.
        self._without_percentiles: set[int] = set()
        self._changes = Changes(self._table, store, clock, spread)

    def __repr__(self) -> str:
        return f"<Directory {len(self._table)} stats, {self._changes!r}>"

    def __len__(self) -> int:
        return len(self._table)

    async def load(self) -> None:
        """Read all records of the store, before its logs are applied; a million take some 4 s."""
        collecting = gc.isenabled()
        # None of it is garbage, and the search for some would take as long again.
        gc.disable()
        try:
            for partition in range(self._store.partitions):
                await self._load(await self._store.records(partition))
            self._table.sort()
        finally:
            if collecting:
                gc.enable()

    async def _load(self, records: Sequence[tuple[int, bytes]]) -> None:
        for place in range(0, len(records), RECORDS_A_SLICE):
            for stat, record in records[place : place + RECORDS_A_SLICE]:
                known = unpack_stat(stat, record)
                self._table.put(known)
                self._note_percentiles(known)
            await trio.lowlevel.checkpoint()

    def apply(self, command: Command) -> None:
        """Follow a command that a partition applies, live or when its log is read again."""
        if command.kind == PUT:
            stat = unpack_stat(command.stat, command.body)
            self._changes.stored(stat)
            self._note_percentiles(stat)
        elif command.kind == PURGE:
            self._changes.purged(command.stat)
            self._without_percentiles.discard(command.stat)

    def _note_percentiles(self, stat: Stat) -> None:
        if stat.percentiles:
            self._without_percentiles.discard(stat.id)
        else:
            self._without_percentiles.add(stat.id)

    def open(self, submit: Submit) -> None:
        """Take changes from now on: every partition has applied its log."""
        self._changes.submit = submit

    # Looking up

    def names(self, account: int) -> Mapping[str, Stat]:
        """The stats of an account by name, live or in the trash, as they are at any time."""
        return self._table.names(account)

    def find(self, account: int, names: list[str]) -> NamedStats | None:
        """The stats of a batch that are called exactly so; None when one of them is unknown."""
        return self._batches.find(account, names)

    def get(self, stat: int) -> Stat | None:
        """The stat with this id, live or in the trash."""
        return self._table.get(stat)

    @property
    def without_percentiles(self) -> Collection[int]:
        """The stats that count no percentiles, as the log has it up to where it is applied."""
        return self._without_percentiles

    @property
    def changes(self) -> int:
        """How many records of stats were taken or forgotten so far: grows with every change."""
        return self._table.changes

    def changed_since(self, changes: int) -> list[Stat] | None:
        """The stats that were made or changed since then; None when they are too many to tell."""
        return self._table.changed_since(changes)

    @property
    def has_trash(self) -> bool:
        """Whether any stat at all is in the trash."""
        return self._table.has_trash

    def home(self, account: int) -> int:
        """The partition of what belongs to an account and to none of its stats."""
        return partition_of(account, 0, 1, self._store.partitions)

    def partitions(self, account: int) -> list[int]:
        """The partitions in which the account may have stats."""
        partitions = self._store.partitions
        home, spread = self.home(account), min(self._spread(account), partitions)
        return [(home + step) % partitions for step in range(spread)]

    def accounts(self, stats: Ints) -> Ints:
        """Whose stats they are, purged ones too; 0 for nobody's."""
        return self._table.accounts(stats)

    def note_activity(self, stat: int, at_s: int) -> None:
        """Note that a stat had a point at this time, epoch seconds."""
        self._table.note_activity(stat, at_s)

    async def search(
        self,
        account: int,
        q: str | None = None,
        kind: Kind | None = None,
        sort: Sort = "name",
        cursor: str | None = None,
        limit: int = PAGE_MAX,
        *,
        state: State = "live",
        prefix: str | None = None,
    ) -> tuple[list[Stat], str | None]:
        """A page of stats, and the cursor of the next page if there is one.

        `q` is a part of the name, or a pattern of the whole name with `*` and `?`; `prefix` is how
        names must begin. By activity the latest active come first. StatFault when `q` or `cursor`
        cannot be used.
        """
        assert 1 <= limit <= PAGE_MAX, f"BUG: a page of {limit}"
        search = _Search(self._table, account, q or "", kind, state, prefix or "")
        if sort == "name":
            after = None if cursor is None else read_name_cursor(cursor)
            page = await search.found(after, limit + 1)
            more = len(page) > limit
            return page[:limit], name_cursor(page[limit - 1].name) if more else None
        last = None if cursor is None else read_activity_cursor(cursor)
        found = await search.found()
        ids = np.array([stat.id for stat in found], np.int64)
        active_s = self._table.active_s(ids)
        places = most_active(ids, active_s, last, limit + 1)
        page = [found[place] for place in places[:limit]]
        if len(places) <= limit:
            return page, None
        return page, activity_cursor(int(active_s[places[limit - 1]]), page[-1].id)

    # Changing. All of it raises NotAccepted when the change could not be stored.

    async def register(self, account: int, wanted: Mapping[str, Kind]) -> None:
        """Make stats of the names that are new, durably; afterwards `names` has all of them.

        Names must be canonical and without fault. A name that is known keeps its kind.
        """
        await self._changes.register(account, wanted)

    async def change(
        self,
        stat: int,
        name: str | None = None,
        unit: str | Kept | None = KEPT,
        percentiles: bool | None = None,
        revision: int | None = None,
    ) -> Stat:
        """Rename a stat or change what is known of it, if it still has the revision.

        Raises NoSuchStat, InTrash, BadName, NameTaken or ChangedMeanwhile.
        """
        async with self._changes.turn:
            self._unchanged(stat, revision)
            if name is not None:
                name = await self._free_name(self._live(stat), name)
            known = self._live(stat)
            return await self._put(
                known,
                known._replace(
                    name=known.name if name is None else name,
                    unit=known.unit if unit is KEPT else unit,
                    percentiles=known.percentiles if percentiles is None else percentiles,
                ),
            )

    async def trash(self, stat: int, revision: int | None = None) -> Stat:
        """Throw a stat away, if it still has the revision; else ChangedMeanwhile.

        For 48 h it can be restored, and meanwhile it takes no points.
        """
        async with self._changes.turn:
            self._unchanged(stat, revision)
            known = self._known(stat)
            if known.state == "trash":
                return await self._put(known, known)
            now_ms = self._clock.now_ms()
            return await self._put(known, known._replace(state="trash", trashed_ms=now_ms))

    async def restore(self, stat: int) -> Stat:
        """Take a stat out of the trash."""
        async with self._changes.turn:
            known = self._known(stat)
            return await self._put(known, known._replace(state="live", trashed_ms=None))

    async def purge(self, stat: int, points: int) -> None:
        """Forget a stat for good, and the `points` that were counted for it; its name is free."""
        async with self._changes.turn:
            known = self._table.get(stat)
            if known is None:
                raise NoSuchStat(stat)
            await self._changes.purge(known, points)

    def expired(self, now_ms: int) -> list[Stat]:
        """The stats that have been in the trash long enough to be purged."""
        return [
            stat
            for stat in self._table.trash()
            if stat.trashed_ms is not None and now_ms - stat.trashed_ms >= TRASH_MS
        ]

    def _known(self, stat: int) -> Stat:
        known = self._table.get(stat)
        if known is None or self._changes.is_dying(stat):
            raise NoSuchStat(stat)
        return known

    def _unchanged(self, stat: int, revision: int | None) -> None:
        if revision is not None and self._known(stat).revision != revision:
            raise ChangedMeanwhile("it was changed meanwhile; look at it again")

    def _live(self, stat: int) -> Stat:
        known = self._known(stat)
        if known.state == "trash":
            raise InTrash("the stat is in the trash; restore it first")
        return known

    async def _free_name(self, stat: Stat, wanted: str) -> str:
        """The name as it is kept, once it is sure that nobody else has it."""
        name = canonical_name(wanted)
        if fault := name_fault(name):
            raise BadName(fault)
        await self._changes.settle(stat.account, name)
        holder = self.names(stat.account).get(name)
        if holder is not None and holder.id != stat.id:
            where = "in the trash" if holder.state == "trash" else "of this account"
            raise NameTaken(f"another stat {where} has this name")
        return name

    async def _put(self, known: Stat, wanted: Stat) -> Stat:
        pending = self._changes.pending(known.id)
        # An earlier change that may yet turn up must be overruled, even back to what is known.
        if wanted == known and pending is None:
            return known
        latest = known.revision if pending is None else max(known.revision, pending.revision)
        record = wanted._replace(revision=latest + 1)
        await self._changes.put([record])
        return record


class _Search:
    """A search through the names of one account, in order."""

    def __init__(
        self,
        table: StatTable,
        account: int,
        query: str,
        kind: Kind | None,
        state: State,
        prefix: str,
    ) -> None:
        self._test = name_test(query)
        self._kind = kind
        self._state = state
        self._prefix = prefix
        self._names = table.in_order(account)
        self._stats = table.names(account)

    async def found(self, after: str | None = None, enough: int | None = None) -> list[Stat]:
        """What fits, from the name after `after` on; stops when that is enough."""
        size = len(self._prefix)
        begin = bisect_left(self._names, self._prefix)
        end = bisect_right(self._names, self._prefix, key=itemgetter(slice(size)))
        if after is not None:
            begin = max(begin, bisect_right(self._names, after))
        found: list[Stat] = []
        for place in range(begin, end, NAMES_A_SLICE):
            found += self._fitting(self._names[place : min(end, place + NAMES_A_SLICE)])
            if enough is not None and len(found) >= enough:
                return found[:enough]
            await trio.lowlevel.checkpoint()
        return found

    def _fitting(self, names: list[str]) -> list[Stat]:
        test, kind, state = self._test, self._kind, self._state
        stats = map(self._stats.get, names if test is None else filter(test, names))
        return [
            stat
            for stat in stats
            # A name may have gone since the search began.
            if stat is not None and stat.state == state and (kind is None or stat.kind is kind)
        ]
