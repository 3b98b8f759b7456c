"""A year of two dense stats, folded as time would have folded it, two hours a step.

Both get a point a second: stat 1 is a counter of small whole increments, stat 2 a latency with two
decimals.
"""

import time
from dataclasses import dataclass

import numpy as np

from engine.fold import Fold, initial_state
from engine.histogram import Histograms, count_up
from engine.ports import Frame, Partials, Store
from engine.position import Position
from engine.reader import Recent, Wanted, read
from engine.rollup import Rollups, roll_up
from engine.tiers import DAY_S, HISTOGRAMS, PARTIAL_S, STORED, Tier

COUNTER, LATENCY = 1, 2
STEP_S = 7_200
BEGIN_S = 1_763_769_600


@dataclass(eq=False, slots=True)
class DenseYear:
    """The store of one partition after a year, and what a reader must know to read it."""

    store: Store
    fold: Fold
    frames: list[Frame]
    now_s: int
    fold_s: float = 0.0

    async def rollups(self, stat: int, tier: Tier, span_s: int) -> Rollups:
        """The buckets of the last `span_s` seconds, as a query would read them."""
        wanted = Wanted(stat, tier, self.now_s - span_s, self.now_s)
        parts = [(f.position, f.partials.rollups.of_stat(stat)) for f in self.frames]
        recent = Recent.of(parts, Rollups.empty())
        (found,) = await read(self.store, 0, [wanted], self.fold.closed, [recent], Rollups.empty())
        return found


async def fold_a_year(store: Store, days: int = 365) -> DenseYear:
    """Write the chunks of a year into an empty store."""
    rng = np.random.default_rng(1)
    own = await store.acquire(0)
    year = DenseYear(store, Fold(store, 0, own.epoch, initial_state(BEGIN_S)), [], BEGIN_S)
    for step in range(days * DAY_S // STEP_S):
        begin_s = BEGIN_S + step * STEP_S
        year.now_s = begin_s + STEP_S
        year.frames.append(_frame(rng, begin_s))
        began = time.perf_counter()
        needless = await year.fold.run(tuple(year.frames), year.now_s)
        year.fold_s += time.perf_counter() - began
        if needless is not None:
            year.frames = [frame for frame in year.frames if frame.position > needless]
        if step % 12 == 11:
            before = {t.number: t.oldest(year.now_s) for t in (*STORED, *HISTOGRAMS)}
            await store.drop_chunks(0, own.epoch, before, [COUNTER, LATENCY])
    return year


def _frame(rng: np.random.Generator, begin_s: int) -> Frame:
    """Two hours of both stats as one frame."""
    at_ms = (begin_s + np.arange(STEP_S)) * 1000 + rng.integers(0, 1000, STEP_S)
    increments = rng.integers(1, 6, STEP_S).astype(np.float64)
    latencies = np.round(rng.lognormal(3.0, 0.6, STEP_S), 2)
    rollups, histograms = [], []
    for stat, values in ((COUNTER, increments), (LATENCY, latencies)):
        stats = np.full(STEP_S, stat, np.int64)
        rollups.append(roll_up(stats, at_ms, values, PARTIAL_S))
        histograms.append(count_up(stats, at_ms, values))
    position = Position((begin_s + STEP_S) * 1000, 0)
    return Frame(position, Partials(Rollups.joined(rollups), Histograms.merged(histograms, 60)))
