"""The ladder of resolutions: how wide a bucket is, how long it is kept, how many share a chunk.

Pure. A chunk of a tier is written once its span is over, from the chunks of the tier below; so
every tier is kept at least as long as a chunk of the next one spans.
"""

from dataclasses import dataclass

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Tier:
    """One resolution: `number` orders the tiers and is part of the stored format."""

    number: int
    name: str
    width_s: int
    chunk_s: int
    keep_s: int | None

    def bucket(self, at_s: int) -> int:
        """Start of the bucket that holds `at_s`, in epoch seconds."""
        return at_s - at_s % self.width_s

    def chunk(self, at_s: int) -> int:
        """Start of the chunk that holds `at_s`, in epoch seconds."""
        return at_s - at_s % self.chunk_s

    def oldest(self, now_s: int) -> int:
        """Start of the oldest chunk that is still kept at `now_s`, in epoch seconds."""
        return 0 if self.keep_s is None else self.chunk(max(0, now_s - self.keep_s))


S1 = Tier(0, "1s", 1, 60, 900)
S10 = Tier(1, "10s", 10, 300, 6 * HOUR_S)
M1 = Tier(2, "1m", MINUTE_S, 120 * MINUTE_S, 7 * DAY_S)
M15 = Tier(3, "15m", 900, 120 * 900, 62 * DAY_S)
H1 = Tier(4, "1h", HOUR_S, 120 * HOUR_S, 400 * DAY_S)
D1 = Tier(5, "1d", DAY_S, 120 * DAY_S, None)

TIERS = (S1, S10, M1, M15, H1, D1)
"""Every tier, the finest first; the first lives in memory only."""

STORED = TIERS[1:]
"""The tiers whose chunks are in the store; the first is made from partials."""

# Histograms are bigger and asked for less often: fewer buckets share a chunk, and the spans are
# chosen so that each tier outlives a chunk of the next.
HISTOGRAMS = (
    Tier(8 + M1.number, "1m", MINUTE_S, 300, 6 * HOUR_S),
    Tier(8 + M15.number, "15m", 900, 3 * HOUR_S, 7 * DAY_S),
    Tier(8 + H1.number, "1h", HOUR_S, DAY_S, 62 * DAY_S),
    Tier(8 + D1.number, "1d", DAY_S, 30 * DAY_S, None),
)

PARTIAL_S = S10.width_s
"""Width of the buckets that a checkpoint commits, in seconds."""

FAR_S = 2**38
"""Later than every time there is, in epoch seconds."""

BY_NAME = {tier.name: tier for tier in TIERS}
BY_NUMBER = {tier.number: tier for tier in (*TIERS, *HISTOGRAMS)}


SHORTENED = ((S10,), (M1,), HISTOGRAMS[:-1])
"""The tiers that are kept shorter when memory is short: first these, then also those."""


def below(tier: Tier) -> Tier | None:
    """The next finer stored tier of the same ladder, or None for the finest."""
    ladder = HISTOGRAMS if tier in HISTOGRAMS else STORED
    place = ladder.index(tier)
    return ladder[place - 1] if place else None


def above(tier: Tier) -> Tier | None:
    """The next wider stored tier of the same ladder, or None for the widest."""
    ladder = HISTOGRAMS if tier in HISTOGRAMS else STORED
    place = ladder.index(tier) + 1
    return ladder[place] if place < len(ladder) else None


def least_keep_s(tier: Tier) -> int:
    """How long a tier must be kept so that the next one can be made from it, in seconds."""
    wider = above(tier)
    assert wider is not None, "BUG: nothing is made from the widest tier"
    return wider.chunk_s + tier.chunk_s + 5 * MINUTE_S
