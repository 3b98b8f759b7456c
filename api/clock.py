"""The wall clock: the one place where the time of day is read."""

import time


class WallClock:
    """Time of day, as the engine's `Clock`."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000
