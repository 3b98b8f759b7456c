"""Clients that send points, and what they are owed.

Law: a request that names a claim is sent until it is answered, and counts once. One without is sent
once: answered, it counts once; refused, it does not count; unanswered, it counts once or not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import trio

from engine.intake import NotAccepted, OutcomeUnknown
from engine.points import Batch, Claim, Command, Points, Receipt
from engine.tiers import DAY_S, HOUR_S
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

Point = tuple[int, int, float]
"""Stat, epoch milliseconds, value."""

LATE_S: Final = (0, 0, 0, 0, 3, 20, 100, 400, 4_000, 5 * HOUR_S, 9 * HOUR_S, 3 * DAY_S, 8 * DAY_S,
                 70 * DAY_S, 500 * DAY_S)  # fmt: skip

PATIENCE_S: Final = 120.0
"""A request that is not answered in this time never will be."""


@dataclass(eq=False, slots=True)
class Bare:
    """A batch without claims: `answered` says yes (True), surely not stored (False) or neither."""

    batch: Batch
    points: list[Point]
    answered: bool | None = None


@dataclass(slots=True)
class Owed:
    """What the clients may expect: for every point how often it must be in the log.

    `contested` holds, per claim, the points of which exactly one counts, and `named` the one that
    the first answer said.
    """

    sure: Counter[Point] = field(default_factory=Counter)
    contested: dict[bytes, list[Point]] = field(default_factory=dict)
    named: dict[bytes, bytes] = field(default_factory=dict)
    bare: list[Bare] = field(default_factory=list)
    records: dict[int, bytes] = field(default_factory=dict)
    purged: dict[int, int] = field(default_factory=dict)
    outstanding: int = 0


class Writer:
    """One client: sends a number of requests, one after another."""

    def __init__(self, simulation: "Simulation", number: int, requests: int) -> None:
        self.simulation = simulation
        self.world = simulation.world
        self.owed = simulation.owed
        self.name = f"w{number}"
        self.number = number
        self.left = requests
        self._serial = 0
        self._own_points = 0

    def __repr__(self) -> str:
        return f"<Writer {self.name}, {self.left} requests left>"

    async def run(self) -> None:
        """Send all requests."""
        while self.left:
            await self.simulation.day.wait()
            self.left -= 1
            kind = self.world.random.choice(
                (self._keyed, self._keyed, self._bare, self._bare, self._items, self._keyed_items,
                 self._command)
            )  # fmt: skip
            self.owed.outstanding += 1
            await kind()
            self.owed.outstanding -= 1
            await self.world.wait(0.0, 1.5)

    async def _keyed(self) -> None:
        points = self.points()
        key = self._fresh()
        await self._insist(points, (Claim(key, key, 0, len(points)),))
        self.owed.sure.update(points)

    async def _bare(self) -> None:
        await self.send_bare(self.simulation.some_process(), self.points())

    async def send_bare(self, process: Process | None, points: list[Point]) -> None:
        """Send points without a claim, once."""
        batch = Batch(Points.of(*zip(*points, strict=True)))
        bare = Bare(batch, points)
        self.owed.bare.append(bare)
        try:
            if await self._send(process, points[0][0], batch) is not None:
                bare.answered = True
        except OutcomeUnknown:
            pass
        except NotAccepted:
            bare.answered = False

    async def _items(self) -> None:
        points = self.points()
        await self._insist(points, self._item_claims(points))

    async def _keyed_items(self) -> None:
        points = self.points()
        key = self._fresh()
        claims = (Claim(key, key, 0, len(points)), *self._item_claims(points))
        await self._insist(points, claims)

    def _item_claims(self, points: Sequence[Point]) -> tuple[Claim, ...]:
        """A claim for each point; some ids are also used by others."""
        claims = []
        for place, point in enumerate(points):
            shared = self.world.chance(0.4)
            digest = self.simulation.shared_id(point[0]) if shared else self._fresh()
            self.owed.contested.setdefault(digest, []).append(point)
            claims.append(Claim(digest, repr(point).encode(), place, place + 1))
        return tuple(claims)

    async def _command(self) -> None:
        """Change a record; or send points for the client's own stat, or purge that."""
        own = self.simulation.own_stat(self.number)
        if self.world.chance(0.5) or own in self.owed.purged:
            record = self.simulation.own_record(self.number)
            await self._apply(Command("stat.put", record, self._fresh()))
        elif self._own_points and self.world.chance(0.4):
            # Nobody else sends points for it, and all of these are answered.
            self.owed.purged[own] = self._own_points
            await self._apply(Command("stat.purge", own, str(self._own_points).encode()))
        else:
            points = self.points(own)
            key = self._fresh()
            await self._insist(points, (Claim(key, key, 0, len(points)),))
            self.owed.sure.update(points)
            self._own_points += len(points)

    async def _apply(self, command: Command) -> None:
        batch = Batch(Points.of((), (), ()), (), (command,))
        await self._until_answered(command.stat, batch)
        if command.kind == "stat.put":
            self.owed.records[command.stat] = command.body

    async def _insist(self, points: Sequence[Point], claims: tuple[Claim, ...]) -> None:
        """Send a batch with claims until it is answered, and look at the answer."""
        batch = Batch(Points.of(*zip(*points, strict=True)), claims)
        receipt = await self._until_answered(points[0][0], batch)
        covered = False
        for claim, told in zip(claims, receipt.claims, strict=True):
            if claim.high - claim.low == len(points) and claim.digest == claim.answer:
                covered = told is not None
                if told not in {None, claim.answer}:
                    self.world.fail(f"{self.name} was told {told!r} for its own key")
            elif not covered:
                winner = claim.answer if told is None else told
                if self.owed.named.setdefault(claim.digest, winner) != winner:
                    first = self.owed.named[claim.digest]
                    self.world.fail(f"a claim was given to {winner!r} and to {first!r}")

    async def _until_answered(self, stat: int, batch: Batch) -> Receipt:
        with trio.move_on_after(PATIENCE_S):
            while True:
                try:
                    # A client sends the same again, but not the same object.
                    process = self.simulation.some_process()
                    receipt = await self._send(process, stat, replace(batch))
                except NotAccepted as error:
                    self.world.note(self.name, error.code)
                    receipt = None
                if receipt is not None:
                    return receipt
                await self.world.wait(0.02, 0.5)
        self.world.fail(f"{self.name} was not answered for {PATIENCE_S:g} s")
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    async def _send(self, process: Process | None, stat: int, batch: Batch) -> Receipt | None:
        simulation = self.simulation
        if process is None:
            await self.world.wait(0.01, 0.2)
            return None
        partition = stat % simulation.partitions
        send = simulation.bug.send
        receipt = await process.call(lambda node: send(simulation, node, partition, batch))
        if receipt is not None:
            simulation.note_answer(partition, receipt)
            self.world.note(self.name, process.name, "answered at", receipt.position)
        return receipt

    def points(self, stat: int | None = None) -> list[Point]:
        """A few points of one partition, of any age a client may send."""
        random, now_ms = self.world.random, self.world.now_ms()
        stats = [stat] if stat is not None else self.simulation.some_stats()
        points = []
        for _ in range(random.randint(1, 6)):
            late_s = random.choice(LATE_S) if self.world.chance(0.5) else 0
            ahead_ms = random.randrange(59_000) if self.world.chance(0.1) else 0
            at_ms = now_ms - random.randrange(2_000) - late_s * 1000 + ahead_ms
            value = random.choice((random.uniform(-5, 1000), float(random.randrange(-9, 100))))
            point = (random.choice(stats), at_ms, value)
            if point not in self.simulation.sent:
                self.simulation.sent.add(point)
                points.append(point)
        return points or self.points(stat)

    def _fresh(self) -> bytes:
        self._serial += 1
        return f"{self.name}-{self._serial}".encode().ljust(16, b".")
