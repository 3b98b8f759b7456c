"""What it costs to keep many stats at a point a second each, sent over HTTP in batches.

Law: the same batches go to every server at the same times, evenly spread over each second, so that
its CPU time is that of the work and not of waiting for more.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import trio

from bench.client import Connection
from bench.cores import LOAD, only_on
from bench.effort import RUNS, whole_or_quick
from bench.openloop import accepted, send
from bench.peers.peer import Peer, Serving
from bench.processes import cpu_s
from bench.words import BATCH, Request, Wording, batches, put_in, timed

STATS: Final = whole_or_quick(100_000, 10_000)
WARM_S: Final = whole_or_quick(20, 3)
WINDOW_S: Final = whole_or_quick(60, 5)
"""CPU time is read so often; all windows together see each kind of background work once."""

CONNECTIONS: Final = 16


@dataclass(slots=True)
class Cost:
    """Cores that a server used in each window, all its processes together, and what it refused."""

    cores: list[float] = field(default_factory=list)
    not_accepted: int = 0

    @property
    def mean_cores(self) -> float:
        """Over all windows, because what is done once in five minutes is in one of them."""
        return sum(self.cores) / len(self.cores)


def cost_of(peer: Peer, wording: Wording) -> Cost:
    """Keep the stats busy on a server of its own."""
    requests = _requests(wording)
    with tempfile.TemporaryDirectory() as place, peer.start(Path(place)) as serving, only_on(LOAD):
        return trio.run(_keep_busy, serving, requests)


def _requests(wording: Wording) -> list[Request]:
    """A point of every stat, in batches."""
    groups = [batches(1, first)[0] for first in range(0, STATS, BATCH)]
    return put_in(wording, groups)


async def _keep_busy(serving: Serving, requests: Sequence[Request]) -> Cost:
    cost = Cost()
    seconds = WARM_S + RUNS * WINDOW_S
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read_cpu, serving, cost)
        rate_s = float(len(requests))
        outcome = await send(serving, rate_s, seconds, partial(_post, requests), CONNECTIONS)
    cost.not_accepted = outcome.due - outcome.count(accepted)
    return cost


async def _post(requests: Sequence[Request], connection: Connection, number: int) -> int:
    request = requests[number % len(requests)]
    body = timed(request.body, int(time.time() * 1000))
    status, _ = await connection.ask("POST", request.path, body)
    return status


async def _read_cpu(serving: Serving, cost: Cost) -> None:
    await trio.sleep(WARM_S)
    for _ in range(RUNS):
        used, began = sum(map(cpu_s, serving.pids)), trio.current_time()
        await trio.sleep(WINDOW_S)
        elapsed = trio.current_time() - began
        cost.cores.append((sum(map(cpu_s, serving.pids)) - used) / elapsed)
