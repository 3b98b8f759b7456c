"""A partition: one task that reads its log in order and takes turns.

Law: a turn is one step without waiting: compute first, then change the table, the uncommitted
points and the position together. A checkpoint carries every point up to its position and none
beyond. Recovery is reading the log from the last checkpoint; there is no other way to start.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import trio

from engine.alert_loading import keep_loaded, keep_seconds, load
from engine.alert_state import NextMs
from engine.alerting import Alerting, forget, never
from engine.fold import Fold
from engine.history import History
from engine.imported import PUT, UNDO, Imports
from engine.intake import Lane
from engine.mailbox import Mailbox
from engine.points import Command
from engine.ports import (
    Checkpoint,
    Clock,
    DeadLetter,
    Entry,
    Fenced,
    FoldState,
    Frame,
    Judged,
    Ownership,
    Refused,
    Store,
    Unavailable,
)
from engine.position import START
from engine.rollup import Rollups
from engine.sealing import Pending, Sealed, added_up
from engine.seconds import Seconds
from engine.stat_actor import StatActor, Wake
from engine.supervision import patiently
from engine.tiers import PARTIAL_S
from engine.turn import Turn, compute, turns_by_entry, turns_of
from engine.uncommitted import NO_PARTIALS
from engine.usage import Owners, nobody
from engine.window import WindowTable

log = logging.getLogger("statflow.engine")

TURN_POINTS_WORTH = 2_000
TURN_PAUSE_S = 0.002
"""A turn of fewer points than are worth one is followed by a pause in which more gather."""

UNCOMMITTED_BYTES_MAX = 32 * 2**20
"""A checkpoint is due when the uncommitted rows take this much memory."""

UNCOMMITTED_POINTS_MAX = 2_000_000
"""Or when there are so many points: whoever comes next reads them all again."""

COMMAND_BYTES_MAX = 4 * 2**20
"""And when the uncommitted commands do: what they put is written in one step of the store."""

FOLD_EVERY_S = 60
SWEEP_EVERY_S = 1_800
REPLAY_ENTRIES = 500

FRAMES_WORTH_A_PAUSE = 500
CROWDED_PAUSE_S = 0.1
"""Beyond so many frames, checkpoints that alerts ask for come no closer than this."""

WAKES_A_SLICE = 256


class Partition:
    """State and tasks of one partition; `run` is one life, from acquiring to draining."""

    def __init__(
        self,
        number: int,
        store: Store,
        clock: Clock,
        on_command: Callable[[Command], None],
        seconds_bytes: int,
        without_histograms: Collection[int] = (),
        owners: Owners = nobody,
        next_ms: NextMs = never,
        on_judged: Callable[[int, Judged], None] = forget,
    ) -> None:
        self.number = number
        self.store = store
        self.clock = clock
        self.on_command = on_command
        self.seconds_bytes = seconds_bytes
        self.without_histograms = without_histograms
        self.owners = owners
        self.next_ms = next_ms
        self.on_judged = on_judged
        self.lane = Lane(number, self._deliver, lambda: self.points_ahead, self._lost)
        self.applied_points = self.dead_letters = self.checkpoints = 0
        self.ready = trio.Event()
        self.inbox: Mailbox[Entry] = Mailbox()  # Bounded by the intake: LAG_POINTS_MAX.
        # Whoever begins to listen while nothing runs is served once it does.
        self.actors: dict[int, StatActor] = {}
        self._nursery: trio.Nursery | None = None
        own = Ownership(number, 0, 0, START, START)
        self._reset(own, History(store, own, Fold(store, number, 0, FoldState()), []), {})

    def __repr__(self) -> str:
        return (
            f"<Partition {self.number} at {self.position}: {len(self.table)} active, "
            f"{len(self.actors)} awake, {len(self.history.frames)} frames>"
        )

    def _reset(self, own: Ownership, history: History, alerts: Mapping[str, bytes]) -> None:
        self.own = own
        self.began = self.position = own.position
        self.history = history
        self.alerting = Alerting(alerts, own.position, self.next_ms)
        self.rules_changed, self.rules_loaded = trio.Event(), trio.Event()
        self.table = WindowTable()
        self.imports = Imports()
        self.pending = Pending()
        self.sealed: Sealed | None = None
        # What was committed is not here.
        begun_s = max(self.now_s, history.closed_s) if own.position > START else 0
        self.seconds = Seconds(self.seconds_bytes, own.position, begun_s)
        for frame in history.frames:
            self.seconds.miss(frame.partials.rollups, begun_s)
        stopping = self.inbox.closed
        self.inbox = Mailbox()
        if stopping:
            self.inbox.close()
        self.points_ahead = 0
        self.checkpoint_ms = self.clock.now_ms()
        self.checkpoint_due = trio.Event()
        self.committing = trio.Lock()
        self.progress = trio.Event()
        self.fenced = False

    @property
    def now_s(self) -> int:
        """Wall time in epoch seconds."""
        return self.clock.now_ms() // 1000

    async def run(self) -> None:
        """Live once: acquire, replay, take turns until the inbox is closed, checkpoint, return."""
        await self._acquire()
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._checkpoints)
                self._nursery.start_soon(self._folds)
                self._nursery.start_soon(keep_loaded, self)
                for actor in self.actors.values():
                    self._start(self._nursery, actor)
                async for entries in self.inbox:
                    await self._take(entries)
                async with self.committing:  # A checkpoint that is on its way arrives first.
                    self._nursery.cancel_scope.cancel()
        finally:
            self._rest()
        await self.checkpoint()

    def _rest(self) -> None:
        """Nothing runs: live clients come back with their cursors, to actors that know more."""
        self._nursery, self.ready = None, trio.Event()
        actors, self.actors = self.actors, {}
        for actor in actors.values():
            actor.end_watches()

    async def _acquire(self) -> None:
        self.lane.epoch = None
        own = await patiently(repr(self), lambda: self.store.acquire(self.number))
        history = await History.load(self.store, own, self.now_s)
        alerts = await patiently(repr(self), lambda: self.store.alerts(self.number))
        imports = await patiently(repr(self), lambda: self.store.imports(self.number))
        self._reset(own, history, alerts)
        keep_seconds(self)  # At once: a fold that comes now must leave them.
        self.imports = Imports(imports)
        await load(self, self.alerting.unloaded())
        self.alerting.begin()
        await self._replay()
        self.lane.acknowledged = max(self.lane.acknowledged, own.tail)
        self.lane.owned(own.epoch)
        self.ready.set()

    async def _replay(self) -> None:
        """Apply what the log holds beyond the last checkpoint."""
        while self.position < self.own.tail:
            entries = await patiently(
                repr(self),
                lambda: self.store.read_log(self.number, self.position, REPLAY_ENTRIES),
            )
            if not entries:
                break
            for part in turns_of(entries):
                await self._wake(self._turn(part))
                # The entry that arms a rule may be the next.
                await load(self, self.alerting.unloaded())
            if self._much_uncommitted:
                await self.checkpoint()

    # Taking turns

    @property
    def _much_uncommitted(self) -> bool:
        uncommitted, commands = self.pending.points, self.pending.command_bytes
        many = uncommitted.points > UNCOMMITTED_POINTS_MAX
        return many or uncommitted.bytes > UNCOMMITTED_BYTES_MAX or commands > COMMAND_BYTES_MAX

    def _deliver(self, entry: Entry) -> None:
        self.points_ahead += len(entry.points)
        self.inbox.put(entry)

    async def _take(self, entries: list[Entry]) -> None:
        for part in turns_of(entries):
            turn = self._turn(part)
            self.points_ahead -= sum(len(entry.points) for entry in part)
            await self._wake(turn)
        if self._much_uncommitted:
            self.checkpoint_due.set()
        points = sum(len(entry.points) for entry in entries)
        if points < TURN_POINTS_WORTH and not len(self.inbox):
            await trio.sleep(TURN_PAUSE_S)

    def _turn(self, entries: list[Entry]) -> Turn:
        """Apply entries; what the position says was applied already counts nothing."""
        entries = [entry for entry in entries if entry.position > self.position]
        turn, dead = compute(entries, self.without_histograms)
        if not entries:
            return turn
        commands = [command for entry in entries for command in entry.commands]
        for command in commands:
            self.on_command(command)  # Not ours: if it fails, nothing has changed yet.
        self.table.add(turn.seconds, entries[-1].position.ms)
        points = sum(entry.size for entry in entries) - sum(letter.points for letter in dead)
        self.pending.points.add(turn, points)
        self.pending.dead += dead
        self.applied_points += points
        self.dead_letters += len(dead)
        self._apply(commands)
        self._judge(entries, turn, dead)
        self.position = entries[-1].position
        progress, self.progress = self.progress, trio.Event()
        progress.set()
        return turn

    def _apply(self, commands: list[Command]) -> None:
        gone = self.history.fold.gone
        for command in commands:
            if command.kind == "stat.purge":
                gone.add(command.stat)
            elif command.stat in gone and command.kind == PUT:
                continue  # Nobody would ever forget it.
            self.imports.apply(command)
            self.pending.add(command)

    def _judge(self, entries: list[Entry], turn: Turn, dead: list[DeadLetter]) -> None:
        """Tell the rules each entry by itself: how they came in turns is not in the log."""
        for entry, part in turns_by_entry(entries, turn, dead, self.alerting.watched()):
            self.alerting.apply(entry.position, entry.commands, part.seconds, part.histograms)
        if self.alerting.unloaded():
            keep_seconds(self)
            self.rules_changed.set()
        if self.alerting.eager:
            self.checkpoint_due.set()

    async def _wake(self, turn: Turn) -> None:
        """Tell the actors of the stats that moved, a slice at a time."""
        moved = [(stat, turn.seconds.of_stat(stat)) for stat in self.actors]
        awake = [(stat, rows) for stat, rows in moved if len(rows)]
        for place in range(0, len(awake), WAKES_A_SLICE):
            for stat, rows in awake[place : place + WAKES_A_SLICE]:
                if stat in self.actors:
                    self.actors[stat].mailbox.put(Wake(self.position, rows))
            await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()

    def tick(self, now_ms: int) -> None:
        """Once a second: points whose time has come enter windows, idle actors leave."""
        self.table.arrive(now_ms)
        for stat in self.table.take_due(now_ms):
            if stat in self.actors:
                self.actors[stat].mailbox.put(Wake(self.position, Rollups.empty()))
        for stat in [stat for stat, actor in self.actors.items() if not actor.watches]:
            self.actors.pop(stat).mailbox.close()

    def awaken(self, actor: StatActor) -> None:
        """Start the actor of a stat that nobody listened to so far."""
        self.actors[actor.stat] = actor
        if self._nursery is not None:
            self._start(self._nursery, actor)

    def _start(self, nursery: trio.Nursery, actor: StatActor) -> None:
        nursery.start_soon(self._act, actor, name=f"stat {actor.stat}")

    async def _act(self, actor: StatActor) -> None:
        await actor.run()
        if self.actors.get(actor.stat) is actor:
            # It failed: the next listener gets another.
            del self.actors[actor.stat]

    # Checkpoints

    def _lost(self) -> None:
        self.fenced = True
        self.checkpoint_due.set()

    async def _checkpoints(self) -> None:
        """Checkpoint once a bucket, or when one is due.

        Each partition has its own moment within the bucket: all at once would hold the loop for
        the sum of their times.
        """
        width_ms = PARTIAL_S * 1000
        moment_ms = width_ms * self.number // self.store.partitions
        while True:
            rest_ms = width_ms - (self.clock.now_ms() - moment_ms) % width_ms
            with trio.move_on_after(rest_ms / 1000):
                await self.checkpoint_due.wait()
            self.checkpoint_due = trio.Event()
            if self.fenced:
                raise Fenced(f"{self!r}: the store says that somebody else owns it")
            await self.checkpoint()
            # Alerts ask for checkpoints: each is a frame that every reader looks through.
            many = len(self.history.frames) > FRAMES_WORTH_A_PAUSE
            await trio.sleep(CROWDED_PAUSE_S if many else 0)

    async def checkpoint(self) -> None:
        """Commit all that was applied; returns when it is durable. Fenced when we are not owner.

        A caller may give up waiting: what was sealed is sent again by the next checkpoint.
        """
        async with self.committing:
            if self.sealed is not None:
                await self._commit(self.sealed)
            if self.position > self.own.position:
                self.sealed = self._seal()
                await self._commit(self.sealed)
            self.checkpoint_ms = self.clock.now_ms()

    def _seal(self) -> Sealed:
        pending, self.pending = self.pending, Pending()
        checkpoint = Checkpoint(
            self.number, self.own.epoch, self.own.number + 1, self.position, NO_PARTIALS,
            tuple(pending.commands), tuple(pending.dead), pending.points.points,
        )  # fmt: skip
        return Sealed(checkpoint, pending.points.pieces(), self.alerting.take())

    async def _commit(self, sealed: Sealed) -> None:
        own = self.own
        if not sealed.merged:
            sealed = await added_up(sealed, tuple(self.alerting.fine), self.owners)
            if self.own is own:
                self.sealed = sealed
        checkpoint, position = sealed.checkpoint, sealed.checkpoint.position
        # Sent until there is an answer, the same each time: the store recognises it.
        await patiently(f"{self!r}: checkpoint", lambda: self.store.commit(checkpoint))
        if self.own is not own:
            return  # Another life began meanwhile, and found in the store what we had sent.
        self.own = replace(own, number=checkpoint.number, position=position)
        self.history.add(Frame(position, checkpoint.partials))
        self.seconds.add(position, sealed.turns[0].seconds, self.now_s)
        self.sealed = None
        self.checkpoints += 1
        if checkpoint.judged.transitions:
            self.on_judged(self.number, checkpoint.judged)
        self._brought({one.stat for one in checkpoint.commands if one.kind in (PUT, UNDO)})

    def _brought(self, stats: Collection[int]) -> None:
        """What was imported for some stats can be read: windows know it as charts do."""
        self.alerting.roster.refill(stats)
        if self.alerting.unloaded():
            self.rules_changed.set()

    async def _folds(self) -> None:
        sweep_s = 0
        while True:
            await trio.sleep(FOLD_EVERY_S)
            now_s = self.now_s
            try:
                await self.history.fold_once(now_s)
                if now_s >= sweep_s:
                    await self.history.sweep(now_s)
                    sweep_s = now_s + SWEEP_EVERY_S
            except (Unavailable, Refused) as error:
                log.warning("%r: the fold waits a minute: %s", self, error)
