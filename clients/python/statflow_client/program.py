"""The one client of a program that configures nothing but its environment.

Law: it is made by the first point. Where the environment names no server or no key, the log says
so, once, and every point is let go.
"""

from typing import Final, SupportsFloat

from statflow_client.client import Client
from statflow_client.measuring import Measuring
from statflow_client.outbox import Statistics
from statflow_client.points import Kind, When
from statflow_client.sender import FLUSH_S
from statflow_client.troubles import log


class Program(Measuring):
    """Takes points for the client that the environment describes."""

    def __init__(self) -> None:
        self._made: dict[str, Client | None] = {}

    def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Wait until what was queued before is settled; False when the time ends first."""
        client = self._made.get("client")
        return client is None or client.flush(timeout_s)

    def statistics(self) -> Statistics:
        """What became of the points so far."""
        client = self._made.get("client")
        return Statistics() if client is None else client.statistics()

    def _take(self, kind: Kind, stat: str, value: SupportsFloat, at: When) -> bool:
        if "client" not in self._made:
            # One step, so that two threads have the same one; a lock might be held by a fork.
            self._made.setdefault("client", _opened())
        client = self._made["client"]
        return client is not None and client._take(kind, stat, value, at)


def _opened() -> Client | None:
    try:
        return Client()
    except ValueError as error:
        log.warning("no points are sent: %s", error)
        return None


_PROGRAM: Final = Program()

counter = _PROGRAM.counter
value = _PROGRAM.value
timer = _PROGRAM.timer
timed = _PROGRAM.timed
flush = _PROGRAM.flush
statistics = _PROGRAM.statistics
