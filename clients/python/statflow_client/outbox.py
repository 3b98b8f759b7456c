"""Points that wait, and the batch under way: every decision, no clock, no thread, no socket. Pure.

Law: points leave in the order in which they came, one batch at a time, and each is settled once:
stored, refused, or lost and told so. The queue is bounded: when it is full, new points are refused.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from statflow_client.answers import (
    Again,
    Answer,
    Expired,
    Lost,
    NoAnswer,
    Refusal,
    Smaller,
    Stored,
    Without,
    verdict_on,
)
from statflow_client.batches import BATCH_POINTS_MAX, TIMELESS, Batch, batch_of, take_batch
from statflow_client.points import Point
from statflow_client.troubles import Trouble

QUEUE_POINTS_MAX: Final = 20_000
"""Some four megabytes."""

LINGER_S: Final = 1.0
"""A point waits at most this long for others to travel with."""

AGE_S_MAX: Final = 3300.0
"""A batch is given up then: within the hour for which the server remembers its key."""

PAUSE_S: Final = 0.5
PAUSE_S_MAX: Final = 30.0
FAILURES_MAX: Final = 16
"""Failures beyond which pauses grow no more."""

RETRY_AFTER_S_MAX: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """What became of the points so far; `full` were refused because the queue was."""

    taken: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    lost: int = 0
    full: int = 0
    sent_again: int = 0

    @property
    def settled(self) -> int:
        """Points of which it is known what became of them."""
        return self.stored + self.refused + self.lost

    @property
    def waiting(self) -> int:
        """Points that are queued or under way."""
        return self.taken - self.settled


class Outbox:
    """The points of one client.

    `new_key` makes keys and `chance` numbers from 0 to 1, which spread the pauses of many clients.
    """

    def __init__(
        self,
        new_key: Callable[[], str],
        chance: Callable[[], float],
        points_max: int = QUEUE_POINTS_MAX,
        linger_s: float = LINGER_S,
    ) -> None:
        self._new_key = new_key
        self._chance = chance
        self._points_max = points_max
        self._linger_s = linger_s
        self._waiting: deque[Point] = deque()
        self._begun: deque[Batch] = deque()
        self._first_s = 0.0
        self._taken = 0
        self._full = 0
        self._past = Statistics()
        self._failures = 0
        self._again_s = 0.0
        self._not_before_s = 0.0
        self._hurried_until = 0

    @property
    def statistics(self) -> Statistics:
        """The figures of this moment."""
        return replace(self._past, taken=self._taken, full=self._full)

    @property
    def settled(self) -> int:
        """How many points are no more to be thought of."""
        return self._past.settled

    @property
    def wakes(self) -> bool:
        """Whether the last point is one to wake the sender for."""
        return len(self._waiting) in {1, BATCH_POINTS_MAX}

    def put(self, point: Point, now_s: float) -> Trouble | None:
        """Queue a point, unless there is no room."""
        if self._taken - self._past.settled >= self._points_max:
            self._full += 1
            return Trouble("full", 1, "queue_full", f"{self._points_max} points wait")
        if not self._waiting:
            self._first_s = now_s
        self._waiting.append(point)
        self._taken += 1
        return None

    def hurry(self, now_s: float) -> int:
        """Send what is here without lingering; returns how many must be settled for it.

        What failed is tried once more at once, unless the server said when to come back.
        """
        self._hurried_until = self._taken
        self._failures, self._again_s = 0, min(self._again_s, now_s)
        return self._hurried_until

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until there is something to send; None when nothing waits."""
        if not self._begun and not self._waiting:
            return None
        hurried = self._past.settled < self._hurried_until
        ready_s = now_s
        if not self._begun and not hurried and len(self._waiting) < BATCH_POINTS_MAX:
            ready_s = self._first_s + self._linger_s
        return max(0.0, max(ready_s, self._again_s, self._not_before_s) - now_s)

    def begin(self, now_s: float) -> Batch:
        """The batch to send now; it is settled before the next one."""
        if not self._begun:
            self._begun.append(take_batch(self._waiting, self._new_key(), now_s))
            self._first_s = now_s
        self._begun[0] = replace(self._begun[0], tries=self._begun[0].tries + 1)
        return self._begun[0]

    def settle(self, answer: Answer | NoAnswer, now_s: float) -> list[Trouble]:
        """Take in the answer to the batch that was begun; what is to be told."""
        if not self._begun:
            return []  # It was given up meanwhile.
        batch = self._begun.popleft()
        verdict = verdict_on(answer, len(batch.points))
        if isinstance(verdict, Again):
            return self._put_off(batch, verdict, now_s)
        self._failures = 0
        match verdict:
            case Stored(duplicates, refused):
                stored = len(batch.points) - len(refused)
                self._count(stored=stored, duplicates=duplicates)
                return self._refuse(batch, refused)
            case Without(refused):
                named = {one.index for one in refused}
                rest = [point for n, point in enumerate(batch.points) if n not in named]
                self._begin_anew(batch, rest)
                return self._refuse(batch, refused)
            case Smaller(code, message) if len(batch.points) == 1:
                return self._refuse(batch, [Refusal(0, code, message)])
            case Smaller():
                middle = len(batch.points) // 2
                self._begin_anew(batch, batch.points[:middle], batch.points[middle:])
                return []
            case Expired() if batch.tries == 1 and not batch.key.startswith(TIMELESS):
                # It came for the first time, so it is the clock of this machine that is late.
                self._begun.appendleft(replace(batch, key=TIMELESS + batch.key, tries=0))
                return []
            case Expired(message):
                return self._lose(batch, "idempotency_key_expired", message)
            case Lost(code, message):
                return self._lose(batch, code, message)

    def give_up(self, code: str, message: str) -> list[Trouble]:
        """Lose all that is left."""
        left = self._taken - self._past.settled
        self._begun.clear()
        self._waiting.clear()
        self._count(lost=left)
        return [Trouble("lost", left, code, message)] if left else []

    def _put_off(self, batch: Batch, verdict: Again, now_s: float) -> list[Trouble]:
        self._count(sent_again=1)
        pause_s = min(PAUSE_S_MAX, PAUSE_S * 2.0**self._failures)
        self._failures = min(self._failures + 1, FAILURES_MAX)
        # Half of it stays, so that a server that struggles gets air from everybody.
        self._again_s = now_s + pause_s * (0.5 + self._chance() / 2)
        if verdict.after_s is not None:
            self._not_before_s = now_s + min(verdict.after_s, RETRY_AFTER_S_MAX)
        if now_s - batch.made_s <= AGE_S_MAX:
            self._begun.appendleft(batch)
            return []
        return self._lose(
            batch, verdict.code, f"given up after {batch.tries} tries: {verdict.message}"
        )

    def _begin_anew(self, batch: Batch, *parts: Sequence[Point]) -> None:
        """Nothing of it was stored, so its points may travel under other keys."""
        for part in reversed(parts):
            if part:
                self._begun.appendleft(batch_of(part, self._new_key(), batch.made_s))

    def _refuse(self, batch: Batch, refused: Sequence[Refusal]) -> list[Trouble]:
        self._count(refused=len(refused))
        return [
            Trouble("refused", 1, one.code, one.message, batch.points[one.index].stat)
            for one in refused
        ]

    def _lose(self, batch: Batch, code: str, message: str) -> list[Trouble]:
        self._count(lost=len(batch.points))
        return [Trouble("lost", len(batch.points), code, message)]

    def _count(self, **more: int) -> None:
        past = self._past
        self._past = replace(past, **{name: getattr(past, name) + n for name, n in more.items()})
