"""Where deliveries are written down: those under way, dead letters, and a journal of the ended.

A delivery that succeeds at once is only ever in the outbox and then in the journal; what has to
wait becomes a document, so that the outbox need not grow while a receiver is down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from api.notify.delivery import (
    DEAD_FOR_MS,
    DEAD_KIND,
    JOURNAL,
    PENDING_KIND,
    Delivery,
    pack_delivery,
    unpack_delivery,
)
from engine.ports import Clock
from storage.documents import WRITES_MAX, Documents, TooManyDocuments, Write

LIST_MAX: Final = 1_000
"""Deliveries of one page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries, the newest first, and the cursor of those before them."""

    deliveries: list[Delivery]
    next: str | None


class Records:
    """The deliveries of all accounts in the documents."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Write down deliveries that wait; those beyond an account's limit stay where they are."""
        for low in range(0, len(deliveries), WRITES_MAX):
            some = deliveries[low : low + WRITES_MAX]
            await self._documents.write([_kept(one) for one in some], self._clock.now_ms())

    async def finish(self, delivery: Delivery, *, was_kept: bool) -> None:
        """Write down how a delivery ended; repeating is harmless but for a line in the journal."""
        now_ms = self._clock.now_ms()
        await self._documents.note(JOURNAL, delivery.account, pack_delivery(delivery), now_ms)
        writes = [_gone(PENDING_KIND, delivery)] if was_kept else []
        if delivery.state == "dead":
            writes.append(_kept(delivery, now_ms + DEAD_FOR_MS))
        try:
            if writes:
                await self._documents.write(writes, now_ms)
        except TooManyDocuments:
            # So many dead letters are not looked at one by one; the journal has this one too.
            await self._documents.write(writes[:1] if was_kept else [], now_ms)

    async def pending(self, account: int) -> list[Delivery]:
        """What an account has waiting, in order."""
        return sorted(await self._all(PENDING_KIND, account), key=lambda one: one.order)

    async def dead(self, account: int) -> list[Delivery]:
        """The dead letters of an account, the newest first."""
        found = await self._all(DEAD_KIND, account)
        return sorted(found, key=lambda one: one.order, reverse=True)

    async def dead_letter(self, account: int, delivery_id: str) -> Delivery | None:
        """One dead letter."""
        found = await self._documents.get(DEAD_KIND, account, delivery_id, self._clock.now_ms())
        return None if found is None else unpack_delivery(found.body)

    async def revive(self, delivery: Delivery) -> None:
        """Make a dead letter one that waits."""
        writes = [_gone(DEAD_KIND, delivery), _kept(delivery)]
        await self._documents.write(writes, self._clock.now_ms())

    async def ended(self, account: int, before: str | None, limit: int) -> Page:
        """A page of the journal."""
        notes = await self._documents.notes(JOURNAL, account, before, limit)
        following = notes[-1].id if len(notes) == limit else None
        return Page([unpack_delivery(note.body) for note in notes], following)

    async def _all(self, kind: str, account: int) -> Iterable[Delivery]:
        found = await self._documents.all(kind, account, self._clock.now_ms())
        return [unpack_delivery(document.body) for document in found]


def _kept(delivery: Delivery, expires_ms: int | None = None) -> Write:
    kind = DEAD_KIND if delivery.state == "dead" else PENDING_KIND
    return Write(
        kind, delivery.account, delivery.id, pack_delivery(delivery), expires_ms=expires_ms
    )


def _gone(kind: str, delivery: Delivery) -> Write:
    return Write(kind, delivery.account, delivery.id, None)
