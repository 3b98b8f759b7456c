"""What a seed decides: chances, the time of day, which kinds of faults there are.

Law: everything that happens by chance is drawn here, so one seed is one run. Whoever sees something
wrong says so to `fail`, which ends the run: inside the engine an exception would be its own affair.
"""

from dataclasses import dataclass, fields
from random import Random
from typing import Final

import trio

BEGUN_MS: Final = 1_795_302_123_000
"""When every run begins, in epoch milliseconds: no round time of any tier."""

PACES: Final = (1, 1, 20)
"""Seconds of the day in a simulated second: fast days close more spans."""

WRONG_MS: Final = 57 * 60_000
"""A step of the clock: almost the hour for which claims are kept, the rest is for retries."""

WRONG_AT_PACE_MS: Final = 20 * 60_000
"""The same on a fast day: retries take up to forty minutes of it."""

EVENTS_MAX: Final = 20_000
"""More than this in one run, and something goes round in circles."""

# Drawn first for every run: a run with few kinds of faults goes deeper into those.
RATES: Final = (0.0, 0.0, 1.0, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Profile:
    """How often each kind of fault happens in this run, relative to the others; 0 is never."""

    kills: float
    stops: float
    zombies: float
    pauses: float
    crashes: float
    full: float
    pressure: float
    steps: float
    leaps: float
    failures: float
    losses: float
    slowness: float
    idleness: float


class Injected(Exception):
    """A fault of the program's own code, made on purpose."""


class World:
    """One run: its chances, its clock and what was found wrong."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.profile = Profile(*(self.random.choice(RATES) for _ in fields(Profile)))
        self.faults = True
        self.pace = self.random.choice(PACES)
        self.leapt_ms = 0
        self.wrong_ms = 0
        self.failure: str | None = None
        self.scope = trio.CancelScope()
        self.trace: list[str] = []
        self.latest_ms = 0

    def __repr__(self) -> str:
        return f"<World {len(self.trace)} events, failure: {self.failure}>"

    def now_ms(self) -> int:
        """The time of day on the machine, in epoch milliseconds."""
        passed_ms = int(trio.current_time() * 1000) * self.pace
        now_ms = BEGUN_MS + passed_ms + self.leapt_ms + self.wrong_ms
        self.latest_ms = max(self.latest_ms, now_ms)
        return now_ms

    def step_clock(self, forth: int) -> None:
        """Set the clock wrong, forth (1) or back (-1), or right again."""
        step_ms = WRONG_MS if self.pace == 1 else WRONG_AT_PACE_MS
        self.wrong_ms = 0 if self.wrong_ms else forth * step_ms

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""
        return self.random.random() < share

    def mishap(self, share: float) -> bool:
        """The same for what never happens any more once the faults are over."""
        return self.faults and self.chance(share)

    async def wait(self, least_s: float, most_s: float) -> None:
        """Let some seconds pass."""
        await trio.sleep(self.random.uniform(least_s, most_s))

    def note(self, *what: object) -> None:
        """Remember what happened, for comparing runs and for reading them."""
        self.trace.append(f"{trio.current_time():9.4f} " + " ".join(map(str, what)))
        if len(self.trace) > EVENTS_MAX:
            self.fail("too much happens")

    def fail(self, text: str) -> None:
        """Say what is wrong and end the run; the first one counts."""
        self.failure = self.failure or text
        self.scope.cancel()
