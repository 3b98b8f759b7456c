"""Rates: how many requests or points a second, with bursts. Pure.

The generic cell rate algorithm (ITU-T I.371; also in Brandur Leach, "Rate limiting, cells, and
GCRA"): of each caller only one number is kept, the time at which all that was taken would have been
due if it had come evenly.
"""

from dataclasses import dataclass, field
from typing import Final

BURST_S: Final = 10.0
"""Whoever was silent may send as much at once as is allowed in this time."""

CALLERS_MAX: Final = 100_000
"""Callers remembered by one rate; the oldest are forgotten, and begin anew."""


@dataclass(slots=True)
class Rates:
    """What callers took lately; times are seconds of any steady clock."""

    _due_s: dict[object, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Rates of {len(self._due_s)} callers>"

    def wait_s(self, caller: object, amount: int, per_s: float, now_s: float) -> float:
        """Take an amount, or say in how many seconds it could be taken; 0 when it was.

        More than a whole burst is never possible: it is taken from a full burst, and paid back.
        """
        due_s = max(self._due_s.get(caller, now_s), now_s)
        cost_s = amount / per_s
        ahead_s = due_s + min(cost_s, BURST_S) - now_s - BURST_S
        # Rounding must not ask to wait for nothing.
        if ahead_s > 1e-9:
            return ahead_s
        self._keep(caller, due_s + cost_s, now_s)
        return 0.0

    def _keep(self, caller: object, due_s: float, now_s: float) -> None:
        # Put last, so that the first ones are those who have been silent longest.
        self._due_s.pop(caller, None)
        self._due_s[caller] = due_s
        while len(self._due_s) > CALLERS_MAX or next(iter(self._due_s.values())) < now_s - BURST_S:
            del self._due_s[next(iter(self._due_s))]
