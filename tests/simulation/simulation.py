"""One run: processes, clients and faults around one store, and what must be true in the end."""

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import trio
from trio.testing import MockClock

from engine.audit import audit
from engine.intake import NotAccepted
from engine.node import Node
from engine.points import Receipt
from engine.position import START
from tests.simulation.alarms import check_alarms, put_rules
from tests.simulation.bugs import NONE, Bug
from tests.simulation.chaos import Chaos
from tests.simulation.process import Process, leaves
from tests.simulation.readers import Reader, tend, wrong_anywhere
from tests.simulation.scheduling import deterministic, watched_log
from tests.simulation.server import Server
from tests.simulation.watchers import Watcher
from tests.simulation.world import World
from tests.simulation.writers import Owed, Point, Writer

LIMIT_S: Final = 1_000.0
"""A run that takes longer, in simulated seconds, hangs."""

ALIVE_MAX: Final = 3
"""Processes at a time, most of them superseded."""

DRAIN_S: Final = 60.0
"""Everything must be done so soon after the last fault."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: what was wrong (None: nothing), and everything that happened."""

    seed: int
    failure: str | None
    trace: tuple[str, ...]
    simulated_s: float

    @property
    def digest(self) -> str:
        """The same for the same run."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


def simulate(seed: int, bug: Bug = NONE) -> Outcome:
    """Run a seed."""
    simulation = Simulation(seed, bug)
    with deterministic(seed), watched_log(simulation.world):
        simulated_s = trio.run(simulation.run, clock=MockClock(autojump_threshold=0))
    world = simulation.world
    return Outcome(seed, world.failure, tuple(world.trace), simulated_s)


class Simulation:
    """Everything of one run."""

    def __init__(self, seed: int, bug: Bug) -> None:
        self.world = World(seed)
        self.bug = bug
        random = self.world.random
        self.partitions = random.randint(1, 2)
        self.writers = random.randint(2, 3)
        self.shared = list(range(1, 1 + self.partitions * random.randint(1, 3)))
        self.server = Server(self.world, self.partitions, bug.everysec)
        self.owed = Owed()
        self.sent: set[tuple[int, int, float]] = set()
        self.answered = [START] * self.partitions
        self.processes: list[Process] = []
        self.watcher = Watcher(self)
        self.day = trio.Event()
        self.day.set()
        self.era = 0
        self.ended = trio.Event()
        self.nursery: trio.Nursery

    def __repr__(self) -> str:
        return f"<Simulation {self.processes}, {self.server!r}>"

    # What clients ask

    @property
    def current(self) -> Process | None:
        """The process that was started last, while it lives."""
        return self.processes[-1] if self.processes and self.processes[-1].alive else None

    def some_process(self) -> Process | None:
        """The current process; now and then one that does not know that it is not."""
        alive = [process for process in self.processes if process.alive]
        return self.world.random.choice(alive) if alive and self.world.chance(0.1) else self.current

    def some_stats(self) -> list[int]:
        """The stats of one partition that everybody sends points for."""
        partition = self.world.random.randrange(self.partitions)
        return [stat for stat in self.shared if stat % self.partitions == partition]

    def own_stat(self, number: int) -> int:
        """The stat that only one writer sends points for."""
        return 100 + number

    def own_record(self, number: int) -> int:
        """The stat whose record only one writer changes."""
        return 200 + number

    def shared_id(self, stat: int) -> bytes:
        """An item id that others may use, too, while it is remembered."""
        number = self.world.random.randrange(4)
        return f"id{self.era}-{stat % self.partitions}-{number}".encode().ljust(16, b".")

    def readable(self) -> list[int]:
        """The stats that are not purged."""
        own = map(self.own_stat, range(self.writers))
        return [stat for stat in (*self.shared, *own) if stat not in self.owed.purged]

    def note_answer(self, partition: int, receipt: Receipt) -> None:
        """Remember up to where the log of a partition was answered."""
        self.answered[partition] = max(self.answered[partition], receipt.position)

    async def quietly(self, call: Callable[..., Awaitable[Any]], *arguments: object) -> None:
        """Call something that may be refused."""
        try:
            await call(*arguments)
        except NotAccepted as error:
            self.world.note("nobody hears:", error.code)

    # The run

    def start_process(self) -> Process:
        """Start one more process; it is the current one from now on."""
        process = Process(self.world, len(self.processes))
        process.link = self.bug.link(self.server, process)
        self.processes.append(process)
        for old in self.processes[:-ALIVE_MAX]:
            old.kill()
        self.nursery.start_soon(self._live, process)
        self.world.note(process.name, "starts")
        return process

    async def _live(self, process: Process) -> None:
        await process.run()
        self.ended.set()

    async def run(self) -> float:
        """Everything, in simulated time; returns how long it took."""
        with self.world.scope:
            try:
                async with trio.open_nursery() as self.nursery:
                    self.server.nursery = self.nursery
                    with trio.fail_after(LIMIT_S):
                        await self._check(await self._work())
                    self.nursery.cancel_scope.cancel()
            except Exception as error:
                # Outside of the engine nothing may fail: not in time is also a failure.
                self.world.fail(f"{[*leaves(error)]!r}: {self!r}")
        return trio.current_time()

    async def _keep_alive(self) -> None:
        """Start a process whenever the last one is gone, as an operator's supervisor would."""
        while True:
            self.start_process()
            while self.current is not None:
                self.ended = trio.Event()
                await self.ended.wait()
            await self.world.wait(0.01, 1.5)

    async def _work(self) -> Process:
        """Clients and faults, until the clients have done all and the faults are over.

        Returns the process that is left.
        """
        async with trio.open_nursery() as supervisor:
            supervisor.start_soon(self._keep_alive)
            supervisor.start_soon(self.watcher.run)
            async with trio.open_nursery() as background:
                background.start_soon(Chaos(self).run)
                await put_rules(self)
                background.start_soon(Reader(self).run)
                background.start_soon(tend, self)
                async with trio.open_nursery() as writers:
                    for number in range(self.writers):
                        requests = self.world.random.randint(4, 14)
                        writers.start_soon(Writer(self, number, requests).run)
                background.cancel_scope.cancel()
            process = await self._calm()
            await trio.sleep(1)
            self.watcher.check()
            supervisor.cancel_scope.cancel()
        return process

    async def _calm(self) -> Process:
        """No more faults: everything must settle, and soon."""
        self.world.note("no more faults")
        self.world.faults = False
        self.server.heal()
        for process in self.processes:
            process.resume()
        with trio.fail_after(DRAIN_S):
            while self.server.wandering:
                await trio.sleep(0.1)
            while True:
                for process in self.processes:
                    await self._prod(process)
                current = await self._settled()
                if [process for process in self.processes if process.alive] == [current]:
                    return current
                await trio.sleep(0.5)

    async def _check(self, process: Process) -> None:
        """Everything must be right: now, after hours and months, and for whoever comes next."""
        self._check_log()
        await self._compare(process)
        for leap_s in self.world.random.choice(((), (3_700,), (3 * 86_400, 40 * 86_400))):
            self.world.leapt_ms += leap_s * 1000
            await self._compare(process)
        await self._stop(process)
        after = self.start_process()
        await self._caught_up(after)
        await self._compare(after, fully=True)
        await self._stop(after)
        self._check_log()
        check_alarms(self)

    async def _prod(self, process: Process) -> None:
        """Send points: whoever lost the partitions learns it from the store, and ends."""
        for partition in range(self.partitions):
            point = (self.shared[partition], process.now_ms(), 1.0 + len(self.owed.bare))
            await Writer(self, 0, 0).send_bare(process, [point])

    async def _settled(self) -> Process:
        while True:
            current = self.current
            if current is not None and self._applied(current):
                return current
            await trio.sleep(0.1)

    async def _caught_up(self, process: Process) -> None:
        with trio.fail_after(DRAIN_S):
            while not self._applied(process):
                await trio.sleep(0.1)

    def _applied(self, process: Process) -> bool:
        node, tails = process.node, [state.tail for state in self.server.state]
        return (
            node is not None
            and node.ready
            and all(node.cursor(partition) >= tail for partition, tail in enumerate(tails))
        )

    async def _stop(self, process: Process) -> None:
        process.stopping.set()
        with trio.fail_after(DRAIN_S):
            await process.over.wait()
        if process.ended != "stopped":
            self.world.fail(f"{process.name} did not stop: {process.ended}")
        for partition, state in enumerate(self.server.state):
            if state.position < state.tail:
                self.world.fail(f"{process.name} stopped before the end of partition {partition}")

    def _check_log(self) -> None:
        """Every point that is owed is in the log, as often as it must be."""
        ledger, owed = self.server.ledger, self.owed
        found = Counter(row.point for rows in ledger.rows.values() for row in rows)
        for point, count in owed.sure.items():
            self._count(found, point, count, "sent with a key")
        for bare in owed.bare:
            answered, times = bare.answered, len(ledger.bare.get(id(bare.batch), ()))
            if times > 1 or (answered is not None and times != answered):
                self.world.fail(f"a batch that was answered {answered} is {times} times in the log")
            for point in bare.points:
                self._count(found, point, times, f"sent without a key, answered: {answered}")
        for digest, points in owed.contested.items():
            present = sum(found.pop(point, 0) for point in points)
            if present != 1:
                self.world.fail(f"claim {digest!r} counts {present} times: {points}")
        if found:
            self.world.fail(f"nobody sent {found}")

    def _count(self, found: Counter[Point], point: Point, count: int, what: str) -> None:
        if found.pop(point, 0) != count:
            self.world.fail(f"{point}, {what}, is not {count} times in the log")

    async def _compare(self, process: Process, fully: bool = False) -> None:
        """Some tiers of some stats; `fully` all of them, the audit, the totals and the records."""
        now_s = process.now_ms() // 1000
        share = 1.0 if fully else 0.4
        wrong = await process.call(lambda node: self._wrong(node, now_s, share))
        if not process.alive:
            self.world.fail(f"{process.name} ended while nothing was wrong: {process.ended}")
        if wrong is not None:
            self.world.fail(f"in the end {process.name} reads {wrong}")
        for partition, state in enumerate(self.server.state if fully else ()):
            found = await audit(process.link, partition, now_s)
            if not found.equal:
                self.world.fail(f"audit: {found.missing} missing, {found.faults}")
            if state.appended != self._appended(partition):
                self.world.fail(f"{state.appended} points appended, says partition {partition}")
            mine = {s: r for s, r in self.owed.records.items() if s % self.partitions == partition}
            if state.records != mine:
                self.world.fail(f"records are {state.records}, should be {mine}")

    async def _wrong(self, node: Node, now_s: int, share: float) -> str | None:
        if self.world.chance(0.7):
            await node.checkpoint()
        await node.fold(now_s)
        return await wrong_anywhere(self, node, share)

    def _appended(self, partition: int) -> int:
        rows = self.server.ledger.rows
        return sum(len(part) for stat, part in rows.items() if stat % self.partitions == partition)
