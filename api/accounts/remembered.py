"""What the store said of digests: remembered for as long as it is confirmed.

Law: what is remembered counts only while the store has confirmed, within two seconds, that nothing
was revoked since. A node that cannot ask answers nobody: to it the store is down.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from typing import Final, Generic, TypeVar

import trio

from api.accounts.room import make_room
from engine.ports import StoreError, Unavailable

log = logging.getLogger("statflow.accounts")

CONFIRM_EVERY_S: Final = 0.25
"""How often the generation is read: so long what somebody else revoked may still count."""

CONFIRMED_FOR_S: Final = 2.0
"""Without confirmation for this long, nobody is known."""

KNOWN_MAX: Final = 50_000
"""Digests that are remembered; half a kilobyte each."""

UNKNOWN_FOR_S: Final = 5.0
UNKNOWN_MAX: Final = 10_000
"""What does not exist is not looked up again for a while; so many are remembered."""

WAIT_S_MAX: Final = 86_400.0
"""`until_gone` looks at the wall clock again after a day at most."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Question:
    """A look-up on its way; whoever wants the same waits for it."""

    answered: trio.Event = field(default_factory=trio.Event)
    error: StoreError | None = None


class Remembered(Generic[T]):
    """A memory of what `ask` answers; it is emptied whenever `generation` changes.

    `what` they are, in a sentence about a store that does not answer.
    """

    def __init__(
        self,
        what: str,
        ask: Callable[[bytes], Awaitable[T | None]],
        generation: Callable[[], Awaitable[int]],
    ) -> None:
        self._what = what
        self._ask_store = ask
        self._read_generation = generation
        # Replaced, not emptied, when something was revoked: a look-up that began before then puts
        # what it found into the old one, where nobody sees it.
        self._known: dict[bytes, T] = {}
        self._unknown: dict[bytes, float] = {}
        self._asking: dict[bytes, _Question] = {}
        self._generation = -1
        self._confirmed_s = -inf
        self._running = False
        self._changed = trio.Event()

    def __repr__(self) -> str:
        return f"<Remembered at {self._generation}: {len(self._known)} {self._what}>"

    def __len__(self) -> int:
        return len(self._known)

    @property
    def generation(self) -> int:
        """The generation that was last read."""
        return self._generation

    async def keep_fresh(self, write: Callable[[], Awaitable[None]]) -> None:
        """Confirm what is remembered and `write` what came of it, for ever; begins later on."""
        self._running = True
        try:
            while True:
                await trio.sleep(CONFIRM_EVERY_S)
                try:
                    await self.confirm()
                    await write()
                except StoreError as error:
                    log.debug("%s are not confirmed: %s", self._what, error)
        finally:
            self._running = False

    @property
    def confirmed(self) -> bool:
        """Whether the store has answered lately; without `keep_fresh` nobody expects it to."""
        return not self._running or self.fresh

    @property
    def fresh(self) -> bool:
        """Whether what is remembered counts without asking the store."""
        return trio.current_time() - self._confirmed_s <= CONFIRMED_FOR_S

    async def confirm(self) -> None:
        """Read the generation, and forget everything when something was revoked since."""
        began_s = trio.current_time()
        generation = await self._read_generation()
        if generation != self._generation:
            self._generation = generation
            self.forget()
        self._confirmed_s = max(self._confirmed_s, began_s)

    async def check(self) -> None:
        """Unavailable unless what is remembered counts."""
        if self.fresh:
            return
        # While the background asks, requests do not queue up behind a store that is silent.
        if self._running:
            raise Unavailable(f"{self._what} cannot be checked: the store does not answer")
        await self.confirm()

    def get(self, digest: bytes) -> T | None:
        """What is remembered of a digest."""
        return self._known.get(digest)

    async def find(self, digest: bytes) -> T | None:
        """What is known of a digest; those who ask for the same one at once share one question."""
        while (question := self._asking.get(digest)) is not None:
            await question.answered.wait()
            if question.error is not None:
                # One after another would wait for as long again.
                raise Unavailable(str(question.error)) from question.error
        if (known := self._known.get(digest)) is not None:
            return known
        if self._unknown.get(digest, -inf) > trio.current_time():
            return None
        question = self._asking[digest] = _Question()
        try:
            return await self._ask(digest)
        except StoreError as error:
            question.error = error
            raise
        finally:
            del self._asking[digest]
            question.answered.set()

    async def until_gone(self, digest: bytes, left_s: Callable[[T], float]) -> None:
        """Return once there is no such thing any more, or `left_s` says that its time is over."""
        while True:
            changed = self._changed
            try:
                known = await self.find(digest)
            except StoreError:
                await trio.sleep(CONFIRM_EVERY_S)
                continue
            wait_s = 0.0 if known is None else left_s(known)
            if wait_s <= 0:
                return
            with trio.move_on_after(min(wait_s, WAIT_S_MAX)):
                await changed.wait()

    def forget(self) -> None:
        """Forget everything that is known, and wake whoever waits for that."""
        self._known = {}
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def _ask(self, digest: bytes) -> T | None:
        remembered = self._known
        found = await self._ask_store(digest)
        if found is None:
            self._unknown.pop(digest, None)
            make_room(self._unknown, UNKNOWN_MAX)
            self._unknown[digest] = trio.current_time() + UNKNOWN_FOR_S
            return None
        make_room(remembered, KNOWN_MAX)
        remembered[digest] = found
        return found
