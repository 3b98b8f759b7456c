"""Who holds the loop: a warning when one step of one task keeps all others waiting for too long.

Law: two hooks and no more, 0.6 µs a step: this runs under every request. A step ends when the next
one begins, or when the loop looks at its sockets.
"""

import logging
import math
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Final

import trio

STEP_S_MAX: Final = 0.1
"""A step longer than this is seen by everybody who waits for an answer."""

QUIET_S: Final = 5.0
"""After a warning, further slow steps are counted for so long and not told one by one."""

log = logging.getLogger("statflow.serve")


class SlowSteps(trio.abc.Instrument):
    """Warns with the task's name, and where it stands after its slow step."""

    def __init__(self, now: Callable[[], float] = perf_counter) -> None:
        self.seen = self.untold = 0
        self._now = now
        self._began = math.inf
        self._computed_s = thread_time()
        self._task: trio.lowlevel.Task | None = None
        self._quiet_until = -math.inf

    def __repr__(self) -> str:
        return f"<SlowSteps {self.seen} seen>"

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        now = self._now()
        if now - self._began > STEP_S_MAX:
            self._warn(now)
        self._began, self._task = now, task

    def before_io_wait(self, timeout: float) -> None:
        now = self._now()
        if now - self._began > STEP_S_MAX:
            self._warn(now)
        self._began, self._computed_s, self._task = math.inf, thread_time(), None

    def _warn(self, now: float) -> None:
        self.seen += 1
        if now < self._quiet_until:
            self.untold += 1
            return
        assert self._task is not None, "BUG: a step of nobody"
        stack = traceback.StackSummary.extract(self._task.iter_await_frames())
        log.warning(
            "%s held everything up for %.2f s, computing for %.2f s at most (the rest is waiting,"
            " or others had the processor); %d such steps untold since the last warning;"
            " after it: %s",
            self._task.name,
            now - self._began,
            # Since the loop last looked at its sockets: a clock for every step would cost too much.
            thread_time() - self._computed_s,
            self.untold,
            "".join(stack.format()).rstrip() or "it ended",
        )
        self.untold, self._quiet_until = 0, now + QUIET_S


@contextmanager
def watched_steps() -> Generator[None]:
    """Watch every step of the loop inside."""
    instrument = SlowSteps()
    trio.lowlevel.add_instrument(instrument)
    try:
        yield
    finally:
        trio.lowlevel.remove_instrument(instrument)
