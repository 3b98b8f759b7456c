"""Clients that read while everything moves, and the comparison of a whole node with the model.

Law: a reading says up to which log position it goes; it must hold exactly the points up to there,
and everything answered before it began unless it says that it lags behind.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio
import trio.testing

from engine.node import Node
from engine.ports import StoreError
from engine.queries import Reading
from engine.rollup import Rollups
from engine.tiers import HISTOGRAMS, S1, STORED, TIERS, Tier
from tests.simulation.ledger import counts_of, difference, facts_of
from tests.simulation.process import Process
from tests.simulation.watchers import untold
from tests.simulation.world import Injected
from tests.simulation.writers import Writer

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

AHEAD_S = 100
"""No point is further ahead than this."""


class Reader:
    """One client that reads any stat in any tier."""

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation
        self.world = simulation.world

    def __repr__(self) -> str:
        return "<Reader>"

    async def run(self) -> None:
        """Read until the simulation stops it."""
        while True:
            await self.world.wait(0.02, 0.8)
            process = self.simulation.current
            if process is None or process.paused:
                continue
            if self.world.mishap(0.05):
                await self._read_slowly(process)
            else:
                await self._read(process, self.world.random.choice(self.simulation.readable()))
            if process.node is not None:
                self._look_back(process, process.node)

    async def _read_slowly(self, process: Process) -> None:
        """Let points come and be folded while the store is asked for the chunks."""
        stat = self.world.random.choice(self.simulation.shared)
        writer = Writer(self.simulation, 0, 0)
        process.link.held = trio.Event()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, process, stat)
                await trio.testing.wait_all_tasks_blocked()
                with trio.move_on_after(5):
                    await writer.send_bare(process, writer.points(stat))
                    await _tend_once(process, always=True)
                process.link.release()
        finally:
            process.link.release()

    async def _read(self, process: Process, stat: int) -> None:
        simulation, random = self.simulation, self.world.random
        tier = random.choice(TIERS)
        now_s = process.now_ms() // 1000
        oldest = 0 if tier.keep_s is None else tier.oldest(now_s)
        from_s, to_s = oldest, now_s + AHEAD_S
        if self.world.chance(0.3):
            from_s = tier.bucket(random.randrange(oldest, now_s))
        partition = stat % simulation.partitions
        answered = simulation.answered[partition]
        histograms = tier in STORED[1:] and self.world.chance(0.3)
        try:
            if histograms:
                await self._look_at_histograms(process, stat, tier, from_s, to_s)
                return
            reading = await process.call(
                lambda node: node.read(partition, stat, tier, from_s, to_s)
            )
        except (StoreError, Injected):
            return
        if reading is None or simulation.server.owners.get(partition) is not process:
            return  # Whoever lost the partition may be behind.
        if reading.position < answered and reading.complete_until > reading.position.ms // 1000:
            self.world.fail(
                f"{process.name} read up to {reading.position}, says it is complete until "
                f"{reading.complete_until}, but {answered} was answered before"
            )
        wrong = wrong_reading(simulation, stat, reading, from_s, to_s)
        if wrong is not None:
            self.world.fail(f"{process.name} read {wrong}")

    def _look_back(self, process: Process, node: Node) -> None:
        """Ask what moved, as a live client does that comes back."""
        stat = self.world.random.choice(self.simulation.readable())
        wrong = untold(self.simulation, node, stat)
        if wrong and self.simulation.server.owners.get(stat % node.partitions) is process:
            self.world.fail(f"{process.name}: {wrong}")

    async def _look_at_histograms(
        self, process: Process, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> None:
        ladder = next(one for one in HISTOGRAMS if one.name == tier.name)
        from_s = max(from_s, ladder.oldest(process.now_ms() // 1000))
        wrong = await process.call(
            lambda node: wrong_histograms(self.simulation, node, stat, ladder, from_s, to_s)
        )
        owner = self.simulation.server.owners.get(stat % self.simulation.partitions)
        if wrong is not None and owner is process:
            self.world.fail(f"{process.name} read {wrong}")


def wrong_reading(
    simulation: "Simulation", stat: int, reading: Reading[Rollups], from_s: int, to_s: int
) -> str | None:
    """What a reading has other than the log up to its position, in words."""
    tier, rollups = reading.tier, reading.rollups
    if tier is S1 and reading.complete_from is not None:
        from_s = max(from_s, reading.complete_from)
        rollups = rollups.between(from_s, to_s)
    ledger = simulation.server.ledger
    expected = ledger.buckets(stat, tier, from_s, to_s, reading.position)
    wrong = difference(facts_of(rollups), expected)
    return f"stat {stat} {tier.name} at {reading.position}: {wrong}" if wrong else None


async def wrong_histograms(
    simulation: "Simulation", node: Node, stat: int, tier: Tier, from_s: int, to_s: int
) -> str | None:
    """What the histograms of a stat have other than the log up to their position, in words."""
    reading = await node.read_histograms(stat % simulation.partitions, stat, tier, from_s, to_s)
    ledger = simulation.server.ledger
    expected = ledger.buckets(stat, reading.tier, from_s, to_s, reading.position)
    found = counts_of(reading.rollups)
    for start in sorted(found.keys() | expected.keys()):
        count = expected[start].count if start in expected else 0
        if found.get(start, 0) != count:
            return (
                f"histograms of stat {stat} {reading.tier.name} at {reading.position}: "
                f"{found.get(start, 0)} values in bucket {start}, expected {count}"
            )
    return None


async def wrong_anywhere(simulation: "Simulation", node: Node, share: float = 1.0) -> str | None:
    """The first thing in which a stat's tier differs from the whole log, in words.

    Looks at that share of all stats and tiers.
    """
    world = simulation.world
    # What was swept while the clock was wrong is gone.
    latest_s = world.latest_ms // 1000
    to_s = max(world.now_ms() // 1000, latest_s) + AHEAD_S
    for stat in simulation.readable():
        for tier in (*STORED, *HISTOGRAMS):
            if not world.chance(share):
                continue
            from_s = 0 if tier.keep_s is None else tier.oldest(latest_s)
            look = wrong_histograms if tier in HISTOGRAMS else wrong_rollups
            if wrong := await look(simulation, node, stat, tier, from_s, to_s):
                return wrong
    return None


async def wrong_rollups(
    simulation: "Simulation", node: Node, stat: int, tier: Tier, from_s: int, to_s: int
) -> str | None:
    """What the buckets of a stat have other than the whole log, in words."""
    partition = stat % simulation.partitions
    # What rules write by themselves may be in the log before anybody is told.
    tail = simulation.server.ledger.newest(partition)
    reading = await node.read(partition, stat, tier, from_s, to_s)
    if reading.position < tail:
        return f"partition {partition} at {reading.position} has not caught up"
    return wrong_reading(simulation, stat, reading, from_s, to_s)


async def tend(simulation: "Simulation") -> None:
    """Fold and checkpoint far more often than a node does by itself, and give up now and then."""
    world = simulation.world
    while True:
        await world.wait(0.2, 3.0 * (1 + world.profile.idleness))
        process = simulation.current
        if process is not None:
            with trio.move_on_after(world.random.uniform(0, 0.1) if world.mishap(0.3) else 60):
                await _tend_once(process)


async def _tend_once(process: Process, always: bool = False) -> None:
    world = process.world
    if always or world.chance(0.6):
        await _quietly(process, lambda node: node.checkpoint())
    if always or world.chance(0.8):
        await _quietly(process, lambda node: node.fold(process.now_ms() // 1000))


async def _quietly(process: Process, ask: Callable[[Node], Awaitable[None]]) -> None:
    """Ask a node for something that the store may not allow just now."""
    try:
        await process.call(ask)
    except (StoreError, Injected) as error:
        process.world.note(process.name, "could not:", error)
