"""How much is under way to whom: one slow receiver must not take the places of the others. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from api.notify.breaker import Breaker
from api.notify.lane import Lane

ALL_AT_ONCE: Final = 64
"""Attempts under way."""

ENDPOINT_AT_ONCE: Final = 8
"""Attempts under way to one channel."""


@dataclass(eq=False, slots=True)
class Endpoint:
    """One channel as seen from here; lanes that wait for a place stand in its queue."""

    breaker: Breaker = field(default_factory=Breaker)
    running: int = 0
    queue: deque[Lane] = field(default_factory=deque)


class Endpoints:
    """The endpoints of all accounts, and who waits for a place at one."""

    def __init__(self) -> None:
        self.running = 0
        self._known: dict[tuple[int, str], Endpoint] = {}
        self._crowded: dict[tuple[int, str], Endpoint] = {}

    def __repr__(self) -> str:
        return f"<Endpoints: {self.running} under way, {len(self._crowded)} crowded>"

    def of(self, lane: Lane) -> Endpoint:
        """Where the messages of a lane go."""
        return self._known.setdefault(lane.key[:2], Endpoint())

    def begin(self, lane: Lane) -> bool:
        """Take a place for an attempt; False when there is none: then the lane is in the queue."""
        endpoint = self.of(lane)
        if endpoint.running >= ENDPOINT_AT_ONCE or self.running >= ALL_AT_ONCE:
            lane.queued = True
            endpoint.queue.append(lane)
            self._crowded[lane.key[:2]] = endpoint
            return False
        lane.busy = True
        endpoint.running += 1
        self.running += 1
        endpoint.breaker.begin()
        return True

    def end(self, lane: Lane) -> None:
        """An attempt is over: its place is free."""
        lane.busy = False
        self.of(lane).running -= 1
        self.running -= 1

    def next_in_queue(self) -> Iterator[Lane]:
        """Whoever waited for a place and may have one now; each takes it before the next."""
        for key, endpoint in tuple(self._crowded.items()):
            while endpoint.queue and endpoint.running < ENDPOINT_AT_ONCE:
                if self.running >= ALL_AT_ONCE:
                    return
                lane = endpoint.queue.popleft()
                lane.queued = False
                yield lane
            if not endpoint.queue:
                del self._crowded[key]
            else:
                # Others first next time.
                self._crowded[key] = self._crowded.pop(key)
