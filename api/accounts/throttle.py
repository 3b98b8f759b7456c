"""Slowing down those who guess: buckets of tokens, and growing delays. Pure.

Law: time is an argument, in seconds of any clock that does not jump. What is remembered lives in
memory: a guess costs no write, and whoever guesses cannot restart the server.
"""

from typing import Final

from api.accounts.room import make_room

PLACES_MAX: Final = 50_000
"""Callers that each of these remembers; beyond it goes the one that was seen longest ago."""

FREE_FAILURES: Final = 10
"""Wrong passwords of one mailbox before the next has to wait."""

DELAY_S_MAX: Final = 900.0
"""The wait doubles up to this: nobody is locked out for good."""

FORGET_S: Final = 3_600.0
"""After so long without a wrong password, all are forgotten."""


class Buckets:
    """A bucket of `size` tokens for each caller, which fills up evenly within `period_s`."""

    def __init__(self, size: int, period_s: float) -> None:
        self._every_s = period_s / size
        self._room_s = period_s
        # By caller, when its bucket will be full again.
        self._full_at_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Buckets of {self._room_s / self._every_s:g}: {len(self._full_at_s)} callers>"

    def take(self, caller: str, now_s: float) -> float:
        """Take a token; 0, or the seconds until there will be one."""
        full_at_s = max(self._full_at_s.pop(caller, now_s), now_s) + self._every_s
        wait_s = full_at_s - now_s - self._room_s
        # Sums of intervals are not exact.
        taken = wait_s <= self._every_s * 1e-6
        make_room(self._full_at_s, PLACES_MAX)
        self._full_at_s[caller] = full_at_s if taken else full_at_s - self._every_s
        return 0.0 if taken else wait_s

    def give_back(self, caller: str) -> None:
        """Put back a token that was taken for something harmless."""
        if caller in self._full_at_s:
            self._full_at_s[caller] -= self._every_s


class Delays:
    """How long a mailbox must wait between wrong passwords, once there were too many."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}

    def __repr__(self) -> str:
        return f"<Delays {len(self._failures)} mailboxes>"

    def wait_s(self, mailbox: str, now_s: float) -> float:
        """Seconds until a password may be tried; 0 when it may be now."""
        failures, last_s = self._failures.get(mailbox, (0, now_s))
        if failures < FREE_FAILURES or now_s - last_s >= FORGET_S:
            return 0.0
        # The exponent stays small: 2.0 ** 2000 is an error.
        delay_s = min(2.0 ** min(failures - FREE_FAILURES, 10), DELAY_S_MAX)
        return max(0.0, last_s + delay_s - now_s)

    def failed(self, mailbox: str, now_s: float) -> None:
        """Note a wrong password."""
        failures, last_s = self._failures.pop(mailbox, (0, now_s))
        if now_s - last_s >= FORGET_S:
            failures = 0
        make_room(self._failures, PLACES_MAX)
        self._failures[mailbox] = failures + 1, now_s

    def succeeded(self, mailbox: str) -> None:
        """Forget the wrong ones."""
        self._failures.pop(mailbox, None)
