"""The annotations of all accounts, by time; those of accounts that asked lately in memory.

Law: what is remembered was read whole and is changed with every write of this server; of another
server's writes it is a few seconds behind.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Final

import trio

from api.notify.annotation import KIND, Annotation, pack_annotation, unpack_annotation
from engine.ports import Clock
from storage.documents import Documents, Write

ACCOUNTS_REMEMBERED: Final = 100
"""Accounts whose annotations are in memory: at most 10,000 each, some kilobytes apiece."""

FRESH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sought:
    """Which annotations: those that touch [from_ms, to_ms), with all of the tags."""

    from_ms: int
    to_ms: int
    tags: tuple[str, ...] = ()
    stat: int | None = None

    def fits(self, one: Annotation) -> bool:
        """Whether it is one of them."""
        return (
            one.at_ms < self.to_ms
            and one.ends_ms >= self.from_ms
            and set(self.tags) <= set(one.tags)
            and (self.stat is None or not one.stats or self.stat in one.stats)
        )


class Annotations:
    """Annotations by account."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._known: dict[int, tuple[list[Annotation], float]] = {}

    def __repr__(self) -> str:
        return f"<Annotations of {len(self._known)} accounts>"

    async def find(self, account: int, sought: Sought, limit: int, skip: int) -> list[Annotation]:
        """At most `limit` after the first `skip`, the newest first."""
        known = await self._of(account)
        last = bisect_left(known, sought.to_ms, key=lambda one: one.at_ms)
        found = [one for one in reversed(known[:last]) if sought.fits(one)]
        return found[skip : skip + limit]

    async def get(self, account: int, annotation_id: str) -> Annotation | None:
        """One annotation."""
        found = await self._documents.get(KIND, account, annotation_id, self._clock.now_ms())
        return None if found is None else unpack_annotation(found.body)

    async def put(self, annotation: Annotation) -> None:
        """Keep a new annotation, or a changed one; TooManyDocuments beyond 10,000."""
        account = annotation.account
        write = Write(KIND, account, annotation.id, pack_annotation(annotation))
        await self._documents.write([write], self._clock.now_ms())
        self._forget(account, annotation.id)
        if account in self._known:
            insort(self._known[account][0], annotation, key=lambda one: one.at_ms)

    async def remove(self, annotation: Annotation) -> None:
        """Forget an annotation."""
        gone = Write(KIND, annotation.account, annotation.id, None)
        await self._documents.write([gone], self._clock.now_ms())
        self._forget(annotation.account, annotation.id)

    def _forget(self, account: int, annotation_id: str) -> None:
        if account in self._known:
            known, read_s = self._known[account]
            self._known[account] = [one for one in known if one.id != annotation_id], read_s

    async def _of(self, account: int) -> list[Annotation]:
        known = self._known.pop(account, None)
        if known is None or trio.current_time() - known[1] > FRESH_S:
            began_s = trio.current_time()
            found = await self._documents.all(KIND, account, self._clock.now_ms())
            read = sorted((unpack_annotation(one.body) for one in found), key=lambda o: o.at_ms)
            known = read, began_s
        while len(self._known) >= ACCOUNTS_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[account] = known
        return known[0]
