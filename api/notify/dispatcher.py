"""Sends what the outbox holds: at least once, in order, and never in a hurry to forget.

Law: a message leaves the outbox when every channel has it, or has it written down. Sending never
waits for that writing: whoever is killed in between sends again, under the same id. Lanes keep the
order, endpoints the measure, and one dead receiver delays nobody else.
"""

import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Final, Literal, Protocol

import trio

from api.notify.breaker import ALARM_AT, Breaker
from api.notify.channel import Channel
from api.notify.delivery import Attempt, Delivery
from api.notify.lane import Key, Lane, key_of, message_of
from api.notify.message import Message
from api.notify.outgoing import Answered, Failed
from api.notify.recorder import Recorder
from api.notify.schedule import Again, Delivered, GivenUp, said, verdict
from engine.ports import Clock, StoreError
from engine.ports import Message as Outgoing
from engine.position import START, Position

log = logging.getLogger("statflow.notify")

ALL_AT_ONCE: Final = 64
"""Attempts under way."""

ENDPOINT_AT_ONCE: Final = 8
"""Attempts under way to one channel."""

READ_AT_ONCE: Final = 200
"""Messages of the outbox in one step."""

WAITING_MAX: Final = 20_000
"""Deliveries in memory, some 4 KiB each; what is beyond stays in the outbox meanwhile."""

LOOK_EVERY_S: Final = 1.0
"""The outbox is looked at so often also when nobody calls."""

STORE_RETRY_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Later:
    """The carrier has sent as much as it may: not before `at_ms`, and this was no attempt."""

    at_ms: int


Outcome = Answered | Failed | Later


class Outbox(Protocol):
    """Where messages wait; the engine's store has it."""

    @property
    def partitions(self) -> int: ...

    async def outbox(self, partition: int, after: Position, limit: int) -> list[Outgoing]:
        """Messages after a place, the oldest first."""

    async def settle(self, partition: int, places: Sequence[Position]) -> None:
        """Forget messages."""


class ChannelSource(Protocol):
    """Who knows the channels."""

    async def get(self, account: int, channel_id: str) -> Channel | None:
        """A channel, or None when there is none any more."""

    async def disable(self, channel: Channel, reason: str) -> None:
        """Send nothing to it until somebody turns it on again."""


class Bell(Protocol):
    """Who is told of channels that fail."""

    def raised(self, channel: Channel, said: str) -> None:
        """It has failed many times in a row; never waits."""

    def cleared(self, account: int, channel_id: str) -> None:
        """It takes messages again."""


Carry = Callable[[Channel, Message], Awaitable[Outcome]]
"""Sends one message; never raises for what the other side does."""

Expand = Callable[[Outgoing], Awaitable[list[Delivery]]]
"""The deliveries of a message of the outbox."""


@dataclass(eq=False, slots=True)
class Endpoint:
    """One channel as seen from here."""

    breaker: Breaker = field(default_factory=Breaker)
    running: int = 0
    queue: deque[Lane] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class DispatcherStatistics:
    """Deliveries at a moment: waiting, under way, and how many ended how since the start."""

    waiting: int
    running: int
    ended: dict[str, int]


class Dispatcher:
    """Deliveries of all accounts; `run` sends them."""

    def __init__(
        self,
        outbox: Outbox,
        recorder: Recorder,
        channels: ChannelSource,
        carry: Carry,
        expand: Expand,
        clock: Clock,
        public_url: str,
        bell: Bell,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self._channels = channels
        self._carry = carry
        self._expand = expand
        self._clock = clock
        self._public_url = public_url
        self._bell = bell
        self._look_every_s = look_every_s
        self._lanes: dict[Key, Lane] = {}
        self._endpoints: dict[tuple[int, str], Endpoint] = {}
        self._crowded: dict[tuple[int, str], Endpoint] = {}
        self._due: list[tuple[int, int, Lane]] = []
        self._serial = count()
        self._after = dict.fromkeys(range(outbox.partitions), START)
        self._running = 0
        self._ended: Counter[str] = Counter()
        self._calling: set[int] = set()
        self._called = trio.Event()
        self._moved = trio.Event()
        self._nursery: trio.Nursery | None = None

    def __repr__(self) -> str:
        return f"<Dispatcher {self._recorder.waiting} waiting, {self._running} under way>"

    def statistics(self) -> DispatcherStatistics:
        """The dispatcher at this moment."""
        return DispatcherStatistics(self._recorder.waiting, self._running, dict(self._ended))

    def call(self, partition: int) -> None:
        """Something has come into the outbox of a partition; never waits."""
        self._calling.add(partition)
        self._called.set()

    async def load(self, accounts: Sequence[int]) -> list[Delivery]:
        """What the accounts had waiting when the process before this one ended."""
        return await self._recorder.load(accounts)

    async def run(
        self,
        waiting: Sequence[Delivery] = (),
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Send for ever; what was waiting goes first."""
        for delivery in waiting:
            await self._add(delivery)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._recorder.run)
            nursery.start_soon(self._follow)
            nursery.start_soon(self._wait_for_due)
            for lane in tuple(self._lanes.values()):
                self._consider(lane)
            task_status.started()

    async def add(self, delivery: Delivery) -> None:
        """Send something that was in no outbox, such as a dead letter."""
        if self._recorder.adopt(delivery):
            await self._add(delivery)

    def hurry(self, account: int, delivery_id: str) -> bool:
        """Try a delivery that waits at once; False when none of that id does."""
        for key, lane in self._lanes.items():
            if key[0] == account and any(one.id == delivery_id for one in lane.waiting):
                if not lane.busy:
                    first = lane.waiting[0]
                    lane.waiting[0] = first.put_off(self._clock.now_ms())
                    lane.due_ms = 0
                    # Whoever asks for it has perhaps just mended the receiver.
                    self._endpoint(lane).breaker.succeed()
                    self._consider(lane)
                return True
        return False

    async def _follow(self) -> None:
        """Take what comes into the outbox, for ever: at once where somebody called."""
        partitions = set(range(self._outbox.partitions))
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
            everywhere = set(range(self._outbox.partitions))
            partitions = everywhere if waiting.cancelled_caught else self._calling

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

    async def _add(self, delivery: Delivery) -> None:
        channel = await self._channels.get(delivery.account, delivery.channel)
        key = key_of(delivery, channel)
        lane = self._lanes.setdefault(key, Lane(key))
        lane.add(delivery)
        self._consider(lane)

    def _consider(self, lane: Lane) -> None:
        """Begin an attempt, or see to it that somebody comes back to this lane."""
        if lane.busy or lane.queued or self._nursery is None:
            return
        now_ms, endpoint = self._clock.now_ms(), self._endpoint(lane)
        if not lane.waiting:
            if lane.quiet_until_ms > now_ms:
                self._come_back(lane, lane.quiet_until_ms)
            elif self._lanes.get(lane.key) is lane:
                del self._lanes[lane.key]
            return
        due_ms = max(lane.due_ms, lane.waiting[0].next_ms)
        if due_ms > now_ms or not endpoint.breaker.may_try(now_ms):
            self._come_back(lane, max(due_ms, endpoint.breaker.open_until_ms, now_ms + 1))
        elif endpoint.running >= ENDPOINT_AT_ONCE or self._running >= ALL_AT_ONCE:
            lane.queued = True
            endpoint.queue.append(lane)
            self._crowded[lane.key[:2]] = endpoint
        else:
            lane.busy = True
            endpoint.running += 1
            self._running += 1
            endpoint.breaker.begin()
            self._nursery.start_soon(self._attempt, lane, endpoint)

    def _come_back(self, lane: Lane, at_ms: int) -> None:
        if lane.back_ms and lane.back_ms <= at_ms:
            return
        lane.back_ms = at_ms
        heappush(self._due, (at_ms, next(self._serial), lane))
        self._moved.set()

    async def _wait_for_due(self) -> None:
        while True:
            self._moved = trio.Event()
            now_ms = self._clock.now_ms()
            while self._due and self._due[0][0] <= now_ms:
                lane = heappop(self._due)[2]
                lane.back_ms = 0
                self._consider(lane)
            wait_s = max(1, self._due[0][0] - now_ms) / 1000 if self._due else inf
            with trio.move_on_after(wait_s):
                await self._moved.wait()

    async def _attempt(self, lane: Lane, endpoint: Endpoint) -> None:
        began_ms = self._clock.now_ms()
        try:
            channel = await self._channels.get(*lane.key[:2])
        except StoreError:
            endpoint.breaker.abandon()
            lane.due_ms = began_ms + STORE_RETRY_MS
        else:
            blocked = "the channel was removed" if channel is None else channel.blocked
            if channel is None or blocked is not None:
                endpoint.breaker.abandon()
                self._end(lane, "held", blocked or "")
            else:
                batch = lane.batch(combines=channel.combines)
                message = message_of(batch, began_ms, self._public_url)
                outcome = await self._carry(channel, message)
                await self._apply(lane, endpoint, channel, len(batch), outcome, began_ms)
        lane.busy = False
        endpoint.running -= 1
        self._running -= 1
        self._consider(lane)
        self._next_in_queue()

    def _next_in_queue(self) -> None:
        """Whoever waited for a place has one now."""
        for key, endpoint in tuple(self._crowded.items()):
            while endpoint.queue and endpoint.running < ENDPOINT_AT_ONCE:
                if self._running >= ALL_AT_ONCE:
                    return
                lane = endpoint.queue.popleft()
                lane.queued = False
                self._consider(lane)
            if not endpoint.queue:
                del self._crowded[key]
            else:
                # Others first next time.
                self._crowded[key] = self._crowded.pop(key)

    async def _apply(
        self,
        lane: Lane,
        endpoint: Endpoint,
        channel: Channel,
        size: int,
        outcome: Outcome,
        began_ms: int,
    ) -> None:
        """What an attempt changes."""
        now_ms = self._clock.now_ms()
        batch = [lane.waiting[place] for place in range(size)]
        if isinstance(outcome, Later):
            endpoint.breaker.abandon()
            self._put_off(lane, [one.put_off(outcome.at_ms) for one in batch])
            return
        attempt = Attempt(began_ms, now_ms - began_ms, said(outcome))
        tried = [one.tried(attempt) for one in batch]
        verdicts = [verdict(outcome, one.id, one.tries, one.first_ms, now_ms) for one in tried]
        first = verdicts[0]
        if isinstance(first, Delivered):
            if endpoint.breaker.failures >= ALARM_AT:
                self._bell.cleared(channel.account, channel.id)
            endpoint.breaker.succeed()
            self._finish(lane, [one.ended("delivered") for one in tried])
            lane.told(tried, now_ms)
            return
        asked_ms = first.at_ms if isinstance(first, Again) and first.busy else 0
        if endpoint.breaker.fail(now_ms, asked_ms):
            self._bell.raised(channel, said(outcome))
        pairs = list(zip(tried, verdicts, strict=True))
        over = [one.ended("dead", v.reason) for one, v in pairs if isinstance(v, GivenUp)]
        left = [one.put_off(v.at_ms) for one, v in pairs if isinstance(v, Again)]
        # The oldest are given up first, so those that are over stand in front.
        self._finish(lane, over)
        self._put_off(lane, left)
        if isinstance(first, GivenUp) and first.gone:
            self._end(lane, "dead", first.reason)
            await self._disabled(channel, first.reason)

    async def _disabled(self, channel: Channel, reason: str) -> None:
        try:
            await self._channels.disable(channel, reason)
        except StoreError as error:
            # The next message hears 410 again.
            log.warning("%s could not be turned off: %s", channel.id, error)

    def _put_off(self, lane: Lane, batch: Sequence[Delivery]) -> None:
        lane.replace(batch)
        self._recorder.changed(batch)

    def _end(self, lane: Lane, state: Literal["held", "dead"], reason: str) -> None:
        """Nothing of this lane is sent any more."""
        self._finish(lane, [one.ended(state, reason) for one in lane.waiting])

    def _finish(self, lane: Lane, batch: Sequence[Delivery]) -> None:
        lane.take(len(batch))
        self._ended.update(one.state for one in batch)
        self._recorder.finished(batch)

    def _endpoint(self, lane: Lane) -> Endpoint:
        return self._endpoints.setdefault(lane.key[:2], Endpoint())
