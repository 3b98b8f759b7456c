"""What is told when points are not stored.

Law: no point disappears in silence. Whoever gives `on_trouble` hears of each; else the log says it,
a minute apart for each kind.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

QUIET_S: Final = 60.0
"""Between two lines about the same."""

KINDS_MAX: Final = 100
"""Kinds of trouble that are told apart; codes come from a server that may be anything."""

log: Final = logging.getLogger("statflow_client")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Points that are not stored, and why.

    `full`: the queue was full, or the client closed. `refused`: this point can never be stored,
    `stat` says whose it is. `lost`: given up.
    """

    what: Literal["full", "refused", "lost"]
    points: int
    code: str
    message: str
    stat: str = ""

    def __str__(self) -> str:
        whose = f" of {self.stat!r}" if self.stat else ""
        many = "1 point" if self.points == 1 else f"{self.points} points"
        return f"{many}{whose} not stored, {self.what}: {self.message} ({self.code})"


Tell = Callable[[Trouble], None]


class Reporter:
    """Writes troubles to the log, each kind once a minute with the number since."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._told_s: dict[tuple[str, str], float] = {}
        self._since: dict[tuple[str, str], int] = {}

    def __call__(self, trouble: Trouble) -> None:
        """Say it, or count it for the next time."""
        kind, now_s = (trouble.what, trouble.code), self._clock_s()
        if kind not in self._told_s and len(self._told_s) >= KINDS_MAX:
            kind = (trouble.what, "")
        if now_s - self._told_s.get(kind, -QUIET_S) < QUIET_S:
            self._since[kind] = self._since.get(kind, 0) + trouble.points
            return
        self._told_s[kind] = now_s
        more = self._since.pop(kind, 0)
        log.warning("%s%s", trouble, f"; {more} more since the last such line" if more else "")
