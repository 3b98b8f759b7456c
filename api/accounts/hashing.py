"""Argon2id beside the event loop: one hash at a time, and a short queue.

Law: a flood of log-ins waits here or is refused here, and never slows down the points.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.accounts.aside import Aside, Runner
from api.accounts.faults import AccountFault

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
"""What OWASP asks for; 20 ms of one core."""

QUEUE_MAX: Final = 20
"""Hashes that wait for their turn; 0.4 s of waiting."""

QUEUE_RESERVE: Final = 10
"""So many more may wait for people whose browser is known."""

RETRY_S: Final = 1.0

T = TypeVar("T")


class Hasher:
    """Makes and checks the hashes that are kept of passwords.

    `argon` is another cost, `run` another way to run a function than in a thread.
    """

    def __init__(self, argon: PasswordHasher | None = None, run: Runner | None = None) -> None:
        self._argon = argon or PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._run = run or Aside()
        self._waiting = 0
        # For addresses that nobody has: whoever asks must not hear from the time it takes.
        self._nobody = self._argon.hash("nobody has this one")

    def __repr__(self) -> str:
        return f"<Hasher {self._waiting} in work>"

    @property
    def full(self) -> bool:
        """Whether only people whose browser is known may still wait."""
        return self._waiting > QUEUE_MAX

    def check_room(self) -> None:
        """AccountFault when it is full."""
        if self.full:
            raise _too_many()

    async def hash(self, password: str, *, known: bool = False) -> str:
        """What is kept of a password; AccountFault when too many are in work."""
        if not known:
            self.check_room()
        return await self._turn(lambda: self._argon.hash(password))

    async def fits(self, kept: str | None, password: str, *, known: bool = False) -> bool:
        """Whether it is the password; as long when None is kept, which no password fits."""
        if not known:
            self.check_room()
        return await self._turn(lambda: self._verify(kept or self._nobody, password)) and bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Whether it should be hashed anew, at today's cost."""
        return self._argon.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._argon.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _turn(self, work: Callable[[], T]) -> T:
        if self._waiting > QUEUE_MAX + QUEUE_RESERVE:
            raise _too_many()
        self._waiting += 1
        try:
            found: T = await self._run(work)  # type: ignore[assignment]
        finally:
            self._waiting -= 1
        return found


def _too_many() -> AccountFault:
    return AccountFault("overloaded", "too many people log in", retry_after_s=RETRY_S)


async def at_once(work: Callable[[], object]) -> object:
    """Run here and now, for a clock that must not move meanwhile."""
    await trio.lowlevel.checkpoint()
    return work()
