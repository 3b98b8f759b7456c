"""Ways of sending the same points, compared: run by run, one server at a time.

Law: every run of every way begins with an empty server on the same core. The ways take turns, so
that whatever happens to the machine happens to all of them, and a ratio is that of one turn.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import streams, wrk
from bench.effort import RUN_S, RUNS, WARM_S
from bench.peers.peer import Peer, Serving, Way
from bench.processes import cpu_s
from bench.report import Missing, Row, of_samples, ratio_of
from bench.words import Point, Request, put_in


@dataclass(slots=True)
class Samples:
    """Points a second of each run; `split` with the store server on the other core.

    `busy`: how much of its one core the server used; what is missing to 1 it waited, for the disk
    or because others use the machine.
    """

    one_core: list[float] = field(default_factory=list)
    split: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent, each group of points one request, over how many connections, and how often."""

    groups: Sequence[Sequence[Point]]
    connections: int
    runs: int = RUNS
    warm_s: float = WARM_S
    run_s: float = RUN_S


def compare(ways: Sequence[Way], plan: Plan) -> dict[str, Samples]:
    """Measure every way whose server is installed."""
    found = {way.name: Samples() for way in ways if way.peer.installed}
    for _ in range(plan.runs):
        for way in ways:
            if way.name not in found:
                continue
            samples = found[way.name]
            rate_s, busy = _run(way, way.peer, plan, samples)
            samples.one_core.append(rate_s)
            samples.busy.append(busy)
            if way.split is not None:
                samples.split.append(_run(way, way.split, plan, samples)[0])
    return found


def rows(ways: Sequence[Way], found: Mapping[str, Samples]) -> list[Row]:
    """A row for each way, measured or not."""
    told: list[Row] = []
    for way in ways:
        samples = found.get(way.name)
        if samples is None:
            told.append(Missing(way.name, f"not installed: {way.peer.package}"))
            continue
        note = f"{way.acknowledged}; {median(samples.busy):.0%} of a core"
        if samples.refused:
            note += f"; {samples.refused:,} requests were refused"
        told.append(
            of_samples(way.name, samples.one_core, "points/s", split=samples.split, note=note)
        )
    return told


def ratio(name: str, ours: Samples, theirs: Samples | None, goal: float | None) -> Row:
    """How many times theirs ours is, on one core; in the second column with the split."""
    if theirs is None:
        return Missing(name, "the peer is not installed")
    return ratio_of(name, ours.one_core, theirs.one_core, goal, at_most=False, split=ours.split)


def _run(way: Way, peer: Peer, plan: Plan, samples: Samples) -> tuple[float, float]:
    """Points a second of one run on a server of its own, and the cores that it used."""
    requests = put_in(way.wording, plan.groups)
    with tempfile.TemporaryDirectory() as place, peer.start(Path(place)) as serving:
        _load(way, serving, requests, plan, plan.warm_s)
        used, began = sum(map(cpu_s, serving.pids)), time.perf_counter()
        rate_s, failed = _load(way, serving, requests, plan, plan.run_s)
        busy = (sum(map(cpu_s, serving.pids)) - used) / (time.perf_counter() - began)
        samples.refused += failed
        return rate_s * len(plan.groups[0]), busy


def _load(
    way: Way, serving: Serving, requests: Sequence[Request], plan: Plan, seconds: float
) -> tuple[float, int]:
    """Requests a second that were taken, and how many were not."""
    if way.streamed:
        return streams.rate_s(serving.port, requests, seconds), 0
    tally = wrk.load(
        serving.port, requests, seconds, plan.connections, serving.headers,
        handed_over=way.handed_over,
    )  # fmt: skip
    return tally.rate_s, tally.refused + tally.broken
