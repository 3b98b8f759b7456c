"""Group commit: many requests, one append a partition, an answer to each when it is durable.

Law: only the waiter of a request is ever cancelled, never the committer. What was not sent is
surely not stored; what was sent and not answered is in doubt, and is sent again with the same
serial until there is an answer: a store that refuses to look says nothing about the first try.
Whether a request may wait at all is decided before any work, by the time it would have to wait.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import trio

from engine.points import Batch, Points, Receipt
from engine.ports import Appended, Clock, Entry, Fenced, Group, Refused, Store, Unavailable
from engine.position import START, Position

log = logging.getLogger("statflow.engine")

QUEUE_BYTES_MAX = 4 * 2**20
"""Waiting requests of the node; more are refused at once."""

GROUP_BYTES_MAX = 2**20
"""One log entry; what waits beyond it goes into the next."""

QUEUE_WAIT_S_MAX = 0.25
"""A request that would wait longer than this for its turn is refused at once."""

GROUP_AGE_S_MAX = 1.0
"""While a group has been unanswered for longer than this, requests are refused at once."""

ANSWER_WAIT_S_MAX = 2.0
"""A request that is not answered by then gets 503: not stored, or outcome unknown."""

RETRY_PAUSE_S = 0.05
RATE_BYTES_S_FIRST = 50e6
RATE_SAMPLE_BYTES = 256 * 1024
LAG_POINTS_MAX = 500_000
"""Points that a partition may have in front of it before its intake refuses more."""


class NotAccepted(Exception):
    """A batch was not accepted; `code` says why, `retry_after_s` when to try again."""

    code = "not_accepted"

    def __init__(self, text: str, retry_after_s: int = 1) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Overloaded(NotAccepted):
    """Surely not stored: too much is waiting already."""

    code = "overloaded"


class StoreDown(NotAccepted):
    """Surely not stored: the store does not take it."""

    code = "store_unavailable"


class OutcomeUnknown(NotAccepted):
    """Perhaps stored: repeat with the same idempotency key."""

    code = "outcome_unknown"


class ReadOnly(NotAccepted):
    """Surely not stored: the store is full; reading still works."""

    code = "read_only"


@dataclass(eq=False, slots=True)
class Slot:
    """One waiting batch; `sent` once it may be in the log."""

    batch: Batch
    done: trio.Event = field(default_factory=trio.Event)
    receipt: Receipt | None = None
    error: NotAccepted | None = None
    sent: bool = False
    abandoned: bool = False


@dataclass(eq=False, slots=True)
class Lane:
    """What waits for one partition, and the group that is on its way; one group at a time.

    `deliver` takes each entry once it is in the log, in stream order; `lag` tells how many points
    it has not applied yet; `lost` hears that somebody else owns the partition; `work` wakes the
    committer. `epoch` is None while nobody owns the partition; then requests wait. The group is
    `in_doubt` once it was sent and not answered.
    """

    partition: int
    deliver: Callable[[Entry], None]
    lag: Callable[[], int]
    lost: Callable[[], None]
    work: Callable[[], None] = lambda: None
    epoch: int | None = None
    serial: int = 0
    queue: deque[Slot] = field(default_factory=deque)
    group: Group | None = None
    slots: list[Slot] = field(default_factory=list)
    in_doubt: bool = False
    acknowledged: Position = START

    def owned(self, epoch: int) -> None:
        """Take requests on behalf of this epoch."""
        self.epoch, self.serial = epoch, 0
        self.work()

    def form(self, now_ms: int) -> None:
        """Make the next group of what waits, unless one is unanswered."""
        if self.group is not None or self.epoch is None:
            return
        size = 0
        while self.queue and (not self.slots or size < GROUP_BYTES_MAX):
            slot = self.queue.popleft()
            size += slot.batch.size
            slot.sent = True
            self.slots.append(slot)
        if self.slots:
            self.serial += 1
            batches = tuple(slot.batch for slot in self.slots)
            self.group = Group(self.partition, self.epoch, self.serial, batches, now_ms)

    def leave(self, slot: Slot) -> None:
        """Nobody waits for this request any more: unless it was sent already, it never is."""
        slot.abandoned = True
        if not slot.sent:
            self.queue.remove(slot)

    def dissolve(self) -> None:
        """The group was surely not stored: put its requests back in front of the queue."""
        for slot in reversed(self.slots):
            slot.sent = False
            if not slot.abandoned:
                self.queue.appendleft(slot)
        self._forget()

    def refuse(self, error: NotAccepted) -> None:
        """Tell the requests of the group that it is given up."""
        for slot in self.slots:
            slot.error = error
            slot.done.set()
        self._forget()

    def fenced(self) -> None:
        """The group came from an epoch that is over: ours, or the one before a restart."""
        assert self.group is not None, "BUG: a reply without a group"
        stale = self.group.epoch == self.epoch
        if self.in_doubt:
            # The next owner may have found it in the log: nobody can tell any more.
            self.refuse(OutcomeUnknown("the partition has another owner; repeat with the same key"))
        else:
            self.dissolve()
        if stale:
            self.epoch = None
            self.lost()

    def answer(self, reply: Appended) -> None:
        """Hand the entry to the partition, then wake everyone who waits for it."""
        assert self.group is not None, "BUG: a reply without a group"
        kept = [
            _counted(slot.batch, told) for slot, told in zip(self.slots, reply.claims, strict=True)
        ]
        commands = tuple(command for slot in self.slots for command in slot.batch.commands)
        points = Points.joined(kept)
        self.deliver(Entry(reply.position, points, commands, len(points)))
        self.acknowledged = reply.position
        for slot, told in zip(self.slots, reply.claims, strict=True):
            slot.receipt = Receipt(reply.position, told)
            slot.done.set()
        self._forget()

    def _forget(self) -> None:
        self.slots, self.group, self.in_doubt = [], None, False


def _counted(batch: Batch, told: tuple[bytes | None, ...]) -> Points:
    """The points of a batch that its claims let count."""
    if all(answer is None for answer in told):
        return batch.points
    keep = [True] * len(batch.points)
    for claim, answer in zip(batch.claims, told, strict=True):
        if answer is not None:
            keep[claim.low : claim.high] = [False] * (claim.high - claim.low)
    return batch.points.take(np.array(keep, np.bool_))


class Intake:
    """Takes batches, commits them in groups and answers."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.lanes: dict[int, Lane] = {}
        self.bytes_waiting = 0
        self.rate_bytes_s = RATE_BYTES_S_FIRST
        self.read_only: str | None = None
        self.refused: dict[str, int] = {}
        self.commit_s = 0.0
        self.commits = 0
        self._work = trio.Event()
        self._sent_at: float | None = None
        self._closed = False
        self._last_error: str | None = None

    def __repr__(self) -> str:
        return f"<Intake {len(self.lanes)} lanes, {self.bytes_waiting} bytes waiting>"

    def add(self, lane: Lane) -> None:
        """Commit what comes for one more partition."""
        self.lanes[lane.partition] = lane
        lane.work = self._wake

    async def submit(self, partition: int, batch: Batch) -> Receipt:
        """Append a batch; returns when it is durable, raises `NotAccepted` when it is not."""
        lane = self.lanes[partition]
        self._admit(lane, batch)
        slot = Slot(batch)
        lane.queue.append(slot)
        self.bytes_waiting += batch.size
        self._wake()
        try:
            with trio.move_on_after(ANSWER_WAIT_S_MAX):
                await slot.done.wait()
        finally:
            lane.leave(slot)
            self.bytes_waiting -= batch.size
        if slot.receipt is not None:
            return slot.receipt
        raise self._refusal(slot.error or self._too_late(slot))

    def close(self) -> None:
        """Take no more; what waits is still committed."""
        self._closed = True
        self._wake()

    async def run(self) -> None:
        """Commit groups until closed and empty."""
        while True:
            for lane in self.lanes.values():
                lane.form(self.clock.now_ms())
            ready = [lane for lane in self.lanes.values() if lane.group is not None]
            if ready:
                await self._commit(ready)
            elif self._closed:
                return
            else:
                self._work, self._sent_at = trio.Event(), None
                await self._work.wait()

    def _wake(self) -> None:
        self._work.set()

    def _admit(self, lane: Lane, batch: Batch) -> None:
        if self.read_only is not None:
            raise self._refusal(ReadOnly(self.read_only, 30))
        if self._closed:
            raise self._refusal(StoreDown("the server is stopping; try again shortly"))
        age_s = 0.0 if self._sent_at is None else trio.current_time() - self._sent_at
        if age_s > GROUP_AGE_S_MAX:
            why = self._last_error or "the store has not answered for a second"
            raise self._refusal(StoreDown(why))
        # What is in front decides: else a slow hour could leave big requests refused for ever.
        wait_s = self.bytes_waiting / self.rate_bytes_s
        if self.bytes_waiting + batch.size > QUEUE_BYTES_MAX or wait_s > QUEUE_WAIT_S_MAX:
            raise self._refusal(Overloaded("more is waiting than can be stored in time"))
        if lane.lag() > LAG_POINTS_MAX:
            raise self._refusal(Overloaded("the partition is behind its log"))

    def _refusal(self, error: NotAccepted) -> NotAccepted:
        self.refused[error.code] = self.refused.get(error.code, 0) + 1
        return error

    def _too_late(self, slot: Slot) -> NotAccepted:
        if slot.sent:
            return OutcomeUnknown("the store did not answer in time; repeat with the same key")
        return StoreDown(self._last_error or "the store did not take it in time")

    async def _commit(self, ready: list[Lane]) -> None:
        groups = [lane.group for lane in ready if lane.group is not None]
        began = trio.current_time()
        if self._sent_at is None:
            self._sent_at = began
        replies = await self.store.append(groups)
        self._measure(groups, trio.current_time() - began)
        failed = False
        for lane, reply in zip(ready, replies, strict=True):
            if isinstance(reply, Appended):
                lane.answer(reply)
            else:
                failed = True
                self._failed(lane, reply)
        if failed:
            await trio.sleep(RETRY_PAUSE_S)
        else:
            self._sent_at = self._last_error = None

    def _failed(self, lane: Lane, error: Exception) -> None:
        self._last_error = str(error)
        match error:
            case Unavailable():
                lane.in_doubt = True  # Perhaps stored: the same bytes go again.
            case Refused() if lane.in_doubt:
                pass  # This try was not stored; the one before may be, or may still arrive.
            case Refused() if error.code == "oom":
                lane.refuse(ReadOnly(str(error), 30))
            case Refused():
                lane.dissolve()
            case Fenced():
                lane.fenced()
            case _:
                raise error

    def _measure(self, groups: list[Group], elapsed_s: float) -> None:
        self.commit_s += elapsed_s
        self.commits += 1
        size = sum(batch.size for group in groups for batch in group.batches)
        rate = size / max(elapsed_s, 1e-4)
        # Small groups say nothing about capacity: they would make it look ever smaller.
        if rate > self.rate_bytes_s or size >= RATE_SAMPLE_BYTES:
            self.rate_bytes_s += (rate - self.rate_bytes_s) * 0.2
