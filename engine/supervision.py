"""Circles of failure: a partition that fails is started again; one that fails too often is fatal.

The handler in `keep_running` is the partition's circle, and the only one that restarts anything.
A store that does not answer is not a failure: who needs it asks again, patiently.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from engine.ports import Refused, Unavailable

T = TypeVar("T")

log = logging.getLogger("statflow.engine")

RESTARTS_LIMIT = 5
RESTARTS_PERIOD_S = 60.0
"""More than this many failures in this time are a real fault and go upwards."""


STORE_PAUSE_S = 0.05
STORE_PAUSE_S_MAX = 1.0


class Restarts:
    """Counts failures and says whether one more is still allowed."""

    def __init__(self, limit: int = RESTARTS_LIMIT, period_s: float = RESTARTS_PERIOD_S) -> None:
        self.limit = limit
        self.period_s = period_s
        self.times: list[float] = []

    def __repr__(self) -> str:
        return f"<Restarts {len(self.times)} of {self.limit} in {self.period_s:g} s>"

    def allow(self, now: float) -> bool:
        """Note a failure at `now` (seconds of any steady clock)."""
        self.times = [time for time in self.times if now - time < self.period_s]
        self.times.append(now)
        return len(self.times) <= self.limit


async def keep_running(
    name: str,
    run: Callable[[], Awaitable[None]],
    restarts: Restarts,
    fatal: tuple[type[Exception], ...] = (),
) -> None:
    """Run `run` again after each failure, until it returns, fails too often or fails fatally.

    Waits 1, 2, 4 … seconds between the tries.
    """
    while True:
        try:
            await run()
        except Exception as error:  # Cancelled is a BaseException and passes through.
            if _contains(error, fatal) or not restarts.allow(trio.current_time()):
                raise
            pause_s = 2.0 ** (len(restarts.times) - 1)
            log.exception("%s failed; starting it again in %g s", name, pause_s)
            await trio.sleep(pause_s)
        else:
            return


def _contains(error: BaseException, kinds: tuple[type[Exception], ...]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_contains(inner, kinds) for inner in error.exceptions)
    return isinstance(error, kinds)


async def patiently(what: str, call: Callable[[], Awaitable[T]]) -> T:
    """Ask the store until it answers, ever more slowly; Fenced passes through."""
    pause_s = STORE_PAUSE_S
    while True:
        try:
            return await call()
        except (Unavailable, Refused) as error:
            log.warning("%s: the store does not answer: %s", what, error)
        await trio.sleep(pause_s)
        pause_s = min(2 * pause_s, STORE_PAUSE_S_MAX)
