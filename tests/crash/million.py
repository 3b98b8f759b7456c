"""A million points for the test of the same name: fewer ages, ids of items, and some sent twice."""

from collections.abc import Sequence
from random import Random

from engine.tiers import DAY_S, HOUR_S, MINUTE_S
from tests.crash.ledger import Sent
from tests.crash.load import Shape, Source, batch

BATCH = 1_000
NAMED_SHARE = 0.2
"""Batches whose points have ids of their own."""

AGAIN_MAX = 50
"""Points with ids that are sent along with a later batch, under another key."""

AGES_S = (
    (0.94, 15 * MINUTE_S),
    (0.04, 3 * HOUR_S),
    (0.01, 6 * DAY_S),
    (0.005, 60 * DAY_S),
    (0.005, 390 * DAY_S),
)
"""Fewer old points than usual: a chunk holds few of them and takes as long as a full one."""


def finite(shape: Shape, points: int) -> Source:
    """So many points in full batches, then the end."""
    left = points
    named: dict[int, list[Sent]] = {}

    def make(random: Random, now_ms: int) -> tuple[int, Sent] | None:
        nonlocal left
        if not left:
            return None
        account = random.randrange(shape.accounts)
        earlier = [sent for sent in named.get(account, ()) if sent.acknowledged]
        again = some_rows(random, earlier)
        size = min(left, BATCH - len(again))
        left -= size
        sent = batch(random, shape, account, size, now_ms)
        sent.again = again
        if random.random() < NAMED_SHARE:
            sent.named = True
            named.setdefault(account, []).append(sent)
        return account, sent

    return make


def some_rows(random: Random, batches: Sequence[Sent]) -> list[tuple[Sent, int]]:
    """A few points of batches that were acknowledged."""
    if not batches:
        return []
    return [
        (sent, random.randrange(len(sent)))
        for sent in random.choices(batches, k=random.randint(0, AGAIN_MAX))
    ]
