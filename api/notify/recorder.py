"""Writes down what becomes of deliveries, beside the sending, and empties the outbox behind it.

Law: a place in the outbox is settled once each of its deliveries has ended in the journal or waits
as a document. When the store does not answer, everything is done again until it does.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, Protocol

import trio

from api.notify.delivery import Delivery
from api.notify.records import Records
from engine.ports import Clock, StoreError
from engine.position import Position
from storage.documents import TooManyDocuments

log = logging.getLogger("statflow.notify")

GATHER_S: Final = 0.02
"""What ends within this time is settled in one step."""

KEEP_AFTER_MS: Final = 1_000
"""What has waited for so long becomes a document."""

LOOK_EVERY_S: Final = 1.0
STORE_RETRY_S: Final = 1.0

Place = tuple[int, Position]


class Settles(Protocol):
    """Where messages wait until they are settled."""

    async def settle(self, partition: int, places: Sequence[Position]) -> None:
        """Forget messages."""


class Outboxes:
    """What of the outbox is still needed: by place, how many deliveries have not been recorded."""

    def __init__(self) -> None:
        self._open: dict[Place, int] = {}
        self._of: dict[str, Place] = {}
        self.settled: dict[int, list[Position]] = {}

    def enter(self, place: Place, ids: Sequence[str]) -> None:
        """A message, and the deliveries that it stands for."""
        if not ids:
            self._settle(place)
            return
        self._open[place] = len(ids)
        self._of.update(dict.fromkeys(ids, place))

    def leave(self, delivery_id: str) -> None:
        """A delivery is recorded elsewhere."""
        place = self._of.pop(delivery_id, None)
        if place is None:
            return
        self._open[place] -= 1
        if not self._open[place]:
            del self._open[place]
            self._settle(place)

    def _settle(self, place: Place) -> None:
        self.settled.setdefault(place[0], []).append(place[1])


class Recorder:
    """The bookkeeping of one dispatcher; `run` does the writing."""

    def __init__(self, outbox: Settles, records: Records, clock: Clock) -> None:
        self._outbox = outbox
        self._records = records
        self._clock = clock
        self._outboxes = Outboxes()
        self._waiting: dict[str, Delivery] = {}
        self._kept: set[str] = set()
        self._unwritten: dict[str, Delivery] = {}
        self._finished: deque[Delivery] = deque()
        self._news = trio.Event()

    def __repr__(self) -> str:
        return f"<Recorder {self.waiting} waiting, {len(self._finished)} to be noted>"

    @property
    def waiting(self) -> int:
        """Deliveries that have not ended."""
        return len(self._waiting)

    async def load(self, accounts: Iterable[int]) -> list[Delivery]:
        """What waited when the process before this one ended, in order."""
        found: list[Delivery] = []
        for account in accounts:
            found += await self._records.pending(account)
        for delivery in found:
            self._waiting[delivery.id] = delivery
            self._kept.add(delivery.id)
        return found

    def take(
        self, partition: int, place: Position, deliveries: Sequence[Delivery]
    ) -> list[Delivery]:
        """A message of the outbox; returns those of its deliveries that are not known yet."""
        new = [one for one in deliveries if one.id not in self._waiting]
        self._outboxes.enter((partition, place), [one.id for one in new])
        self._note_waiting(new)
        if not new:
            self._news.set()
        return new

    def adopt(self, delivery: Delivery) -> bool:
        """A delivery that is a document already; False when it is under way."""
        if delivery.id in self._waiting:
            return False
        self._waiting[delivery.id] = delivery
        self._kept.add(delivery.id)
        return True

    async def revive(self, letter: Delivery) -> None:
        """A dead letter waits again; Conflict when somebody else has revived it."""
        await self._records.revive(letter)
        self.adopt(letter)

    def changed(self, batch: Sequence[Delivery]) -> None:
        """They wait for another attempt."""
        self._note_waiting(batch)

    def finished(self, batch: Sequence[Delivery]) -> None:
        """They have ended."""
        for delivery in batch:
            self._waiting.pop(delivery.id, None)
            self._unwritten.pop(delivery.id, None)
        self._finished += batch
        self._news.set()

    async def run(self) -> None:
        """Write what there is, for ever."""
        while True:
            with trio.move_on_after(LOOK_EVERY_S if self._unwritten else inf):
                await self._news.wait()
                await trio.sleep(GATHER_S)
            self._news = trio.Event()
            try:
                await self.write()
            except StoreError as error:
                log.info("deliveries are noted later: %s", error)
                await trio.sleep(STORE_RETRY_S)
                self._news.set()

    async def write(self) -> None:
        """Note what ended, keep what waits, settle what is done; StoreError leaves the rest."""
        while self._finished:
            delivery = self._finished[0]
            await self._records.finish(delivery, was_kept=delivery.id in self._kept)
            self._finished.popleft()
            self._kept.discard(delivery.id)
            self._outboxes.leave(delivery.id)
        await self._keep()
        while self._outboxes.settled:
            partition, places = self._outboxes.settled.popitem()
            try:
                await self._outbox.settle(partition, places)
            except StoreError:
                self._outboxes.settled.setdefault(partition, []).extend(places)
                raise

    async def _keep(self) -> None:
        before_ms = self._clock.now_ms() - KEEP_AFTER_MS
        due = [one for one in self._unwritten.values() if one.tries or one.created_ms <= before_ms]
        by_account: dict[int, list[Delivery]] = {}
        for delivery in due:
            by_account.setdefault(delivery.account, []).append(delivery)
        for account, deliveries in by_account.items():
            try:
                await self._records.keep(deliveries)
            except TooManyDocuments:
                log.warning("account %d has too many deliveries waiting", account)
                continue
            for delivery in deliveries:
                self._written(delivery)

    def _written(self, delivery: Delivery) -> None:
        if self._unwritten.get(delivery.id) is delivery:
            del self._unwritten[delivery.id]
        self._kept.add(delivery.id)
        self._outboxes.leave(delivery.id)

    def _note_waiting(self, batch: Iterable[Delivery]) -> None:
        for delivery in batch:
            self._waiting[delivery.id] = self._unwritten[delivery.id] = delivery
        self._news.set()
