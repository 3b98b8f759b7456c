"""A day at a point a second, asked for by the minute over HTTP: StatFlow beside VictoriaMetrics.

Law: both hold the same points and both stand idle but for the question. They are asked in turns,
one question at a time, so that a ratio is that of one turn.
"""

import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import trio

from bench.client import Connection
from bench.cores import LOAD, only_on
from bench.effort import RUNS, whole_or_quick
from bench.openloop import accepted
from bench.peers.peer import Peer, Serving
from bench.peers.statflow import STATFLOW
from bench.peers.victoria import VICTORIA
from bench.report import Missing, Row, of_samples, percentile, ratio_of

DAY_S: Final = 86_400
MINUTES: Final = 1_440
ASKED: Final = whole_or_quick(100, 20)
BATCH: Final = 960
SETTLE_S: Final = whole_or_quick(150, 15)
"""Late points are folded once a minute; a question then reads chunks, as for any day."""

CACHED: Final = "VictoriaMetrics, from its cache of answers"
UNCACHED: Final = "VictoriaMetrics, computed"
OURS: Final = "StatFlow, computed (it caches no answers)"
WHAT: Final = "24 h at 1 m over HTTP"

Ask = Callable[[], Awaitable[int]]
"""Asks once and returns how many buckets the answer has."""


def measure_day() -> list[Row]:
    """Fill both, let them settle, and ask in turns."""
    if not VICTORIA.installed:
        return [Missing(f"{WHAT}, beside VictoriaMetrics", f"not installed: {VICTORIA.package}")]
    begin_s = int(time.time()) // 60 * 60 - DAY_S
    with _both() as (ours, theirs), only_on(LOAD):
        times = trio.run(_ask_in_turns, ours, theirs, begin_s)
    return [
        *(of_samples(f"{WHAT}, p50: {name}", samples, "ms") for name, samples in times.items()),
        ratio_of(f"{WHAT}: StatFlow to {CACHED}", times[OURS], times[CACHED], 1.0),
        ratio_of(f"{WHAT}: StatFlow to {UNCACHED}", times[OURS], times[UNCACHED]),
    ]


@contextmanager
def _both() -> Generator[tuple[Serving, Serving]]:
    with _one(STATFLOW) as ours, _one(VICTORIA) as theirs:
        yield ours, theirs


@contextmanager
def _one(peer: Peer) -> Generator[Serving]:
    with tempfile.TemporaryDirectory() as place, peer.start(Path(place)) as serving:
        yield serving


async def _ask_in_turns(ours: Serving, theirs: Serving, begin_s: int) -> dict[str, list[float]]:
    """For each way of asking the median of each turn, in milliseconds."""
    async with (
        Connection(ours.port, ours.headers) as statflow,
        Connection(theirs.port, theirs.headers) as victoria,
    ):
        stat = await _fill_statflow(statflow, begin_s)
        await _fill_victoria(victoria, begin_s)
        await trio.sleep(SETTLE_S)
        ways: dict[str, Ask] = {
            OURS: lambda: _ask_statflow(statflow, stat, begin_s),
            CACHED: lambda: _ask_victoria(victoria, begin_s, cached=True),
            UNCACHED: lambda: _ask_victoria(victoria, begin_s, cached=False),
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, ask in ways.items():
                found[name].append(percentile([await _timed_ms(ask) for _ in range(ASKED)], 50))
    return found


async def _timed_ms(ask: Ask) -> float:
    began = time.perf_counter()
    buckets = await ask()
    took_ms = (time.perf_counter() - began) * 1e3
    assert buckets == MINUTES, f"BUG: {buckets} buckets in the answer"
    return took_ms


async def _fill_statflow(connection: Connection, begin_s: int) -> str:
    """A counter with a point a second; its id."""
    point = {"stat": "dense", "value": 1, "type": "counter", "t": begin_s}
    _, answer = await connection.ask("POST", "/v1/ingest", json.dumps(point).encode())
    for first in range(1, DAY_S, BATCH):
        seconds = range(begin_s + first, begin_s + min(first + BATCH, DAY_S))
        items = [{"stat": "dense", "value": t % 5 + 1, "type": "counter", "t": t} for t in seconds]
        body = json.dumps({"items": items}).encode()
        status, _ = await connection.ask("POST", "/v1/ingest/batch", body)
        assert accepted(status), f"BUG: {status} for a batch on an idle server"
    return str(json.loads(answer)["stat_id"])


async def _fill_victoria(connection: Connection, begin_s: int) -> None:
    seconds = range(begin_s, begin_s + DAY_S)
    line = {
        "metric": {"__name__": "dense"},
        "values": [t % 5 + 1 for t in seconds],
        "timestamps": [t * 1000 for t in seconds],
    }
    status, _ = await connection.ask("POST", "/api/v1/import", json.dumps(line).encode())
    assert accepted(status), f"BUG: {status} for an import"
    await connection.ask("GET", "/internal/force_flush")


async def _ask_statflow(connection: Connection, stat: str, begin_s: int) -> int:
    asked = {"from": begin_s, "to": begin_s + DAY_S, "resolution": "1m", "agg": "sum"}
    _, answer = await connection.ask("GET", f"/v1/stats/{stat}/data?{urlencode(asked)}")
    return answer.count(b'"t":')


async def _ask_victoria(connection: Connection, begin_s: int, *, cached: bool) -> int:
    # A bucket of VictoriaMetrics ends at its time; ours begins there.
    asked = {
        "query": "sum_over_time(dense[1m])", "start": begin_s + 60, "end": begin_s + DAY_S,
        "step": "60s", "nocache": 0 if cached else 1,
    }  # fmt: skip
    _, answer = await connection.ask("GET", f"/api/v1/query_range?{urlencode(asked)}")
    return answer.partition(b'"values":')[2].count(b'"]')
