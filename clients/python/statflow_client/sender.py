"""What the clients for threads and for trio have in common: points are checked, troubles told."""

import os
import random
import time
from abc import abstractmethod
from collections.abc import Iterable
from typing import Final, SupportsFloat

from statflow_client.batches import new_key
from statflow_client.line import HttpLine, Line
from statflow_client.measuring import Measuring
from statflow_client.outbox import Outbox
from statflow_client.places import place_of
from statflow_client.points import NAME_LENGTH_MAX, Kind, Point, Unusable, When, point_of
from statflow_client.troubles import Reporter, Tell, Trouble, log
from statflow_client.version import AGENT

FLUSH_S: Final = 10.0
"""How long `flush` waits unless told otherwise."""

EXIT_S: Final = 5.0
"""How long the end of a program, or of a block, may be held up."""

_chance: Final = random.SystemRandom()


class Sender(Measuring):
    """Takes points and has a line to a server; ValueError when none is named."""

    def __init__(
        self,
        url: str | None,
        key: str | None,
        queue_points_max: int,
        linger_s: float,
        on_trouble: Tell | None,
        line: Line | None,
    ) -> None:
        self._line = line or HttpLine(place_of(url, key, os.environ), AGENT)
        self._limits = queue_points_max, linger_s
        self._on_trouble = on_trouble or Reporter()

    def _new_outbox(self) -> Outbox:
        return Outbox(_new_key, _chance.random, *self._limits)

    def _take(self, kind: Kind, stat: str, value: SupportsFloat, at: When) -> bool:
        try:
            point = point_of(kind, stat, value, at, time.time())
        except Unusable as error:
            shown = str(stat)[:NAME_LENGTH_MAX]
            self._tell([Trouble("refused", 1, error.code, str(error), shown)])
            return False
        trouble = self._put(point)
        if trouble is not None:
            self._tell([trouble])
        return trouble is None

    @abstractmethod
    def _put(self, point: Point) -> Trouble | None:
        """Queue a point, if there is room."""

    def _tell(self, troubles: Iterable[Trouble]) -> None:
        """Never under a lock: who listens may count things too."""
        for trouble in troubles:
            try:
                self._on_trouble(trouble)
            except Exception:
                log.exception("on_trouble failed for: %s", trouble)


def closed() -> Trouble:
    """What becomes of a point that comes too late."""
    return Trouble("full", 1, "closed", "the client is closed")


def _new_key() -> str:
    return new_key(time.time_ns() // 1_000_000, _chance.getrandbits(74))
