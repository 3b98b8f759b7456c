"""The client for threads: points are queued by whoever calls, and sent by one thread of its own.

Law: that thread is started by the first point and ends with the process; at the end it gets a few
seconds to send what is left. A child that was forked begins empty, with a thread of its own: what
its parent queued, its parent sends.
"""

import atexit
import os
import sys
import threading
import time
from types import TracebackType
from typing import Final, Self
from weakref import WeakSet

from statflow_client.batches import Batch
from statflow_client.line import Line
from statflow_client.outbox import LINGER_S, QUEUE_POINTS_MAX, Statistics
from statflow_client.points import Point
from statflow_client.sender import EXIT_S, FLUSH_S, Sender, closed
from statflow_client.troubles import Tell, Trouble, log


class Client(Sender):
    """Sends points to one server; without arguments, to where the environment says.

    ValueError when that names no server or no key.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        queue_points_max: int = QUEUE_POINTS_MAX,
        linger_s: float = LINGER_S,
        on_trouble: Tell | None = None,
        line: Line | None = None,
    ) -> None:
        super().__init__(url, key, queue_points_max, linger_s, on_trouble, line)
        self._begin()
        _clients.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._line!r} {self.statistics()}>"

    def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Wait until what was queued before is settled; False when the time ends first."""
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            until = self._outbox.hurry(time.monotonic())
            self._changed.notify_all()
            threaded = self._outbox.settled >= until or self._has_thread()
            if threaded:
                self._changed.wait_for(lambda: self._outbox.settled >= until, timeout_s)
        if not threaded:
            self._deliver(deadline_s)
        return self._outbox.settled >= until

    def close(self, timeout_s: float = EXIT_S) -> None:
        """Flush, give up the rest, and take no more points."""
        self.flush(timeout_s)
        with self._changed:
            self._closed = True
            troubles = self._outbox.give_up("closed", "there was no time left to send them")
            self._changed.notify_all()
        self._tell(troubles)

    def statistics(self) -> Statistics:
        """What became of the points so far."""
        with self._changed:
            return self._outbox.statistics

    def _put(self, point: Point) -> Trouble | None:
        with self._changed:
            if self._closed:
                return closed()
            trouble = self._outbox.put(point, time.monotonic())
            self._has_thread()
            if self._outbox.wakes:
                self._changed.notify_all()
            return trouble

    def _begin(self) -> None:
        """All that a process has of its own."""
        # A lock that its holder may take again: points also come from handlers of signals.
        self._changed = threading.Condition()
        self._outbox = self._new_outbox()
        self._thread: threading.Thread | None = None
        self._closed = False

    def _forked(self) -> None:
        self._line.close()
        self._begin()

    def _has_thread(self) -> bool:
        """Start the thread if there is none; False when the interpreter starts no more."""
        if self._thread is not None and self._thread.is_alive():
            return True
        thread = threading.Thread(target=self._work, name="statflow", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        # Processes of multiprocessing end without what atexit knows.
        if (processes := sys.modules.get("multiprocessing.util")) is not None:
            processes.Finalize(None, self.flush, args=(EXIT_S,), exitpriority=0)
        return True

    def _work(self) -> None:
        try:
            self._deliver()
        except Exception:  # The next point starts another thread.
            log.exception("BUG: the thread that sends points has ended")

    def _deliver(self, deadline_s: float | None = None) -> None:
        """Send until the client is closed, or until nothing can be sent before the deadline."""
        while (batch := self._next(deadline_s)) is not None:
            answer = self._line.post(batch.key, batch.body)
            with self._changed:
                troubles = self._outbox.settle(answer, time.monotonic())
                self._changed.notify_all()
            self._tell(troubles)
        self._line.close()

    def _next(self, deadline_s: float | None) -> Batch | None:
        with self._changed:
            while not self._closed:
                now_s = time.monotonic()
                wait_s = self._outbox.wait_s(now_s)
                if wait_s == 0:
                    return self._outbox.begin(now_s)
                if deadline_s is not None and (wait_s is None or now_s + wait_s > deadline_s):
                    return None
                self._changed.wait(wait_s)
        return None


_clients: Final = WeakSet[Client]()


def _at_exit() -> None:
    for client in list(_clients):
        client.close()


def _in_child() -> None:
    for client in list(_clients):
        client._forked()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
