"""Keeps a dead endpoint from costing an attempt for each message that waits for it. Pure."""

from dataclasses import dataclass
from typing import Final

OPENS_AT: Final = 5
"""Failures in a row."""

COOL_MS: Final = 30_000
COOL_MS_MAX: Final = 600_000
"""Between two probes of an endpoint that stays dead."""

ALARM_AT: Final = 10
"""Failures in a row after which somebody is told."""


@dataclass(slots=True)
class Breaker:
    """The state of one endpoint; times in epoch milliseconds."""

    failures: int = 0
    open_until_ms: int = 0
    probing: bool = False

    def may_try(self, now_ms: int) -> bool:
        """Whether an attempt may begin; while it is open, one at a time after each pause."""
        if self.failures < OPENS_AT:
            return now_ms >= self.open_until_ms
        return now_ms >= self.open_until_ms and not self.probing

    def begin(self) -> None:
        """An attempt begins."""
        self.probing = self.failures >= OPENS_AT

    def abandon(self) -> None:
        """An attempt was not finished."""
        self.probing = False

    def succeed(self) -> None:
        """The endpoint took something: all is well again."""
        self.failures, self.open_until_ms, self.probing = 0, 0, False

    def fail(self, now_ms: int, asked_ms: int = 0) -> bool:
        """The endpoint failed; until `asked_ms` it wants to be left alone.

        True when it is time to tell somebody: once for each row of failures.
        """
        self.failures += 1
        self.probing = False
        over = self.failures - OPENS_AT
        cool_ms = min(COOL_MS << min(over, 10), COOL_MS_MAX) if over >= 0 else 0
        self.open_until_ms = max(now_ms + cool_ms if cool_ms else 0, asked_ms, self.open_until_ms)
        return self.failures == ALARM_AT
