"""How long and how often to measure. `BENCH_QUICK=1` shows that a question works, no more."""

import os
from typing import Final

QUICK: Final = os.environ.get("BENCH_QUICK", "") not in {"", "0"}

RUNS: Final = 2 if QUICK else 5
"""Each figure of a comparison is the median of so many runs."""

RUN_S: Final = 2.0 if QUICK else 5.0
WARM_S: Final = 1.0 if QUICK else 2.0
"""Before each run, not measured: names are registered, caches fill."""


def whole_or_quick(whole: int, quick: int) -> int:
    """A length or a size that is not the same in both."""
    return quick if QUICK else whole
