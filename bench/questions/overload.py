"""Three times the capacity for two minutes: what is still taken, and how fast is it refused?"""

import tempfile
from pathlib import Path
from typing import Final

import trio

from bench.capacity import PATH, bodies, capacity_s
from bench.cores import LOAD, only_on
from bench.effort import whole_or_quick
from bench.openloop import Outcome, accepted, posting, refused, send
from bench.peers.peer import Serving
from bench.peers.statflow import serving as statflow
from bench.processes import resident_bytes
from bench.report import Row, of_samples, once, percentile

TIMES: Final = 3
SECONDS: Final = whole_or_quick(120, 15)
SAMPLE_S: Final = 1.0

SHARE_GOAL: Final = 0.9
ACCEPTED_P99_MS: Final = 500.0
REFUSED_P99_MS: Final = 250.0
GROWTH_GOAL: Final = 1.1
"""Memory at the end to that after the first quarter; more would have no bound."""


def measure() -> list[Row]:
    """Find out the capacity, then send threefold."""
    with tempfile.TemporaryDirectory() as place, statflow(Path(place)) as serving, only_on(LOAD):
        capacity = capacity_s(serving)
        outcome, memory = trio.run(_overload, serving, capacity)
    return _rows(outcome, memory, capacity)


async def _overload(serving: Serving, capacity: float) -> tuple[Outcome, list[int]]:
    memory: list[int] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_weigh, serving.pids[0], memory)
        step = posting(bodies(), PATH)
        outcome = await send(serving, TIMES * capacity, SECONDS, step)
        nursery.cancel_scope.cancel()
    return outcome, memory


async def _weigh(pid: int, memory: list[int]) -> None:
    while True:
        memory.append(resident_bytes(pid))
        await trio.sleep(SAMPLE_S)


def _rows(outcome: Outcome, memory: list[int], capacity: float) -> list[Row]:
    taken, turned_away = outcome.count(accepted), outcome.count(refused)
    # What is answered after the end was due in it, but no capacity of it.
    share = outcome.in_time / outcome.seconds / capacity
    other = outcome.due - taken - turned_away
    settled = memory[len(memory) // 4 :]
    rows: list[Row] = [
        once("capacity", capacity, "batches/s"),
        once("due", outcome.due / outcome.seconds, "batches/s"),
        once("accepted of the capacity", share, "share", SHARE_GOAL, at_most=False),
        once("refused of what was due", turned_away / outcome.due, "share"),
        once("neither accepted nor refused", other, "requests", 0),
        once("memory at the end to that after a quarter", settled[-1] / settled[0], "×",
             GROWTH_GOAL),
        of_samples("memory", [size / 2**20 for size in settled], "MiB"),
        once("sent after it was due, p99", outcome.late_ms, "ms"),
    ]  # fmt: skip
    for name, wanted, goal in (
        ("accepted", accepted, ACCEPTED_P99_MS),
        ("refused", refused, REFUSED_P99_MS),
    ):
        if took := outcome.took_ms(wanted):
            rows += [
                once(f"{name} after, p50", percentile(took, 50), "ms"),
                once(f"{name} after, p99", percentile(took, 99), "ms", goal),
            ]
    return rows
