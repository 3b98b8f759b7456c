"""Takes what the engine leaves in the outbox, at once where somebody calls.

Law: a message is taken once in a life, in the order of its partition. What there is no room for
stays in the outbox, and is read when there is. Whatever the store must be asked is asked before a
message is taken: taken and not in its lane, it would be overtaken, and settled without being told.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import trio

from api.notify.delivery import Delivery
from api.notify.lane import Key
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


KeyOf = Callable[[Delivery], Awaitable[Key]]
"""The lane of a delivery."""

Join = Callable[[Key, Delivery], None]
"""Puts a delivery into its lane; never waits."""


class Incoming:
    """Reads the outboxes of all partitions and lets each new delivery join its lane."""

    def __init__(
        self,
        outbox: Outbox,
        recorder: Recorder,
        expand: Expand,
        key_of: KeyOf,
        join: Join,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self._expand = expand
        self._key_of = key_of
        self._join = join
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
                keys = {one.id: await self._key_of(one) for one in deliveries}
                for delivery in self._recorder.take(partition, message.place, deliveries):
                    self._join(keys[delivery.id], delivery)
                self._after[partition] = message.place
            if len(found) < READ_AT_ONCE:
                return
        # There is no room for more now.
        self._calling.add(partition)
