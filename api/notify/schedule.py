"""When a delivery is tried again, and when it is given up. Pure.

Law: what the receiver asks for is obeyed; 410 is its last word; whatever else goes wrong is tried
again for a day.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final
from zlib import crc32

from api.notify.outgoing import Answered, Failed

RETRY_S: Final = (1, 5, 30, 120, 600, 1_800)
HOURLY_S: Final = 3_600
GIVE_UP_S: Final = 86_400
"""A delivery is given up this long after its first attempt."""

JITTER: Final = 0.2
"""A wait varies by this share, so that what failed together does not come back together."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at `at_ms`; `busy` when the receiver itself asked for patience."""

    at_ms: int
    busy: bool = False


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It will not be tried again; `gone` when the receiver wants nothing more, ever."""

    reason: str
    gone: bool = False


Verdict = Delivered | Again | GivenUp


def verdict(
    outcome: Answered | Failed, message_id: str, attempt: int, first_ms: int, now_ms: int
) -> Verdict:
    """What becomes of a delivery after its attempt number `attempt`, counted from 1."""
    if isinstance(outcome, Answered):
        if 200 <= outcome.status < 300:
            return Delivered()
        if outcome.status == 410:
            return GivenUp("the receiver answered 410: it wants no more", gone=True)
    elif outcome.final:
        return GivenUp(outcome.text)
    asked_s = retry_after_s(outcome, now_ms)
    wait_s = wait_after_s(attempt, message_id) if asked_s is None else max(1.0, asked_s)
    at_ms = now_ms + int(wait_s * 1000)
    if at_ms - first_ms > GIVE_UP_S * 1000:
        return GivenUp(f"not delivered within {GIVE_UP_S // 3600} h; last: {said(outcome)}")
    return Again(at_ms, busy=asked_s is not None)


def wait_after_s(attempt: int, message_id: str) -> float:
    """The wait after an attempt; the same message always waits alike."""
    base_s = RETRY_S[attempt - 1] if attempt <= len(RETRY_S) else HOURLY_S
    share = crc32(f"{message_id}:{attempt}".encode()) / 2**32
    return base_s * (1 + JITTER * (2 * share - 1))


def retry_after_s(outcome: Answered | Failed, now_ms: int) -> float | None:
    """The patience that the receiver asked for, in seconds; a day at most."""
    if isinstance(outcome, Failed) or outcome.retry_after is None or outcome.status < 300:
        return None
    text = outcome.retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), GIVE_UP_S))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(0.0, at.timestamp() - now_ms / 1000), GIVE_UP_S)


def said(outcome: Answered | Failed) -> str:
    """An outcome in a few words."""
    return outcome.text if isinstance(outcome, Failed) else f"status {outcome.status}"
