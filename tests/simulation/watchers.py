"""A client that watches live, and one that comes back with a cursor.

Law: what a watch is told of a bucket is its value at some moment, never a sum of two of them; and
once everything is quiet, of every bucket that moved it was told the last value.
"""

from typing import TYPE_CHECKING

from engine.node import Node
from engine.ports import StoreError
from engine.stat_actor import Change
from engine.tiers import D1, M1, M15, S10, TIERS, Tier
from tests.engine.model import Facts, facts
from tests.simulation.ledger import Row, difference, facts_of
from tests.simulation.world import Injected

if TYPE_CHECKING:
    from engine.position import Position
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

SURELY_KEPT_S = 2 * 3_600
"""Every tier that is watched keeps buckets so long, however little memory there is."""


class Watcher:
    """One client that watches the stats that everybody sends points for."""

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation
        self.world = simulation.world
        self.process: Process | None = None
        self.tier: Tier = S10
        self._since: dict[int, Position] = {}
        self._told: dict[int, dict[int, Facts]] = {}

    def __repr__(self) -> str:
        return f"<Watcher of {len(self._since)} stats at {self.tier.name}>"

    async def run(self) -> None:
        """Watch whichever process is there, until the simulation stops it."""
        while True:
            await self.world.wait(0.02, 1.0)
            self.process = self.simulation.current
            if self.process is not None:
                try:
                    await self.process.call(self._watch)
                except (StoreError, Injected) as error:
                    self.world.note("the watch ended:", error)
                self._since.clear()

    def check(self) -> None:
        """Everything is quiet: the last value of each bucket that moved must have been told."""
        for stat, since in self._since.items():
            rows = self._rows_of(stat)
            kept_s = self.world.latest_ms // 1000 - SURELY_KEPT_S
            moved = {self.tier.bucket(row.at_ms // 1000) for row in rows if row.position > since}
            expected = {
                start: self._value(rows, start) for start in sorted(moved) if start >= kept_s
            }
            told = {start: self._told[stat].get(start) for start in expected}
            for start, value in told.items():
                if value != expected[start]:
                    self.world.fail(
                        f"of stat {stat} {self.tier.name} {start} a watch was last told {value}, "
                        f"it is {expected[start]}"
                    )

    async def _watch(self, node: Node) -> None:
        self.tier = self.world.random.choice((S10, M1, M15, D1))
        with node.watch(self.tier) as watch:
            for stat in self.simulation.shared:
                partition = stat % self.simulation.partitions
                watch.add(partition, stat)
                self._told[stat] = {}
                self._since[stat] = self.simulation.server.state[partition].tail
            async for changes in watch:
                for change in changes:
                    self._look(change)

    def _look(self, change: Change) -> None:
        if self.simulation.server.owners.get(change.partition) is not self.process:
            return
        if change.lost:
            self._since.pop(change.stat)
        rows, told = self._rows_of(change.stat), facts_of(change.rollups)
        then = {start: self._value(rows, start, value.count) for start, value in told.items()}
        if wrong := difference(told, then):
            self.world.fail(f"a watch was told of stat {change.stat} {self.tier.name}: {wrong}")
        self._told[change.stat].update(told)

    def _rows_of(self, stat: int) -> list[Row]:
        return self.simulation.server.ledger.rows.get(stat, [])

    def _value(self, rows: list[Row], start: int, count: int | None = None) -> Facts:
        """What a bucket says after its first `count` points, or after all."""
        points = [row.point for row in rows if self.tier.bucket(row.at_ms // 1000) == start]
        return facts(points[:count])


def untold(simulation: "Simulation", node: Node, stat: int) -> str | None:
    """A bucket that moved after some position and is not among those touched, in words."""
    random, partition = simulation.world.random, stat % simulation.partitions
    rows = simulation.server.ledger.rows.get(stat, [])
    if not rows:
        return None
    since, tier = random.choice(rows).position, random.choice(TIERS)
    touched = node.touched(partition, stat, since, tier)
    if touched is None:
        return None
    cursor = node.cursor(partition)
    moved = {tier.bucket(row.at_ms // 1000) for row in rows if since < row.position <= cursor}
    missing = sorted(moved - set(touched))
    return f"stat {stat} {tier.name} since {since}: {missing} moved, untold" if missing else None
