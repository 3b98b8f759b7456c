"""The client for trio: one task of the block sends, in a thread that it waits for.

    async with open_client() as client:
        client.counter("jobs.done")

Law: leaving the block waits for what is queued, a few seconds at most, cancelled or not. Points are
taken in the thread that trio runs in.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf

import trio

from statflow_client.line import Line
from statflow_client.outbox import LINGER_S, QUEUE_POINTS_MAX, Statistics
from statflow_client.points import Point
from statflow_client.sender import EXIT_S, FLUSH_S, Sender, closed
from statflow_client.troubles import Tell, Trouble


class TrioClient(Sender):
    """Sends points to one server; made by `open_client`."""

    def __init__(
        self,
        url: str | None,
        key: str | None,
        queue_points_max: int,
        linger_s: float,
        on_trouble: Tell | None,
        line: Line | None,
    ) -> None:
        super().__init__(url, key, queue_points_max, linger_s, on_trouble, line)
        self._outbox = self._new_outbox()
        self._closed = False
        self._changed = trio.Event()
        self._settled = trio.Event()
        self._limiter = trio.CapacityLimiter(1)
        # Who cancels the block still waits for what is queued.
        self._scope = trio.CancelScope(shield=True)

    def __repr__(self) -> str:
        return f"<TrioClient {self._line!r} {self.statistics()}>"

    async def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Wait until what was queued before is settled; False when the time ends first."""
        until = self._outbox.hurry(trio.current_time())
        self._changed.set()
        with trio.move_on_after(timeout_s):
            while self._outbox.settled < until:
                await self._settled.wait()
        return self._outbox.settled >= until

    def statistics(self) -> Statistics:
        """What became of the points so far."""
        return self._outbox.statistics

    def _put(self, point: Point) -> Trouble | None:
        if self._closed:
            return closed()
        trouble = self._outbox.put(point, trio.current_time())
        if self._outbox.wakes:
            self._changed.set()
        return trouble

    async def _work(self) -> None:
        with self._scope:
            await self._deliver()
        self._line.close()

    async def _deliver(self) -> None:
        while True:
            wait_s = self._outbox.wait_s(trio.current_time())
            if wait_s != 0:
                self._changed = trio.Event()
                with trio.move_on_after(inf if wait_s is None else wait_s):
                    await self._changed.wait()
                continue
            batch = self._outbox.begin(trio.current_time())
            answer = await trio.to_thread.run_sync(
                self._line.post, batch.key, batch.body,
                limiter=self._limiter, abandon_on_cancel=True,
            )  # fmt: skip
            self._tell(self._outbox.settle(answer, trio.current_time()))
            self._settled.set()
            self._settled = trio.Event()

    def _close(self) -> None:
        self._closed = True
        self._scope.cancel()
        self._tell(self._outbox.give_up("closed", "there was no time left to send them"))


@asynccontextmanager
async def open_client(
    url: str | None = None,
    key: str | None = None,
    *,
    queue_points_max: int = QUEUE_POINTS_MAX,
    linger_s: float = LINGER_S,
    on_trouble: Tell | None = None,
    line: Line | None = None,
) -> AsyncGenerator[TrioClient]:
    """A client for the block; without arguments it sends to where the environment says.

    ValueError when that names no server or no key.
    """
    client = TrioClient(url, key, queue_points_max, linger_s, on_trouble, line)
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client._work)
        try:
            yield client
        except Exception as error:
            failure = error  # It is the caller's own, not one of a group.
        finally:
            with trio.CancelScope(shield=True):
                await client.flush(EXIT_S)
            client._close()
    if failure is not None:
        raise failure
