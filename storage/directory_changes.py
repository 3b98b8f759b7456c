"""How a stat is registered or changed: one change at a time, each a command in the log.

Law: nobody sees a change before it is durable. What may have been stored, because no answer came,
keeps its id, its name and its revision, and is sent again before anything else may have that name.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Protocol

import trio

from engine.intake import NotAccepted, OutcomeUnknown, Overloaded, ReadOnly, StoreDown
from engine.points import Batch, Command, Points, Receipt
from engine.ports import Clock, Refused, StoreError
from engine.stats import Kind, Stat, partition_of
from storage.directory_record import purge_command, put_command
from storage.directory_table import StatTable

IDS_BLOCK: Final = 1_000
"""Stat ids fetched at a time; those left over when the process ends are never used."""

BATCH_COMMANDS_MAX: Final = 1_000
"""Commands in one log entry."""

WANTED_MAX: Final = 50_000
"""New names that wait to be registered, or to be known as registered; more are refused."""

NO_POINTS: Final = Points.of([], [], [])

Submit = Callable[[int, Batch], Awaitable[Receipt]]
Place = tuple[int, str]
"""Account and name."""


class Records(Protocol):
    """What the directory asks of the store."""

    @property
    def partitions(self) -> int: ...

    async def records(self, partition: int) -> list[tuple[int, bytes]]:
        """(stat, record) of every stat of the partition."""

    async def allocate(self, amount: int) -> int:
        """The first of `amount` consecutive stat ids that nobody ever had."""


class NotReady(NotAccepted):
    """Surely not stored: not every partition has applied its log, so a name may yet turn up."""

    code = "not_ready"


@dataclass(eq=False, slots=True)
class _Round:
    """The names that are registered together, by whoever comes first to do it for all."""

    wanted: dict[Place, Kind] = field(default_factory=dict)
    done: bool = False
    error: NotAccepted | None = None


class Changes:
    """The changes to a table; `submit` is None until the logs are applied."""

    def __init__(
        self, table: StatTable, store: Records, clock: Clock, spread: Callable[[int], int]
    ) -> None:
        self.submit: Submit | None = None
        self.turn = trio.Lock()
        self._table = table
        self._store = store
        self._clock = clock
        self._spread = spread
        self._ids: deque[int] = deque()
        self._round = _Round()
        # What was sent and is not known to be stored, and the names that it would take.
        self._pending: dict[int, Stat] = {}
        self._reserved: dict[Place, int] = {}
        self._dying: set[int] = set()

    def __repr__(self) -> str:
        return f"<Changes {len(self._pending)} pending, {len(self._round.wanted)} wanted>"

    async def register(self, account: int, wanted: Mapping[str, Kind]) -> None:
        """Make stats of the names that are new; NotAccepted when some could not be."""
        if not (missing := self._missing(account, wanted)):
            return
        self._ready()
        mine = self._round
        if len(mine.wanted) + len(missing) + len(self._pending) > WANTED_MAX:
            raise Overloaded("too many new stats are being registered")
        for name in missing:
            mine.wanted.setdefault((account, name), wanted[name])
        async with self.turn:
            if not mine.done:
                if self._round is mine:
                    self._round = _Round()
                await self._carry_out(mine)
        if mine.error is not None and self._missing(account, wanted):
            # Each who shares the failure gets one of their own, with a trace of their own.
            raise copy(mine.error)

    async def put(self, stats: Sequence[Stat]) -> None:
        """Store records and then show them; to be called with the turn.

        When some are not accepted the others are stored nevertheless.
        """
        parts = list(_parts(stats))
        errors: list[NotAccepted] = []

        async def send(partition: int, part: Sequence[Stat]) -> None:
            try:
                await self._send(partition, part)
            except NotAccepted as error:
                errors.append(error)

        async with trio.open_nursery() as nursery:
            for partition, part in parts:
                nursery.start_soon(send, partition, part)
        if errors:
            errors.sort(key=lambda error: not isinstance(error, OutcomeUnknown))
            raise errors[0]

    async def purge(self, stat: Stat, points: int) -> None:
        """Forget a stat that had so many points; to be called with the turn."""
        dying = stat.id in self._dying
        self._dying.add(stat.id)
        try:
            await self._append(stat.partition, [purge_command(stat.id, points)])
        except OutcomeUnknown:
            raise
        except NotAccepted:
            if not dying:
                self._dying.remove(stat.id)
            raise
        self.purged(stat.id)

    async def settle(self, account: int, name: str) -> None:
        """If a stat may have been given this name, make sure that it was; with the turn."""
        stat = self._reserved.get((account, name))
        if stat is not None:
            await self.put([self._pending[stat]])

    def purged(self, stat: int) -> None:
        """Forget a stat: it was purged."""
        self._table.purge(stat)
        self._forget(stat)
        self._dying.discard(stat)

    def is_dying(self, stat: int) -> bool:
        """Whether the stat was perhaps purged: then nothing else may happen to it."""
        return stat in self._dying

    def pending(self, stat: int) -> Stat | None:
        """What this stat was perhaps changed to."""
        return self._pending.get(stat)

    def stored(self, stat: Stat) -> None:
        """Show a record that is stored: neither it nor an earlier one is pending any more."""
        self._table.put(stat)
        pending = self._pending.get(stat.id)
        if pending is not None and pending.revision <= stat.revision:
            self._forget(stat.id)

    def _missing(self, account: int, wanted: Mapping[str, Kind]) -> list[str]:
        names = self._table.names(account)
        return [name for name in wanted if name not in names]

    def _ready(self) -> Submit:
        if self.submit is None:
            raise NotReady("the server is starting: its logs are not applied yet")
        return self.submit

    async def _carry_out(self, mine: _Round) -> None:
        try:
            await self.put(await self._records(mine.wanted))
        except NotAccepted as error:
            mine.error = error
        mine.done = True

    async def _records(self, wanted: Mapping[Place, Kind]) -> list[Stat]:
        """A record for each name that has no stat yet: the pending one, or a new one."""
        places = [place for place in wanted if place[1] not in self._table.names(place[0])]
        new = [place for place in places if place not in self._reserved]
        again = [self._pending[self._reserved[p]] for p in places if p in self._reserved]
        ids = await self._take_ids(len(new))
        now_ms = self._clock.now_ms()
        made = [
            Stat(
                stat, account, self._home(account, stat), name, wanted[account, name], None, now_ms
            )
            for stat, (account, name) in zip(ids, new, strict=True)
        ]
        return again + made

    def _home(self, account: int, stat: int) -> int:
        return partition_of(account, stat, self._spread(account), self._store.partitions)

    async def _take_ids(self, amount: int) -> list[int]:
        if len(self._ids) < amount:
            block = max(IDS_BLOCK, amount - len(self._ids))
            try:
                first = await self._store.allocate(block)
            except Refused as error:
                full = error.code == "oom"
                raise (ReadOnly(str(error), 30) if full else StoreDown(str(error))) from error
            except StoreError as error:
                raise StoreDown(str(error)) from error
            self._ids.extend(range(first, first + block))
        return [self._ids.popleft() for _ in range(amount)]

    async def _send(self, partition: int, stats: Sequence[Stat]) -> None:
        before = [self._reserve(stat) for stat in stats]
        try:
            await self._append(partition, [put_command(stat) for stat in stats])
        except OutcomeUnknown:
            raise
        except NotAccepted:
            # Surely not stored: what was pending before still is.
            for stat, earlier in zip(stats, before, strict=True):
                self._forget(stat.id)
                if earlier is not None:
                    self._reserve(earlier)
            raise
        for stat in stats:
            self.stored(stat)

    async def _append(self, partition: int, commands: Sequence[Command]) -> None:
        await self._ready()(partition, Batch(NO_POINTS, commands=tuple(commands)))

    def _reserve(self, stat: Stat) -> Stat | None:
        """Note that this record may be stored; returns the one of which that was noted before."""
        before = self._pending.get(stat.id)
        self._forget(stat.id)
        self._pending[stat.id] = stat
        self._reserved[stat.account, stat.name] = stat.id
        return before

    def _forget(self, stat: int) -> None:
        """Nothing is pending for this stat."""
        pending = self._pending.pop(stat, None)
        if pending is not None:
            del self._reserved[pending.account, pending.name]


def _parts(stats: Sequence[Stat]) -> list[tuple[int, Sequence[Stat]]]:
    """The stats by partition, in parts that one log entry may carry."""
    by_partition: dict[int, list[Stat]] = {}
    for stat in stats:
        by_partition.setdefault(stat.partition, []).append(stat)
    return [
        (partition, part[place : place + BATCH_COMMANDS_MAX])
        for partition, part in by_partition.items()
        for place in range(0, len(part), BATCH_COMMANDS_MAX)
    ]
