"""The imports that are under way: one of an account at a time, one of the server at a time.

Law: what an import does may be done again, so it is broken off at any moment and goes on where its
record says. Its record is written after what it tells of is durable.
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
import trio

from api.accounts.vault import Vault, VaultFault
from api.boards.kept import Boards
from api.importing.applying import (
    STATS_A_BLOCK,
    compare,
    read_block,
    submit,
    within,
    write,
)
from api.importing.archive import Archive
from api.importing.dump import Dump, open_dump
from api.importing.faults import DumpFault, PulledFault
from api.importing.kept import MADE, Kept
from api.importing.others import Others
from api.importing.pulling import Fetch, Source, fetch
from api.importing.record import ImportRecord, State, import_id
from api.notify.guard import Guard
from api.notify.office import Office
from api.plans.allowances import Allowances
from engine.imported import undo_command
from engine.intake import NotAccepted
from engine.node import Node
from engine.ports import Clock, StoreError
from engine.stats import NoSuchStat
from storage.directory import Directory

log = logging.getLogger("statflow.importing")

WAITING_MAX: Final = 16
"""Imports of all accounts that wait for their turn; more are refused."""

WRITE_EVERY_S: Final = 1.0
"""How old the record of an import may get while it works."""

UNDO_STATS: Final = 500
"""Stats whose buckets are forgotten in one step."""

RETRY_S: Final = 5.0

READY_S: Final = 1.0
"""Whoever comes before the server knows what was under way waits so long."""

NO_STAT: Final = 0
"""No stat has this id."""


class Busy(Exception):
    """The account has an import under way."""


class Full(Exception):
    """Too many imports wait."""


@dataclass(frozen=True, slots=True)
class Means:
    """What imports work with."""

    node: Node
    directory: Directory
    office: Office
    allowances: Allowances
    vault: Vault
    guard: Guard
    clock: Clock
    fetch: Fetch = fetch


class Importing:
    """The imports of every account."""

    def __init__(self, means: Means, kept: Kept) -> None:
        self.means = means
        self.kept = kept
        self._others = Others(
            means.office, means.directory, means.allowances, Boards(kept.documents)
        )
        self._live: dict[int, ImportRecord] = {}
        self._arrived: trio.MemorySendChannel[int]
        self._arrived, self._queue = trio.open_memory_channel[int](WAITING_MAX)
        self._working: tuple[int, trio.CancelScope] | None = None
        self._taking: dict[int, int] = {}
        self._resumed, self._ended = trio.Event(), trio.Event()
        self._last = 0
        self._written_s = 0.0

    def __repr__(self) -> str:
        return f"<Importing {len(self._live)} under way>"

    @property
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self.means.clock.now_ms()

    async def wait_ready(self) -> bool:
        """Whether it is known, now or soon, what was under way when the server ended."""
        with trio.move_on_after(READY_S):
            await self._resumed.wait()
        return self._resumed.is_set()

    @contextmanager
    def taking(self, account: int) -> Generator[int]:
        """Keep a place while an import is received; its number is later than all before.

        Raises Busy or Full.
        """
        if account in self._live or account in self._taking:
            raise Busy
        if len(self._live) + len(self._taking) >= WAITING_MAX:
            raise Full
        self._last = self._taking[account] = max(self._last + 1, self.now_ms)
        try:
            yield self._taking[account]
        finally:
            del self._taking[account]

    async def begin(self, record: ImportRecord) -> None:
        """Take an import whose files are here; it is done also after a restart."""
        self._live[record.account] = record
        try:
            await self.kept.write(record, self.now_ms)
        except BaseException:
            del self._live[record.account]
            raise
        self._arrived.send_nowait(record.account)

    async def get(self, account: int, name: str | None) -> ImportRecord | None:
        """An import as it stands now, the newest if none is named."""
        live = self._live.get(account)
        if live is not None and name in (None, live.id):
            return live
        if name is not None:
            return await self.kept.get(account, name, self.now_ms)
        return next(iter(await self.kept.all(account, self.now_ms)), None)

    async def all(self, account: int) -> list[ImportRecord]:
        """The imports of an account as they stand now, the newest first."""
        live = self._live.get(account)
        found = await self.kept.all(account, self.now_ms)
        return [live if live is not None and live.id == one.id else one for one in found]

    async def undo(self, record: ImportRecord) -> ImportRecord:
        """Forget all that an import brought, and stop it if it is under way; Busy or Full."""
        account, live = record.account, self._live.get(record.account)
        if live is not None and live.id != record.id:
            raise Busy
        undoing = msgspec.structs.replace(live or record, state="undoing", pull=None, ended_ms=None)
        if live is None:
            with self.taking(account):
                await self.begin(undoing)
            return undoing
        self._live[account] = undoing
        await self.kept.write(undoing, self.now_ms)
        if self._working is not None and self._working[0] == account:
            self._working[1].cancel()
        return undoing

    async def run(self, accounts: Callable[[], Awaitable[Sequence[int]]]) -> None:
        """Work for ever; first on what was under way when the server ended."""
        await self.means.node.wait_ready()
        await self._resume(accounts)
        self._resumed.set()
        numbers = [*self._taking.values(), *(one.number for one in self._live.values())]
        await self.kept.sweep(set(map(import_id, numbers)))
        async for account in self._queue:
            while (record := self._live.get(account)) is not None and record.under_way:
                with trio.CancelScope() as scope:
                    self._working = account, scope
                    await self._work(record)
                self._working = None
            self._live.pop(account, None)
            ended, self._ended = self._ended, trio.Event()
            ended.set()

    def stop(self) -> None:
        """Break off what is under way, as a kill would: it goes on after a start."""
        self._arrived.close()
        if self._working is not None:
            self._working[1].cancel()

    async def wait_ended(self, account: int) -> None:
        """Return once nothing is under way for an account."""
        await self._resumed.wait()
        while account in self._live:
            await self._ended.wait()

    async def _resume(self, accounts: Callable[[], Awaitable[Sequence[int]]]) -> None:
        while True:
            try:
                for account in await accounts():
                    if account in self._live:
                        continue
                    for record in await self.kept.all(account, self.now_ms):
                        if record.under_way and len(self._live) < WAITING_MAX:
                            self._live[account] = record
                            self._arrived.send_nowait(account)
                            break
                return
            except StoreError as error:
                log.info("imports that were under way go on later: %s", error)
                await trio.sleep(RETRY_S)

    async def _work(self, record: ImportRecord) -> None:
        """Bring one import to its end; whatever happens to it ends no other."""
        try:
            reason = await self._carried_out(record)
            if reason is not None:
                await self._end(record, "failed", reason)
        except StoreError as error:
            log.info("the import %s goes on later: %s", record.id, error)
            await trio.sleep(RETRY_S)
        except Exception:
            # Not written, for that may be what failed: after a restart it is tried once more.
            log.exception("the import %s failed", record.id)
            reason = "something went wrong on our side; the log of the server has more"
            self._live[record.account] = self._now(record).ended("failed", self.now_ms, reason)

    async def _carried_out(self, record: ImportRecord) -> str | None:
        """Import or undo; why that cannot be done, if it cannot."""
        try:
            if record.state == "undoing":
                await self._undo(record)
            else:
                await self._import(record)
        except (DumpFault, PulledFault, VaultFault) as fault:
            return f"{fault}"
        except NotAccepted as error:
            return f"the server takes nothing: {error}"
        return None

    def _now(self, record: ImportRecord) -> ImportRecord:
        """The record as it is now; the caller may have an older one."""
        live = self._live.get(record.account, record)
        return live if live.id == record.id else record

    async def _end(self, record: ImportRecord, state: State, reason: str | None = None) -> None:
        if self._live[record.account].state == "undoing" and record.state != "undoing":
            return  # Somebody wants it undone: that comes next.
        ended = self._now(record).ended(state, self.now_ms, reason)
        await self.kept.write(ended, self.now_ms)
        self._live[record.account] = ended
        keep = MADE if state in ("done", "failed") and not record.dry_run else None
        await self.kept.forget_files(ended, keep)

    async def _tell(self, record: ImportRecord, *, at_once: bool = False) -> None:
        """Show how far it came, and write it down now and then."""
        if self._live[record.account].state == "undoing":
            return
        self._live[record.account] = record
        if at_once or trio.current_time() - self._written_s >= WRITE_EVERY_S:
            self._written_s = trio.current_time()
            await self.kept.write(record, self.now_ms)

    async def _import(self, record: ImportRecord) -> None:
        record = msgspec.structs.replace(
            record, state="running", started_ms=record.started_ms or self.now_ms
        )
        await self._tell(record, at_once=True)
        if record.pull is not None:
            record = await self._pull(record)
        source = self.kept.source(record)
        archive = await trio.to_thread.run_sync(Archive, source, record.name)
        with archive:
            dump = await trio.to_thread.run_sync(open_dump, archive, record.stat, record.kind)
            if record.tally.stats != len(dump.stats):
                tally = msgspec.structs.replace(record.tally, stats=len(dump.stats), stats_done=0)
                record = msgspec.structs.replace(record, tally=tally).noting(*dump.faults)
            while record.tally.stats_done < len(dump.stats):
                record = await self._block(record, dump)
                await self._tell(record)
            if not record.dry_run:
                # The windows of the alerts are filled with what is committed.
                await self.means.node.checkpoint()
            record = await self._others.bring(record, dump, self.now_ms)
        await self._tell(record)
        if not record.dry_run:
            await self.means.node.checkpoint()
        await self._end(record, "done")

    async def _pull(self, record: ImportRecord) -> ImportRecord:
        pull = record.pull
        assert pull is not None, "BUG: there is nobody to ask"
        token = self.means.vault.open(pull.token, record.id)
        source = Source(self.means.guard, pull.url, token, self.means.fetch)

        async def step(pulled: int, to_pull: int) -> None:
            tally = msgspec.structs.replace(record.tally, pulled=pulled, to_pull=to_pull)
            await self._tell(msgspec.structs.replace(record, tally=tally))

        faults = await source.pull(self.kept.source(record), pull.timeframes, step)
        record = self._now(record)
        # Once more after a restart: they are told only once.
        return record if record.tally.stats else record.noting(*faults)

    async def _block(self, record: ImportRecord, dump: Dump) -> ImportRecord:
        """Import some stats; afterwards they are in the log."""
        means, account = self.means, record.account
        begin = record.tally.stats_done
        found = dump.stats[begin : begin + STATS_A_BLOCK]
        known = dict(means.directory.names(account))
        allowance = means.allowances.of(account)
        room = allowance.more_stats(len(known) + (record.tally.stats_new if record.dry_run else 0))
        block = await trio.to_thread.run_sync(read_block, dump, found, known, room)
        within(block, allowance, self.now_ms)
        await compare(means.node, block, known)
        if not record.dry_run:
            if block.wanted:
                self.kept.note_made(record, block.wanted)
            await write(means.node, means.directory, account, record.number, block)
        tally = record.tally.plus(
            stats_done=len(found), stats_new=len(block.wanted), buckets_new=block.buckets_new,
            buckets_same=block.buckets_same, buckets_out=block.buckets_out,
            histograms_new=block.histograms_new, histograms_same=block.histograms_same,
        )  # fmt: skip
        return msgspec.structs.replace(record, tally=tally).noting(*block.faults)

    async def _undo(self, record: ImportRecord) -> None:
        """Forget buckets, then all but stats, then the stats that it made and that nobody used."""
        means, account = self.means, record.account
        for partition in means.directory.partitions(account):
            # What it sent last stands before this in the log, and is applied then.
            await submit(means.node, partition, [undo_command(NO_STAT, record.number)])
        await means.node.checkpoint()
        stats: dict[int, list[int]] = {}
        for partition, stat in means.node.having_imported(record.number):
            known = means.directory.get(stat)
            if known is not None and known.account == account:
                stats.setdefault(partition, []).append(stat)
        for partition, ids in stats.items():
            for place in range(0, len(ids), UNDO_STATS):
                part = [undo_command(one, record.number) for one in ids[place : place + UNDO_STATS]]
                await submit(means.node, partition, part)
        await self._others.forget(record, self.now_ms)
        await self._trash_made(record)
        await means.node.checkpoint()
        await self._end(record, "undone")

    async def _trash_made(self, record: ImportRecord) -> None:
        means = self.means
        for name in self.kept.made(record):
            stat = means.directory.names(record.account).get(name)
            if stat is None or stat.state != "live":
                continue
            used = await means.node.latest(stat.partition, [stat.id])
            if not used and not means.node.has_imports(stat.partition, stat.id):
                try:
                    await means.directory.trash(stat.id)
                except NoSuchStat:
                    continue
