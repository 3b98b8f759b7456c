"""Load that does not wait for answers: requests are due at fixed times, whatever the server does.

Law: a latency counts from when its request was due, not from when there was a chance to send it, so
that a server that stops for a second is seen by all requests of that second. Connections, requests
and time are limited; a request that finds no free connection waits, and its clock runs.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from bench.client import Connection, Lost
from bench.peers.peer import Serving
from bench.report import percentile

CONNECTIONS_MAX: Final = 512
REQUESTS_MAX: Final = 1_000_000
ENDING_S: Final = 15.0
"""After the last request was due, answers are waited for so long."""

LOST: Final = 0
"""The status of a request without answer."""

Step = Callable[[Connection, int], Awaitable[int]]
"""Sends request number n and returns the status of its answer."""


@dataclass(slots=True)
class Outcome:
    """Status, time from due to answered, and how late it was sent, of every request.

    `due` counts all that should have been sent, also those that found no connection in time;
    `in_time` the accepted ones whose answer came while load was still being sent.
    """

    seconds: float
    due: int = 0
    in_time: int = 0
    statuses: list[int] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    ends_s: float = 0.0

    def took_ms(self, wanted: Callable[[int], bool]) -> list[float]:
        """Latencies of answers whose status is wanted."""
        pairs = zip(self.statuses, self.took_s, strict=True)
        return [took * 1e3 for status, took in pairs if wanted(status)]

    def count(self, wanted: Callable[[int], bool]) -> int:
        """How many answers have a wanted status."""
        return sum(map(wanted, self.statuses))

    @property
    def late_ms(self) -> float:
        """99 % of the requests were sent so soon after they were due."""
        return percentile(self.late_s, 99) * 1e3 if self.late_s else 0.0


def accepted(status: int) -> bool:
    """Whether an answer says that the points were taken."""
    return 200 <= status < 300


def refused(status: int) -> bool:
    """Whether an answer says that they were not, for want of capacity."""
    return status in {429, 503}


def due_times(rate_s: float, seconds: float) -> Iterator[float]:
    """When each request is due, in seconds from the beginning, evenly spread."""
    for number in range(min(REQUESTS_MAX, int(rate_s * seconds))):
        yield number / rate_s


async def send(
    serving: Serving, rate_s: float, seconds: float, step: Step, connections: int = CONNECTIONS_MAX
) -> Outcome:
    """Take a step at each due time, on whichever connection is free first."""
    outcome = Outcome(seconds)
    offer, take = trio.open_memory_channel[tuple[int, float]](REQUESTS_MAX)
    with trio.move_on_after(seconds + ENDING_S):
        async with trio.open_nursery() as nursery:
            for _ in range(connections):
                nursery.start_soon(_work, serving, take.clone(), step, outcome)
            take.close()
            began = trio.current_time()
            outcome.ends_s = began + seconds
            with offer:
                for number, due in enumerate(due_times(rate_s, seconds)):
                    await trio.sleep_until(began + due)
                    outcome.due += 1
                    offer.send_nowait((number, began + due))
    return outcome


async def _work(
    serving: Serving,
    take: trio.MemoryReceiveChannel[tuple[int, float]],
    step: Step,
    outcome: Outcome,
) -> None:
    async with Connection(serving.port, serving.headers) as connection, take:
        async for number, due in take:
            outcome.late_s.append(trio.current_time() - due)
            try:
                status = await step(connection, number)
            except Lost:
                status = LOST
            answered_s = trio.current_time()
            outcome.statuses.append(status)
            outcome.took_s.append(answered_s - due)
            outcome.in_time += accepted(status) and answered_s <= outcome.ends_s


def posting(bodies: Sequence[bytes], path: str) -> Step:
    """Steps that post the bodies in turn."""

    async def step(connection: Connection, number: int) -> int:
        status, _ = await connection.ask("POST", path, bodies[number % len(bodies)])
        return status

    return step
