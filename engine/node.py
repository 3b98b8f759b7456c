"""The node: the tree of tasks, and the face of the engine.

Law: whatever fails here ends the process; a partition that fails is started again a few times, one
that lost its ownership is not. Stopping is closing the inlet: the intake empties, the partitions
apply and checkpoint, the tasks return.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import trio

from engine.alert_clock import keep_time
from engine.alert_state import NextMs
from engine.alerting import Alerting, forget, never
from engine.histogram import Histograms
from engine.imported import Layer
from engine.imported_reader import (
    imports_seen,
    latest_with_imports,
    layers_of,
    read_histograms_with_imports,
    read_with_imports,
)
from engine.intake import Intake
from engine.ladder import Ladder
from engine.partition import Partition
from engine.points import Batch, Command, Receipt
from engine.ports import Clock, Fenced, Judged, Memory, Refused, Store, Unavailable
from engine.position import Position
from engine.queries import Queries, Reading
from engine.reader import Content
from engine.rollup import Rollups
from engine.seconds import SECONDS_BYTES_MAX
from engine.shedding import Shedding
from engine.stat_actor import StatActor, Watch
from engine.supervision import Restarts, keep_running
from engine.tiers import FAR_S, Tier
from engine.usage import Owners, nobody
from engine.window import Newest

TICK_S = 1.0
MEMORY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What may be tuned: memory for one-second rollups, in bytes for the whole node."""

    seconds_bytes: int = SECONDS_BYTES_MAX


@dataclass(frozen=True, slots=True)
class PartitionStatistics:
    """One partition at a moment; times in epoch milliseconds."""

    number: int
    ready: bool
    position: Position
    applied_points: int
    points_ahead: int
    dead_letters: int
    checkpoints: int
    checkpoint_ms: int
    uncommitted_bytes: int
    seconds_bytes: int
    frames: int
    active: int
    awake: int
    chunks_written: int
    kept_shorter: int


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """The node at a moment; `refused` counts by code, `commit_s` is the sum over `commits`."""

    partitions: tuple[PartitionStatistics, ...]
    bytes_waiting: int
    refused: dict[str, int]
    commits: int
    commit_s: float
    watches: int
    memory: Memory | None
    read_only: str | None


class Node:
    """Submit, query, watch; made by `open_node`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: EngineSettings,
        on_command: Callable[[Command], None],
        without_histograms: Collection[int],
        owners: Owners,
        next_ms: NextMs,
        on_judged: Callable[[int, Judged], None],
    ) -> None:
        self.store = store
        self.clock = clock
        self.partitions = store.partitions
        self.intake = Intake(store, clock)
        share = settings.seconds_bytes // store.partitions
        self._partitions = [
            Partition(
                number,
                store,
                clock,
                on_command,
                share,
                without_histograms,
                owners,
                next_ms,
                on_judged,
            )
            for number in range(store.partitions)
        ]
        self._queries = [Queries(partition) for partition in self._partitions]
        self._watches: set[Watch] = set()
        self._stopping = False
        self._shedding = Shedding(store, self.intake, self._partitions)
        for partition in self._partitions:
            self.intake.add(partition.lane)

    def __repr__(self) -> str:
        ready = sum(partition.ready.is_set() for partition in self._partitions)
        return f"<Node {ready} of {self.partitions} partitions ready, {self.intake!r}>"

    @property
    def ready(self) -> bool:
        """Whether every partition has applied its log."""
        return all(partition.ready.is_set() for partition in self._partitions)

    async def wait_ready(self) -> None:
        """Return once every partition has applied its log."""
        for partition in self._partitions:
            await partition.ready.wait()

    async def submit(self, partition: int, batch: Batch) -> Receipt:
        """Append a batch to a partition; returns when it is durable, else raises `NotAccepted`."""
        return await self.intake.submit(partition, batch)

    async def read(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Rollups]:
        """Buckets of one stat that start in [from_s, to_s), epoch seconds."""
        return await self._queries[partition].read(stat, tier, from_s, to_s)

    async def read_with_imports(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Rollups]:
        """As `read`, and what was imported where nothing was counted; perhaps in wider buckets.

        Then the first bucket is the one that holds `from_s`.
        """
        return await read_with_imports(self._queries[partition], stat, tier, from_s, to_s)

    async def imported(
        self, partition: int, stats: Sequence[int], ladder: Ladder[Content]
    ) -> dict[int, list[Layer[Content]]]:
        """All that imports have of some stats; nothing of those that have none."""
        return await layers_of(self._queries[partition], stats, ladder, 0, FAR_S)

    async def imports_seen(
        self, partition: int, stat: int, ladder: Ladder[Content], from_s: int, to_s: int
    ) -> list[tuple[Tier, Content]]:
        """What is seen of a stat's imports in [from_s, to_s), whose ends are those of days."""
        queries = self._queries[partition]
        await queries.caught_up()
        return await imports_seen(queries, stat, ladder, from_s, to_s)

    def has_imports(self, partition: int, stat: int) -> bool:
        """Whether anything was imported for a stat."""
        return stat in self._partitions[partition].imports.of_stat

    def having_imported(self, number: int) -> list[tuple[int, int]]:
        """(partition, stat) of the stats that have something of an import."""
        return [(p.number, stat) for p in self._partitions for stat in p.imports.having(number)]

    async def read_histograms(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Histograms]:
        """Histograms of one stat whose buckets start in [from_s, to_s), epoch seconds."""
        return await self._queries[partition].read_histograms(stat, tier, from_s, to_s)

    async def read_histograms_with_imports(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Histograms]:
        """As `read_histograms`, with what was imported, as `read_with_imports` does it."""
        return await read_histograms_with_imports(
            self._queries[partition], stat, tier, from_s, to_s
        )

    async def latest(self, partition: int, stats: list[int]) -> dict[int, Newest]:
        """The newest point of each of these stats that ever had one."""
        return await self._queries[partition].latest(stats)

    async def latest_with_imports(self, partition: int, stats: Sequence[int]) -> dict[int, Newest]:
        """As `latest`, also of what was imported."""
        return await latest_with_imports(self._queries[partition], stats)

    def touched(self, partition: int, stat: int, since: Position, tier: Tier) -> list[int] | None:
        """Starts of the buckets that may have changed after `since`; None when nobody knows."""
        return self._queries[partition].touched(stat, since, tier)

    def alerting(self, partition: int) -> Alerting:
        """The rules of a partition as they are now; `engine.alerts` is their face."""
        return self._partitions[partition].alerting

    def cursor(self, partition: int) -> Position:
        """The log position that the partition has applied."""
        return self._partitions[partition].position

    @contextmanager
    def watch(self, tier: Tier) -> Generator[Watch, None, None]:
        """Listen to stats in one tier; they are added to the watch."""
        watch = Watch(tier, self._awaken)
        self._watches.add(watch)
        if self._stopping:
            watch.end()
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            watch.close()

    def end_watches(self) -> None:
        """End every watch, also later ones: live clients leave before the server stops."""
        self._stopping = True
        for watch in tuple(self._watches):
            watch.end()

    async def checkpoint(self) -> None:
        """Commit what was acknowledged so far, in every partition."""
        for partition, queries in zip(self._partitions, self._queries, strict=True):
            await queries.caught_up()
            await partition.checkpoint()

    async def fold(self, now_s: int) -> None:
        """Fold what is due at `now_s`, in every partition."""
        for partition in self._partitions:
            await partition.history.fold_once(now_s)

    def statistics(self) -> NodeStatistics:
        """The node at this moment."""
        intake = self.intake
        return NodeStatistics(
            tuple(map(_statistics, self._partitions)),
            intake.bytes_waiting,
            dict(intake.refused),
            intake.commits,
            intake.commit_s,
            len(self._watches),
            self._shedding.memory,
            intake.read_only,
        )

    def _awaken(self, watch: Watch, partition: int, stat: int) -> StatActor:
        home, queries = self._partitions[partition], self._queries[partition]

        async def load(tier: Tier, from_s: int, to_s: int) -> tuple[Rollups, Position] | None:
            reading = await queries.read(stat, tier, from_s, to_s)
            if reading.tier is not tier or (reading.complete_from or 0) > from_s:
                return None
            return reading.rollups, reading.position

        actor = home.actors.get(stat)
        if actor is None:
            actor = StatActor(partition, stat, load, lambda: home.now_s)
            home.awaken(actor)
        actor.watches.setdefault(watch.tier, set()).add(watch)
        return actor

    async def tick(self) -> None:
        """Once a second, for ever: time passes in every partition."""
        while True:
            await trio.sleep(TICK_S)
            now_ms = self.clock.now_ms()
            for partition in self._partitions:
                partition.tick(now_ms)

    async def look_at_memory(self) -> None:
        """Every few seconds, for ever: shed what memory cannot hold."""
        while True:
            # The next look will tell; whoever is fenced hears it from its own checkpoint.
            with suppress(Unavailable, Refused, Fenced):
                await self._shedding.look(self.clock.now_ms() // 1000)
            await trio.sleep(MEMORY_EVERY_S)

    def drain(self) -> None:
        """Take no more; the tasks end when all that was taken is committed."""
        self.end_watches()
        self.intake.close()


def _statistics(partition: Partition) -> PartitionStatistics:
    return PartitionStatistics(
        partition.number,
        partition.ready.is_set(),
        partition.position,
        partition.applied_points,
        partition.points_ahead,
        partition.dead_letters,
        partition.checkpoints,
        partition.checkpoint_ms,
        partition.pending.points.bytes,
        partition.seconds.bytes,
        len(partition.history.frames),
        len(partition.table),
        len(partition.actors),
        partition.history.fold.chunks_written,
        partition.history.shortened,
    )


def ignore(command: Command) -> None:
    """For those who need not know about commands."""


@asynccontextmanager
async def open_node(
    store: Store,
    clock: Clock,
    settings: EngineSettings = EngineSettings(),
    on_command: Callable[[Command], None] = ignore,
    without_histograms: Collection[int] = (),
    owners: Owners = nobody,
    next_ms: NextMs = never,
    on_judged: Callable[[int, Judged], None] = forget,
) -> AsyncGenerator[Node, None]:
    """A running node; on a graceful exit it drains: all that was taken is committed.

    `on_command` is called, without waiting, for each command that a partition applies, in log
    order, live and when the log is read again after a start. The stats in `without_histograms` have
    no percentiles; its owner may change it at any time. `owners` tells whose points are metered,
    `next_ms` when a cron comes next. `on_judged` is called, without waiting, with the transitions
    and messages of a checkpoint that a partition has committed.
    """
    node = Node(store, clock, settings, on_command, without_histograms, owners, next_ms, on_judged)
    async with trio.open_nursery() as background:
        background.start_soon(node.tick)
        background.start_soon(node.look_at_memory)
        for partition in node._partitions:
            background.start_soon(keep_time, node.intake, partition, clock)
        async with trio.open_nursery() as partitions:
            for partition in node._partitions:
                partitions.start_soon(
                    keep_running, repr(partition), partition.run, Restarts(), (Fenced,)
                )
            async with trio.open_nursery() as intake:
                intake.start_soon(node.intake.run)
                yield node
                # Reached only on a graceful stop.
                node.drain()
            for partition in node._partitions:
                partition.inbox.close()
        background.cancel_scope.cancel()
