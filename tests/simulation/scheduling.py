"""One seed, one run: the scheduler draws from the seed, and what the engine logs as failed counts.

Trio runs the tasks that are ready in a random order. For tests it has a switch that makes the order
depend on nothing but the state of its own random numbers.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from trio._core import _run

from engine.ports import Refused, Unavailable
from tests.simulation.process import leaves
from tests.simulation.world import Injected, World

EXPECTED = (Injected, Unavailable, Refused)


@contextmanager
def deterministic(seed: int) -> Generator[None, None, None]:
    """Inside, trio schedules by the seed alone."""
    switch, state = vars(_run), _run._r.getstate()
    before = switch["_ALLOW_DETERMINISTIC_SCHEDULING"]
    switch["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    _run._r.seed(seed)
    try:
        yield
    finally:
        switch["_ALLOW_DETERMINISTIC_SCHEDULING"] = before
        _run._r.setstate(state)


class _Witness(logging.Handler):
    """Reports every failure that the engine only logs."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self.world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return
        self.world.note("logged:", record.getMessage(), repr(error))
        expected = Injected if "starting it again" in record.msg else EXPECTED
        if not all(isinstance(leaf, expected) for leaf in leaves(error)):
            self.world.fail(f"{record.getMessage()}: {list(leaves(error))!r}")


@contextmanager
def watched_log(world: World) -> Generator[None, None, None]:
    """Inside, a failure that the engine logs and survives is a fault unless it was made."""
    log = logging.getLogger("statflow.engine")
    witness = _Witness(world)
    level, propagates, handlers = log.level, log.propagate, log.handlers[:]
    log.handlers[:] = [witness]
    log.setLevel(logging.ERROR)
    log.propagate = False
    try:
        yield
    finally:
        log.setLevel(level)
        log.propagate = propagates
        log.handlers[:] = handlers
