"""What the crash tests send: batches of points, out of order and of every age.

Values have decimals, so that sums show the order in which they were made if it matters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from engine.tiers import DAY_S, HOUR_S, MINUTE_S
from tests.crash.ledger import Sent

AGES_S = (
    (0.60, MINUTE_S),
    (0.15, 5 * HOUR_S),
    (0.10, 6 * DAY_S),
    (0.08, 60 * DAY_S),
    (0.05, 390 * DAY_S),
    (0.02, 1_000 * DAY_S),
)
"""Share of the points, and how old they are at most: something for every tier."""

Ages = Sequence[tuple[float, int]]
Source = Callable[[Random, int], tuple[int, Sent] | None]
"""Makes the next batch, and says for which account, at a time in epoch ms; None at the end."""

AHEAD_S = 20
"""Some senders' clocks are that far ahead."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many stats there are, in how many accounts, and how many points a batch may have."""

    stats: int
    accounts: int
    points_max: int
    ages_s: Ages = AGES_S

    def account_of(self, stat: int) -> int:
        """The account that a stat belongs to."""
        return stat % self.accounts

    def kind_of(self, stat: int) -> str:
        """Stats take turns, over all accounts."""
        return "counter" if stat // self.accounts % 2 else "value"


def endless(shape: Shape) -> Source:
    """Batches of one point, of a few and of many, for ever."""

    def make(random: Random, now_ms: int) -> tuple[int, Sent]:
        size = random.choice((1, random.randint(1, 10), random.randint(1, shape.points_max)))
        account = random.randrange(shape.accounts)
        return account, batch(random, shape, account, size, now_ms)

    return make


def batch(random: Random, shape: Shape, account: int, size: int, now_ms: int) -> Sent:
    """A batch of so many points for an account, sent at `now_ms`."""
    stats = random.choices(range(account, shape.stats, shape.accounts), k=size)
    shares, ages_s = zip(*shape.ages_s, strict=True)
    times = [
        now_ms + random.randint(-age_s * 1000, AHEAD_S * 1000)
        for age_s in random.choices(ages_s, shares, k=size)
    ]
    values = [value(random, shape.kind_of(stat)) for stat in stats]
    columns = np.array(stats), np.array(times), np.array(values, np.float64)
    return Sent(f"{random.getrandbits(96):024x}", *columns)


def value(random: Random, kind: str) -> float:
    """Counters count in tenths; values are of either sign and of several sizes."""
    if kind == "counter":
        return random.choice((1.0, random.randint(1, 50) / 10))
    return round(random.gauss(0, random.choice((1.0, 100.0, 10_000.0))), 4)
