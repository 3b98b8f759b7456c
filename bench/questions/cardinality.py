"""What do many stats cost? 100,000 with a point a second each, then 1,000,000 registered ones with
200,000 of them active.

First through the engine and a real server in the process, then over HTTP beside VictoriaMetrics.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import trio

from api.clock import WallClock
from bench.effort import whole_or_quick
from bench.peers.statflow import STATFLOW
from bench.peers.victoria import VICTORIA
from bench.processes import cpu_s, resident_bytes
from bench.report import Missing, Row, of_samples, once, ratio_of
from bench.wholepath import STATS, cost_of
from bench.words import statflow_batch, victoria_json
from engine.node import Node, open_node
from engine.points import Batch, Command, Points
from storage.opening import open_store
from storage.server.testing import ThrowawayServer, embedded_server

ACTIVE = 100_000
MORE_ACTIVE = whole_or_quick(200_000, 20_000)
MORE_SECONDS = whole_or_quick(60, 10)
SECONDS = int(os.environ.get("BENCH_SECONDS", whole_or_quick(120, 10)))
REGISTERED = whole_or_quick(1_000_000, 100_000)
PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", "16"))
BATCH = 1_000
VICTORIA_GOAL = 1.5
MAXMEMORY_BYTES = 4 * 2**30


def measure() -> list[Row]:
    """Run all on servers of their own."""
    with (
        tempfile.TemporaryDirectory() as place,
        embedded_server(Path(place), maxmemory=MAXMEMORY_BYTES) as server,
    ):
        rows = trio.run(_both, server)
    return [*rows, *_over_http()]


def _over_http() -> list[Row]:
    """What the same points cost StatFlow, with its store server, and VictoriaMetrics."""
    what = f"{STATS:,} stats over HTTP"
    ours = cost_of(STATFLOW, statflow_batch)
    rows: list[Row] = [
        of_samples(f"{what}: StatFlow and its store", ours.cores, "cores"),
        once(f"{what}: StatFlow did not accept", ours.not_accepted, "batches", 0),
    ]
    ratio = f"{what}: StatFlow to VictoriaMetrics"
    if not VICTORIA.installed:
        return [*rows, Missing(ratio, f"not installed: {VICTORIA.package}")]
    theirs = cost_of(VICTORIA, victoria_json)
    return [
        *rows,
        of_samples(f"{what}: VictoriaMetrics", theirs.cores, "cores"),
        once(f"{what}: VictoriaMetrics did not accept", theirs.not_accepted, "batches"),
        ratio_of(f"{ratio}, by windows", ours.cores, theirs.cores),
        ratio_of(f"{ratio}, all together", [ours.mean_cores], [theirs.mean_cores], VICTORIA_GOAL),
    ]


async def _both(server: ThrowawayServer) -> list[Row]:
    async with open_store(server.url, PARTITIONS) as store, open_node(store, WallClock()) as node:
        await node.wait_ready()
        rows = await _active(node, server, ACTIVE, SECONDS)
        rows += await _registered(node, server)
        return rows + await _active(node, server, MORE_ACTIVE, MORE_SECONDS, goals=False)


async def _active(
    node: Node, server: ThrowawayServer, stats: int, seconds: int, *, goals: bool = True
) -> list[Row]:
    """One point a second for each stat, in batches that each stay in one partition."""
    batches = np.arange(stats).reshape(-1, BATCH)
    before, began = resident_bytes(), time.perf_counter()
    own_s, server_s = cpu_s(), cpu_s(server.pid)
    latencies: list[float] = []

    async def send(number: int, due: float, second: int) -> None:
        at_ms = np.full(BATCH, node.clock.now_ms(), np.int64)
        points = Points(batches[number], at_ms, np.full(BATCH, float(second)))
        await node.submit(number % PARTITIONS, Batch(points))
        latencies.append((time.perf_counter() - due) * 1e3)

    async with trio.open_nursery() as nursery:
        for second in range(seconds):
            for number in range(len(batches)):
                due = began + second + number / len(batches)
                await trio.sleep(max(0.0, due - time.perf_counter()))
                nursery.start_soon(send, number, due, second)
    elapsed = time.perf_counter() - began
    grown = resident_bytes() - before - sum(p.seconds_bytes for p in node.statistics().partitions)
    what = f"{stats:,} active"
    rows: list[Row] = [
        once(f"{what}: app, share of a core", (cpu_s() - own_s) / elapsed, "cores",
             0.15 if goals else None),
        once(f"{what}: server, share of a core", (cpu_s(server.pid) - server_s) / elapsed, "cores"),
        of_samples(f"{what}: acknowledged after, from when it was due", latencies, "ms"),
    ]  # fmt: skip
    if goals:
        name = f"{what}: memory a stat beside the 1 s tier"
        rows.append(once(name, grown / stats / 1024, "KiB", 4.0))
    return rows


async def _registered(node: Node, server: ThrowawayServer) -> list[Row]:
    """Records as the directory writes them, a thousand a batch."""
    record = b"x" * 80
    own, stored = resident_bytes(), resident_bytes(server.pid)
    began = time.perf_counter()
    for first in range(0, REGISTERED, BATCH):
        commands = tuple(Command("stat.put", first + n, record) for n in range(BATCH))
        points = Points.of((), (), ())
        await node.submit(first // BATCH % PARTITIONS, Batch(points, commands=commands))
    elapsed = time.perf_counter() - began
    await node.checkpoint()
    return [
        once("registered", REGISTERED / elapsed, "stats/s"),
        once("app: memory a registered stat", (resident_bytes() - own) / REGISTERED, "B"),
        once("server: memory a registered stat",
             (resident_bytes(server.pid) - stored) / REGISTERED, "B"),
    ]  # fmt: skip
