"""How soon does a webhook hear of a point that breaks a rule, with 10,000 rules?

Every rule watches a stat of its own. All stats but those of the probes get a point a second; a
probe is one point above the threshold, and each breaks another rule. The time counts from when the
point was accepted until the first bytes of the message reach the receiver's socket.
"""

import json
import random
import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio

from bench.client import Connection
from bench.cores import LOAD, only_on
from bench.effort import RUNS, whole_or_quick
from bench.hooks import Hooks, alert_name, receiving
from bench.openloop import Outcome, accepted, posting, send
from bench.peers.alerting import PROMETHEUS, VMALERT, metric, prometheus, vmalert
from bench.peers.peer import Serving
from bench.peers.statflow import serving as statflow
from bench.processes import free_port
from bench.report import Missing, Row, of_samples, once, percentile
from bench.words import name_of

RULES: Final = whole_or_quick(10_000, 1_000)
"""Rules and stats; so many points a second come in."""

PROBES: Final = whole_or_quick(150, 30)
"""Rules that are broken in one run."""

BATCH: Final = 100
PAUSE_S: Final = (0.05, 0.15)
WARM_S: Final = 5.0
HEARD_LIMIT_S: Final = 30.0
READY_LIMIT_S: Final = 300.0
MAKERS: Final = 8
BUSY: Final = 503
THRESHOLD: Final = 1_000.0
ABOVE: Final = 5_000

P50_GOAL_MS: Final = 20.0
P99_GOAL_MS: Final = 100.0

Break = Callable[[int], Awaitable[None]]
"""Takes a stat above its threshold; returns when that was accepted."""


@dataclass(slots=True)
class Told:
    """Seconds from accepted to told of every probe, and how the load beside them fared."""

    took_s: list[float] = field(default_factory=list)
    unheard: int = 0
    background: Outcome = field(default_factory=lambda: Outcome(0.0))


def measure() -> list[Row]:
    """StatFlow, then the others, each alone."""
    return [
        *_rows("StatFlow", _statflow(), P50_GOAL_MS, P99_GOAL_MS),
        *_beside("Prometheus with Alertmanager", PROMETHEUS, _prometheus),
        *_beside("vmalert with VictoriaMetrics", VMALERT, _vmalert),
    ]


def _beside(name: str, programs: Sequence[str], run: Callable[[], list[Told]]) -> list[Row]:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        return [Missing(f"{name}: accepted → webhook", f"not installed: {' '.join(missing)}")]
    return _rows(name, run())


def _statflow() -> list[Told]:
    allowed = {"STATFLOW_WEBHOOK_ALLOW": "127.0.0.0/8"}
    with (
        tempfile.TemporaryDirectory() as place,
        statflow(Path(place), allowed) as serving,
        only_on(LOAD),
    ):
        return trio.run(_ask_statflow, serving)


async def _ask_statflow(serving: Serving) -> list[Told]:
    bodies, path = _batches(_statflow_batch), "/v1/ingest/batch"
    async with receiving(free_port()) as hooks:
        await _put_rules(serving, hooks)
        async with Connection(serving.port, serving.headers) as asker:

            async def break_one(number: int) -> None:
                body = {"stat": name_of(number), "value": ABOVE, "type": "value"}
                await _post(asker, "/v1/ingest", json.dumps(body).encode())

            return await _runs(hooks, break_one, serving, bodies, path)


async def _put_rules(serving: Serving, hooks: Hooks) -> None:
    """A rule for every stat, and wait until each is judged."""
    numbers = iter(range(RULES))
    async with Connection(serving.port, serving.headers) as asker:
        await _post_all(asker, "/v1/ingest/batch", _batches(_statflow_batch, RULES))
        channel = {"type": "webhook", "name": "bench", "url": hooks.url}
        made = json.loads(await _post(asker, "/v1/channels", json.dumps(channel).encode()))
    async with trio.open_nursery() as nursery:
        for _ in range(MAKERS):
            nursery.start_soon(_make_rules, serving, numbers, made["id"])
    async with Connection(serving.port, serving.headers) as asker:
        with trio.fail_after(READY_LIMIT_S):
            while b"[]" not in (await asker.ask("GET", "/v1/alerts?state=NEW&limit=1"))[1][:12]:
                await _post_all(asker, "/v1/ingest/batch", _batches(_statflow_batch, RULES))


async def _make_rules(serving: Serving, numbers: Iterator[int], channel: str) -> None:
    async with Connection(serving.port, serving.headers) as asker:
        for number in numbers:
            rule = {
                "name": alert_name(number), "kind": "threshold", "stat": name_of(number),
                "op": ">", "threshold": THRESHOLD, "window": "1m", "aggregate": "max",
                "channels": [channel],
            }  # fmt: skip
            await _post(asker, "/v1/alerts", json.dumps(rule).encode())


def _prometheus() -> list[Told]:
    hook_port, exporter_port = free_port(), free_port()
    hook_url = f"http://127.0.0.1:{hook_port}/hook"
    with (
        tempfile.TemporaryDirectory() as place,
        prometheus(Path(place), RULES, THRESHOLD, exporter_port, hook_url),
        only_on(LOAD),
    ):
        return trio.run(_ask_prometheus, hook_port, exporter_port)


async def _ask_prometheus(hook_port: int, exporter_port: int) -> list[Told]:
    async with receiving(hook_port) as hooks, _exporting(exporter_port) as values:
        await trio.sleep(WARM_S)

        async def break_one(number: int) -> None:
            values[number] = ABOVE

        return await _runs(hooks, break_one)


@asynccontextmanager
async def _exporting(port: int) -> AsyncGenerator[list[int]]:
    """What Prometheus scrapes: the values as they are at that moment."""
    values = [1] * RULES

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            while await stream.receive_some(65_536):
                lines = (f"{metric(number)} {value}\n" for number, value in enumerate(values))
                body = "".join(lines).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}"
                await stream.send_all(f"{head}\r\n\r\n".encode() + body)

    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, listeners)
        yield values
        nursery.cancel_scope.cancel()


def _vmalert() -> list[Told]:
    hook_port = free_port()
    with (
        tempfile.TemporaryDirectory() as place,
        vmalert(Path(place), RULES, THRESHOLD, hook_port) as serving,
        only_on(LOAD),
    ):
        return trio.run(_ask_vmalert, serving, hook_port)


async def _ask_vmalert(serving: Serving, hook_port: int) -> list[Told]:
    bodies, path = _batches(_victoria_batch), "/api/v1/import/prometheus"
    async with receiving(hook_port) as hooks, Connection(serving.port, {}) as asker:
        await _post_all(asker, path, _batches(_victoria_batch, RULES))
        await trio.sleep(WARM_S)

        async def break_one(number: int) -> None:
            await _post(asker, path, f"{metric(number)} {ABOVE}\n".encode())

        return await _runs(hooks, break_one, serving, bodies, path)


async def _runs(
    hooks: Hooks,
    break_one: Break,
    serving: Serving | None = None,
    bodies: Sequence[bytes] = (),
    path: str = "",
) -> list[Told]:
    """Break other rules in each run, while the load goes on if there is somebody to take it."""
    found = []
    for run in range(RUNS):
        told = Told()
        numbers = range(RULES - (run + 1) * PROBES, RULES - run * PROBES)
        async with trio.open_nursery() as nursery:
            if serving is not None:
                nursery.start_soon(_load, serving, bodies, path, told)
            await _probe(hooks, numbers, break_one, told)
        found.append(told)
    return found


async def _load(serving: Serving, bodies: Sequence[bytes], path: str, told: Told) -> None:
    seconds = PROBES * sum(PAUSE_S) / 2
    told.background = await send(serving, RULES / BATCH, seconds, posting(bodies, path))


async def _probe(hooks: Hooks, numbers: Sequence[int], break_one: Break, told: Told) -> None:
    chance, turn = random.Random(1), trio.Lock()

    async def probe(number: int) -> None:
        async with turn:
            await break_one(number)
        accepted_s = trio.current_time()
        with trio.move_on_after(HEARD_LIMIT_S) as waiting:
            # A message may overtake the answer.
            told.took_s.append(max(0.0, await hooks.heard(number) - accepted_s))
        told.unheard += waiting.cancelled_caught

    async with trio.open_nursery() as nursery:
        for number in numbers:
            await trio.sleep(chance.uniform(*PAUSE_S))
            nursery.start_soon(probe, number)


async def _post(asker: Connection, path: str, body: bytes) -> bytes:
    """The answer to what must be accepted; who is told to come back does so."""
    with trio.fail_after(READY_LIMIT_S):
        while (said := await asker.ask("POST", path, body))[0] == BUSY:  # noqa: ASYNC110
            await trio.sleep(max(PAUSE_S))
    status, answer = said
    assert accepted(status), f"{path}: {status} {answer.decode()[:500]}"
    return answer


async def _post_all(asker: Connection, path: str, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        await _post(asker, path, body)


def _batches(batch: Callable[[Sequence[int]], bytes], until: int | None = None) -> list[bytes]:
    """Bodies with a point for each stat; without `until` none for those of the probes."""
    until = RULES - RUNS * PROBES if until is None else until
    return [batch(range(low, min(until, low + BATCH))) for low in range(0, until, BATCH)]


def _statflow_batch(numbers: Sequence[int]) -> bytes:
    items = [{"stat": name_of(number), "value": 1, "type": "value"} for number in numbers]
    return json.dumps({"items": items}).encode()


def _victoria_batch(numbers: Sequence[int]) -> bytes:
    return "".join(f"{metric(number)} 1\n" for number in numbers).encode()


def _rows(
    name: str, runs: list[Told], p50: float | None = None, p99: float | None = None
) -> list[Row]:
    heard = [run for run in runs if run.took_s]
    lost, none = sum(run.unheard for run in runs), None if p50 is None else 0.0
    unheard = once(f"{name}: probes that were not told", lost, "probes", none)
    if not heard:
        return [unheard]
    rows: list[Row] = [
        of_samples(
            f"{name}: accepted → webhook, {RULES:,} rules, p{percent}",
            [percentile(run.took_s, percent) * 1e3 for run in heard], "ms", goal,
        )
        for percent, goal in ((50, p50), (99, p99))
    ]  # fmt: skip
    beside = [run.background for run in runs if run.background.statuses]
    if beside:
        rates = [one.count(accepted) * BATCH / one.seconds for one in beside]
        rows.append(of_samples(f"{name}: load that was accepted beside it", rates, "points/s"))
    return [*rows, unheard]
