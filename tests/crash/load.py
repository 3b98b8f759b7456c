"""What the crash tests send: batches of points, out of order and of every age.

Values have decimals, so that sums show the order in which they were made if it matters.
"""

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

AHEAD_S = 20
"""Some senders' clocks are that far ahead."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many stats there are, in how many accounts, and how many points a batch may have."""

    stats: int
    accounts: int
    points_max: int

    def account_of(self, stat: int) -> int:
        """The account that a stat belongs to."""
        return stat % self.accounts

    def kind_of(self, stat: int) -> str:
        """Stats take turns, over all accounts."""
        return "counter" if stat // self.accounts % 2 else "value"


def batch(random: Random, shape: Shape, now_ms: int) -> tuple[int, Sent]:
    """An account and a batch for it, sent at `now_ms`."""
    account = random.randrange(shape.accounts)
    size = random.choice((1, random.randint(1, 10), random.randint(1, shape.points_max)))
    mine = range(account, shape.stats, shape.accounts)
    stats = random.choices(mine, k=size)
    times = [now_ms + random.randint(0, AHEAD_S * 1000) - age_ms(random) for _ in stats]
    values = [value(random, shape.kind_of(stat)) for stat in stats]
    columns = np.array(stats), np.array(times), np.array(values, np.float64)
    return account, Sent(f"{random.getrandbits(96):024x}", *columns)


def age_ms(random: Random) -> int:
    """How old a point is: most are new."""
    (oldest_s,) = random.choices([age for _, age in AGES_S], [share for share, _ in AGES_S])
    return random.randint(0, oldest_s * 1000)


def value(random: Random, kind: str) -> float:
    """Counters count in tenths; values are of either sign and of several sizes."""
    if kind == "counter":
        return random.choice((1.0, random.randint(1, 50) / 10))
    return round(random.gauss(0, random.choice((1.0, 100.0, 10_000.0))), 4)
