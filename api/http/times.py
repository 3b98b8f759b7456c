"""When a point happened, as its sender writes it: epoch seconds to nanoseconds, or ISO 8601.

Pure. Whole numbers are told apart by size, so that nobody has to say the unit; a text must carry
its zone, because ours means nothing to the sender.
"""

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import numpy as np
from msgspec import UNSET, UnsetType

from engine.points import AHEAD_LIMIT_MS
from engine.rollup import Ints

Time = int | float | str | UnsetType

OLDEST_MS: Final = 946_684_800_000
"""No point is older than the year 2000, in epoch milliseconds."""

# From these sizes on a number means seconds, milliseconds, microseconds, nanoseconds.
SECONDS_FROM: Final = 10**8
MILLIS_FROM: Final = 10**11
MICROS_FROM: Final = 10**14
NANOS_FROM: Final = 10**17
NANOS_UNTIL: Final = 9 * 10**18

ISO_LIMIT: Final = 64
"""A time is written in at most this many characters."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def times_ms(
    given: Sequence[Time] | Ints, now_ms: int, oldest_ms: int = OLDEST_MS
) -> tuple[Ints, list[tuple[int, str]]]:
    """Times in epoch milliseconds, and (row, problem code) of those that cannot be.

    A missing time is `now_ms`. The times of rows with a problem mean nothing.
    """
    whole: Ints | None
    if isinstance(given, np.ndarray):
        whole = given
    elif not given or (given[0] is UNSET and given.count(UNSET) == len(given)):
        return np.full(len(given), now_ms, np.int64), []
    else:
        whole = whole_numbers(given)
    if whole is not None and _usable_ms(whole, now_ms, oldest_ms):
        return whole, []  # As most programs have it.
    at_ms = None if whole is None else _whole_ms(whole)
    refused = []
    if at_ms is None:
        each = given if whole is None else whole.tolist()
        times = [now_ms if time is UNSET else time_ms(time) for time in each]
        refused = [(row, "timestamp_invalid") for row, time in enumerate(times) if time is None]
        at_ms = np.asarray([now_ms if time is None else time for time in times], np.int64)
    if time_fault(int(at_ms.min()), now_ms, oldest_ms) or time_fault(int(at_ms.max()), now_ms):
        faults = [time_fault(time, now_ms, oldest_ms) for time in at_ms.tolist()]
        refused += [(row, code) for row, code in enumerate(faults) if code is not None]
    return at_ms, refused


def whole_numbers(given: Sequence[Time]) -> Ints | None:
    """The column as numbers when each of them is a whole one of 64 bits."""
    if not given or type(given[0]) is not int:
        return None
    if given[-1] == given[0] and given.count(given[0]) == len(given):
        # Programs that flush what they have counted say one time of all.
        return np.full(len(given), given[0]) if abs(given[0]) < 2**63 else None
    try:
        # Of the ways that take no fraction for a whole number this is the fastest.
        return np.frombuffer(array("q", cast("Sequence[int]", given)), np.int64)
    except (TypeError, OverflowError):
        return None


def time_fault(at_ms: int, now_ms: int, oldest_ms: int = OLDEST_MS) -> str | None:
    """The problem code of a time that no point may have."""
    if max(OLDEST_MS, oldest_ms) <= at_ms <= now_ms + AHEAD_LIMIT_MS:
        return None
    return "timestamp_too_old" if at_ms < now_ms else "timestamp_in_future"


def time_ms(given: object) -> int | None:
    """One time in epoch milliseconds, or None when it is not understood."""
    if isinstance(given, str):
        return _iso_ms(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if not SECONDS_FROM <= given < NANOS_UNTIL:
        return None
    if given < MILLIS_FROM:
        return int(given * 1000)
    if given < MICROS_FROM:
        return int(given)
    return int(given) // (1000 if given < NANOS_FROM else 1_000_000)


def _usable_ms(time: Ints, now_ms: int, oldest_ms: int) -> bool:
    """Whether all are milliseconds already, and of a time that points may have."""
    latest_ms = min(now_ms + AHEAD_LIMIT_MS, MICROS_FROM - 1)
    return max(OLDEST_MS, oldest_ms) <= int(time.min()) and int(time.max()) <= latest_ms


def _whole_ms(time: Ints) -> Ints | None:
    """Whole numbers in milliseconds, told apart by size; None when one is no time."""
    if int(time.min()) < SECONDS_FROM or int(time.max()) >= NANOS_UNTIL:
        return None
    return np.select(
        [time < MILLIS_FROM, time < MICROS_FROM, time < NANOS_FROM],
        [time * 1000, time, time // 1000],
        time // 1_000_000,
    )


def _iso_ms(text: str) -> int | None:
    try:
        time = datetime.fromisoformat(text) if len(text) <= ISO_LIMIT else None
    except ValueError:
        return None
    if time is None or time.tzinfo is None:
        return None
    return (time - EPOCH) // MILLISECOND
