"""Takes what the engine leaves in the outbox, at once where somebody calls.

Law: a message is read once in a life, in the order of its partition. What there is no room for
stays in the outbox, and is read when there is.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import trio

from api.notify.delivery import Delivery
from api.notify.recorder import Recorder
from engine.ports import Message as Outgoing
from engine.ports import StoreError
from engine.position import START, Position

log = logging.getLogger("statflow.notify")

READ_AT_ONCE: Final = 200
"""Messages of the outbox in one step."""

WAITING_MAX: Final = 20_000
"""Deliveries in memory, some 4 KiB each; what is beyond stays in the outbox meanwhile."""

LOOK_EVERY_S: Final = 1.0
"""The outbox is looked at so often also when nobody calls."""


class Outbox(Protocol):
    """Where messages wait; the engine's store has it."""

    @property
    def partitions(self) -> int: ...

    async def outbox(self, partition: int, after: Position, limit: int) -> list[Outgoing]:
        """Messages after a place, the oldest first."""

    async def settle(self, partition: int, places: Sequence[Position]) -> None:
        """Forget messages."""


Expand = Callable[[Outgoing], Awaitable[list[Delivery]]]
"""The deliveries of a message of the outbox."""


class Incoming:
    """Reads the outboxes of all partitions and hands each new delivery to `add`."""

    def __init__(
        self,
        outbox: Outbox,
        recorder: Recorder,
        expand: Expand,
        add: Callable[[Delivery], Awaitable[None]],
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self._expand = expand
        self._add = add
        self._look_every_s = look_every_s
        self._after = dict.fromkeys(range(outbox.partitions), START)
        self._calling: set[int] = set()
        self._called = trio.Event()

    def __repr__(self) -> str:
        return f"<Incoming of {len(self._after)} partitions, {len(self._calling)} call>"

    def call(self, partition: int) -> None:
        """Something has come into the outbox of a partition; never waits."""
        self._calling.add(partition)
        self._called.set()

    async def run(self) -> None:
        """Take what comes, for ever."""
        partitions = set(self._after)
        while True:
            self._called, self._calling = trio.Event(), set()
            for partition in partitions:
                try:
                    await self._read(partition)
                except StoreError as error:
                    log.info("the outbox is read later: %s", error)
                    self._calling.add(partition)
            with trio.move_on_after(self._look_every_s) as waiting:
                await self._called.wait()
            partitions = set(self._after) if waiting.cancelled_caught else self._calling

    async def _read(self, partition: int) -> None:
        while self._recorder.waiting < WAITING_MAX:
            found = await self._outbox.outbox(partition, self._after[partition], READ_AT_ONCE)
            for message in found:
                deliveries = await self._expand(message)
                for delivery in self._recorder.take(partition, message.place, deliveries):
                    await self._add(delivery)
                self._after[partition] = message.place
            if len(found) < READ_AT_ONCE:
                return
        # There is no room for more now.
        self._calling.add(partition)
