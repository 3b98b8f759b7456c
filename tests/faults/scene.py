"""Senders and a node in this process, over a real server that a test torments.

    async with senders(node, seed) as sending:
        server.stop()
        ...
    await check(node, sending.ledger)

Law: a batch is sent until it is acknowledged, under the same claim; every answer is timed.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

import trio

from api.clock import WallClock
from engine.intake import ANSWER_WAIT_S_MAX, NotAccepted
from engine.node import Node
from engine.points import Batch, Claim, Points
from engine.ports import Clock
from engine.tiers import STORED, Tier
from tests.crash.ledger import Ledger, Sent
from tests.crash.load import Shape, endless
from tests.crash.recount import audited, check_audits, histograms_recounted, recounted

SENDERS = 6
PACE_S = 0.02
PATIENCE_S = 0.05
SETTLE_LIMIT_S = 40.0

ANSWER_S_MAX = ANSWER_WAIT_S_MAX + 3
"""Every request is answered by then, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One try: when it began on trio's clock, how long it took, and the code of its refusal."""

    began: float
    took_s: float
    code: str | None


@dataclass(slots=True)
class Sending:
    """What was sent to a node so far and how it was answered; accounts are partitions."""

    node: Node
    shape: Shape
    clock: Clock
    ledger: Ledger = field(default_factory=Ledger)
    answers: list[Answered] = field(default_factory=list)

    async def run(self, random: Random, stop: trio.Event) -> None:
        """Send batch after batch until told to stop."""
        source = endless(self.shape)
        while not stop.is_set():
            made = source(random, self.clock.now_ms())
            assert made is not None, "BUG: an endless source has ended"
            partition, sent = made
            self.ledger.batches.append(sent)
            await self.deliver(partition, sent)
            await trio.sleep(random.uniform(0, PACE_S))

    async def deliver(self, partition: int, made: Sent) -> None:
        """Send a batch until it is acknowledged."""
        while not await self.tried(partition, made):  # noqa: ASYNC110
            await trio.sleep(PATIENCE_S)

    async def tried(self, partition: int, made: Sent) -> bool:
        """Send a batch once; whether it was acknowledged."""
        digest = blake2b(made.key.encode(), digest_size=16).digest()
        points = Points(made.stat, made.at_ms, made.value)
        claim = Claim(digest, made.key.encode(), 0, len(points))
        began, code = trio.current_time(), None
        made.tries += 1
        try:
            await self.node.submit(partition, Batch(points, (claim,)))
            made.acknowledged = True
        except NotAccepted as error:
            code = error.code
        self.answers.append(Answered(began, trio.current_time() - began, code))
        return made.acknowledged

    def place(self, stat: int) -> tuple[int, int]:
        """Partition and id of a stat."""
        return self.shape.account_of(stat), stat

    def since(self, began: float, until: float = float("inf")) -> list[Answered]:
        """The answers to what was sent between two moments."""
        return [one for one in self.answers if began <= one.began < until]


@asynccontextmanager
async def senders(
    node: Node, seed: int, clock: Clock | None = None, stats: int = 40
) -> AsyncGenerator[Sending, None]:
    """Send while the block runs; after it, everything is acknowledged."""
    shape = Shape(stats, node.partitions, 30)
    sending = Sending(node, shape, clock or WallClock())
    random, stop = Random(seed), trio.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(SENDERS):
            nursery.start_soon(sending.run, Random(random.getrandbits(64)), stop)
        yield sending
        stop.set()
        nursery.cancel_scope.deadline = trio.current_time() + SETTLE_LIMIT_S
    assert not sending.ledger.unanswered, f"no answer in {SETTLE_LIMIT_S} s"


async def check(node: Node, sending: Sending, tiers: Sequence[Tier] = STORED) -> None:
    """Every acknowledged point counts once, in each of these tiers, and the audit agrees."""
    now_s = sending.clock.now_ms() // 1000
    difference = await recounted(node, sending.ledger, sending.place, now_s, tiers)
    assert difference.equal, difference
    assert difference.buckets > 100
    check_audits(await audited(node.store, now_s), sending.ledger)


async def check_histograms(node: Node, sending: Sending) -> None:
    """Every acknowledged point is in one bin of every tier of histograms."""
    now_s = sending.clock.now_ms() // 1000
    assert await histograms_recounted(node, sending.ledger, sending.place, now_s) > 100


def codes(answers: Sequence[Answered]) -> set[str]:
    """The refusals among answers."""
    return {one.code for one in answers if one.code is not None}


def slowest_s(answers: Sequence[Answered]) -> float:
    """How long the slowest of them took."""
    return max(one.took_s for one in answers)


def any_ack(answers: Sequence[Answered]) -> bool:
    """Whether any of them is an acknowledgement."""
    return any(one.code is None for one in answers)


def typical_s(answers: Sequence[Answered]) -> float:
    """How long 19 of 20 of them took at most."""
    ordered = sorted(one.took_s for one in answers)
    return ordered[len(ordered) * 19 // 20]


def refused_share(answers: Sequence[Answered]) -> float:
    """How many of them were refusals."""
    return sum(one.code is not None for one in answers) / len(answers)


def first_ack_s(answers: Sequence[Answered], since: float) -> float:
    """How long after a moment the first acknowledgement came."""
    return min(one.began + one.took_s for one in answers if one.code is None) - since
