"""How soon does a live client see a point, while half of what the server can take comes in?

Each of some clients follows a stat of its own. A probe is a point with a value greater than all
before it, so that a client knows by the bucket's maximum which probe it sees.
"""

import json
import random
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import trio

from bench.capacity import PATH, bodies, capacity_s
from bench.client import Connection, Lost
from bench.cores import LOAD, only_on
from bench.effort import RUNS, whole_or_quick
from bench.openloop import LOST, Outcome, accepted, posting, send
from bench.peers.peer import Serving
from bench.peers.statflow import serving as statflow
from bench.report import Row, of_samples, once, percentile

SECONDS: Final = whole_or_quick(15, 5)
WATCHERS: Final = 10
PAUSE_S: Final = (0.2, 0.4)
"""Between two probes of a stat: longer than a live stream may wait to send two changes as one."""

SEEN_LIMIT_S: Final = 5.0
P50_GOAL_MS: Final = 5.0
P99_GOAL_MS: Final = 30.0


def measure() -> list[Row]:
    """Find out the capacity, then probe at half of it."""
    with tempfile.TemporaryDirectory() as place, statflow(Path(place)) as serving, only_on(LOAD):
        capacity = capacity_s(serving)
        runs = [trio.run(_probe, serving, capacity / 2, run) for run in range(RUNS)]
    return _rows(runs, capacity / 2)


@dataclass(slots=True)
class Seen:
    """Seconds until a live client saw a probe, from its answer and from when it was sent."""

    after_answer_s: list[float] = field(default_factory=list)
    after_sent_s: list[float] = field(default_factory=list)
    unseen: int = 0
    background: Outcome = field(default_factory=lambda: Outcome(SECONDS))


async def _probe(serving: Serving, rate_s: float, run: int) -> Seen:
    seen = Seen()
    async with trio.open_nursery() as nursery:
        for number in range(WATCHERS):
            await nursery.start(_watch, serving, f"live.run{run}.stat{number}", seen, nursery)
        seen.background = await send(serving, rate_s, SECONDS, posting(bodies(), PATH))
        nursery.cancel_scope.cancel()
    return seen


async def _watch(
    serving: Serving,
    name: str,
    seen: Seen,
    nursery: trio.Nursery,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Follow a stat; probes begin when the first event came."""
    point = partial(_point, name)
    async with (
        Connection(serving.port, serving.headers) as asker,
        Connection(serving.port, serving.headers) as watcher,
    ):
        _, answer = await asker.ask("POST", "/v1/ingest", point(0))
        desk = _Desk()
        target = f"/v1/live?stats={json.loads(answer)['stat_id']}"
        begun = False
        async for event, data in watcher.events(target):
            if event in {"change", "snapshot"}:
                desk.told([bucket["max"] for bucket in json.loads(data)["points"]])
            if not begun:
                begun = True
                task_status.started()
                nursery.start_soon(_send_probes, asker, point, desk, seen)


class _Desk:
    """The greatest value that a client was told, and when."""

    def __init__(self) -> None:
        self.greatest = -1.0
        self.at_s = 0.0
        self._changed = trio.Event()

    def told(self, values: list[float]) -> None:
        self.at_s = trio.current_time()
        self.greatest = max([self.greatest, *values])
        self._changed.set()
        self._changed = trio.Event()

    async def wait_for(self, value: int) -> float:
        """When it was told; TooSlowError after a while."""
        with trio.fail_after(SEEN_LIMIT_S):
            while self.greatest < value:
                await self._changed.wait()
        return self.at_s


async def _send_probes(asker: Connection, point: "partial[bytes]", desk: _Desk, seen: Seen) -> None:
    chance = random.Random(1)
    value = 0
    while True:
        await trio.sleep(chance.uniform(*PAUSE_S))
        value += 1
        sent_s = trio.current_time()
        told: list[float] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_note, desk, value, told)
            status = await _ask(asker, point(value))
            answered_s = trio.current_time()
        if not accepted(status) or not told:
            seen.unseen += 1
            continue
        seen.after_sent_s.append(told[0] - sent_s)
        # The event may overtake the answer.
        seen.after_answer_s.append(max(0.0, told[0] - answered_s))


async def _ask(asker: Connection, body: bytes) -> int:
    try:
        status, _ = await asker.ask("POST", "/v1/ingest", body)
    except Lost:
        return LOST
    return status


async def _note(desk: _Desk, value: int, told: list[float]) -> None:
    try:
        told.append(await desk.wait_for(value))
    except trio.TooSlowError:
        return


def _point(name: str, value: int) -> bytes:
    return json.dumps({"stat": name, "value": value, "type": "value"}).encode()


def _rows(runs: list[Seen], rate_s: float) -> list[Row]:
    rows: list[Row] = [once("load beside it", rate_s * 1000, "points/s")]
    for name, samples, goals in (
        (
            "accepted → live client",
            [run.after_answer_s for run in runs],
            (P50_GOAL_MS, P99_GOAL_MS),
        ),
        ("sent → live client", [run.after_sent_s for run in runs], (None, None)),
    ):
        for percent, goal in zip((50, 99), goals, strict=True):
            found = [percentile(run, percent) * 1e3 for run in samples]
            rows.append(of_samples(f"{name}, p{percent}", found, "ms", goal))
    taken = [run.background.took_ms(accepted) for run in runs]
    return [
        *rows,
        of_samples("the load: accepted after, p99", [percentile(t, 99) for t in taken], "ms"),
        of_samples("sent after it was due, p99", [run.background.late_ms for run in runs], "ms"),
        once("probes", sum(len(run.after_sent_s) for run in runs), "points"),
        once("probes that were refused or not seen", sum(run.unseen for run in runs), "points", 0),
    ]
