"""What viewers of shared boards were told last, how much they may ask, and what they look at."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from weakref import WeakValueDictionary

import trio

from api.accounts.throttle import Buckets

ASKS: Final = 600
"""Requests of one address for shared boards within ASKS_S; a proxy asks for many people."""

ASKS_S: Final = 60.0

LINK_STREAMS_MAX: Final = 500
"""Live streams of one link."""

SITE_STREAMS_MAX: Final = 50
"""Live streams of shared boards to one address."""

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Viewing(Generic[T]):
    """In memory; ends with the process. `told` is by share and version, with its moment in ms."""

    told: dict[tuple[str, int], tuple[int, T]] = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    noted_ms: dict[str, int] = field(default_factory=dict)
    asks: Buckets = field(default_factory=lambda: Buckets(ASKS, ASKS_S))
    streams: Counter[str] = field(default_factory=Counter)
    _asking: WeakValueDictionary[str, trio.Lock] = field(default_factory=WeakValueDictionary)

    def asking(self, share: str) -> trio.Lock:
        """Whoever holds it asks for all viewers of a share; the others are told the same."""
        return self._asking.setdefault(share, trio.Lock())

    def full(self, share: str, site: str) -> bool:
        """Whether a link, or an address, has as many streams as it may."""
        return self.streams[share] >= LINK_STREAMS_MAX or self.streams[site] >= SITE_STREAMS_MAX

    @contextmanager
    def entered(self, share: str, site: str) -> Generator[None]:
        """A stream while it is open."""
        self.streams.update((share, site))
        try:
            yield
        finally:
            self.streams.subtract((share, site))
            for name in (share, site):
                if not self.streams[name]:
                    del self.streams[name]
