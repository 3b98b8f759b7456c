"""How long does a query take? Three zooms into a year in the process, then a day over HTTP."""

import tempfile
import time
from pathlib import Path

import trio

from bench.day_over_http import measure_day
from bench.dense_year import COUNTER, LATENCY, DenseYear, fold_a_year
from bench.effort import whole_or_quick
from bench.report import Row, of_samples
from engine.tiers import D1, DAY_S, HOUR_S, M1, S10, Tier
from storage.opening import open_store
from storage.server.testing import ThrowawayServer, embedded_server

GOAL_MS = 5.0
SAMPLES = 60
DAYS = whole_or_quick(365, 10)
ZOOMS = (
    ("24 h at 1 m", M1, DAY_S),
    ("a year at 1 d", D1, (DAYS - 1) * DAY_S),
    ("6 h at 10 s", S10, 6 * HOUR_S),
)


def measure() -> list[Row]:
    """Fold a year, then ask for each zoom."""
    with (
        tempfile.TemporaryDirectory() as place,
        embedded_server(Path(place), appendfsync="no") as server,
    ):
        rows = trio.run(_ask, server)
    return [*rows, *measure_day()]


async def _ask(server: ThrowawayServer) -> list[Row]:
    async with open_store(server.url, partitions=1) as store:
        year = await fold_a_year(store, DAYS)
        return [
            of_samples(f"{name}, {kind}", await _times_ms(year, stat, tier, span_s), "ms", GOAL_MS)
            for name, tier, span_s in ZOOMS
            for kind, stat in (("counter", COUNTER), ("value", LATENCY))
        ]


async def _times_ms(year: DenseYear, stat: int, tier: Tier, span_s: int) -> list[float]:
    times = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        found = await year.rollups(stat, tier, span_s)
        times.append((time.perf_counter() - began) * 1e3)
        assert len(found) == span_s // tier.width_s, "BUG: a dense stat has every bucket"
    return times
