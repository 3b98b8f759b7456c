"""A clock for simulations and tests: wall time that follows trio's clock."""

from dataclasses import dataclass

import trio


@dataclass(slots=True)
class TrioClock:
    """Wall time = `begun_ms` (epoch milliseconds) plus trio's time; a mock clock moves it."""

    begun_ms: int

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self.begun_ms + int(trio.current_time() * 1000)
