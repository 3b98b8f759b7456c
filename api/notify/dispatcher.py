"""Sends what the outbox holds: at least once, in order, and never in a hurry to forget.

Law: a message leaves the outbox when every channel has it, or has it written down. Sending never
waits for that writing: whoever is killed in between sends again, under the same id. Lanes keep the
order, endpoints the measure, and one dead receiver delays nobody else.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Final, Literal, Protocol

import trio

from api.notify.breaker import ALARM_AT
from api.notify.channel import Channel
from api.notify.delivery import Attempt, Delivery
from api.notify.endpoints import Endpoint, Endpoints
from api.notify.incoming import LOOK_EVERY_S, Expand, Incoming, Outbox
from api.notify.lane import Key, Lane, key_of, message_of
from api.notify.outcome import Carry, Later, Outcome
from api.notify.recorder import Recorder
from api.notify.schedule import Again, Delivered, GivenUp, said, verdict
from engine.ports import Clock, StoreError

log = logging.getLogger("statflow.notify")

STORE_RETRY_MS: Final = 1_000


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
        self._recorder = recorder
        self._channels = channels
        self._carry = carry
        self._clock = clock
        self._public_url = public_url
        self._bell = bell
        self._incoming = Incoming(outbox, recorder, expand, self._key_of, self._join, look_every_s)
        self._lanes: dict[Key, Lane] = {}
        self._endpoints = Endpoints()
        self._due: list[tuple[int, int, Lane]] = []
        self._serial = count()
        self._ended: Counter[str] = Counter()
        self._moved = trio.Event()
        self._nursery: trio.Nursery | None = None

    def __repr__(self) -> str:
        return f"<Dispatcher {self._recorder.waiting} waiting, {self._endpoints.running} under way>"

    def statistics(self) -> DispatcherStatistics:
        """The dispatcher at this moment."""
        return DispatcherStatistics(
            self._recorder.waiting, self._endpoints.running, dict(self._ended)
        )

    def call(self, partition: int) -> None:
        """Something has come into the outbox of a partition; never waits."""
        self._incoming.call(partition)

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
            self._join(await self._key_of(delivery), delivery)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._recorder.run)
            nursery.start_soon(self._incoming.run)
            nursery.start_soon(self._wait_for_due)
            for lane in tuple(self._lanes.values()):
                self._consider(lane)
            task_status.started()

    async def add(self, delivery: Delivery) -> None:
        """Send something that was in no outbox; StoreError when its channel cannot be looked up."""
        key = await self._key_of(delivery)
        if self._recorder.adopt(delivery):
            self._join(key, delivery)

    async def revive(self, letter: Delivery) -> None:
        """Send a dead letter again; StoreError leaves it dead, or waiting for the next start."""
        key = await self._key_of(letter)
        await self._recorder.revive(letter)
        self._join(key, letter)

    def hurry(self, account: int, delivery_id: str) -> bool:
        """Try a delivery that waits at once; False when none of that id does."""
        for key, lane in self._lanes.items():
            if key[0] == account and any(one.id == delivery_id for one in lane.waiting):
                if not lane.busy:
                    first = lane.waiting[0]
                    lane.waiting[0] = first.put_off(self._clock.now_ms())
                    lane.due_ms = 0
                    # Whoever asks for it has perhaps just mended the receiver.
                    self._endpoints.of(lane).breaker.succeed()
                    self._consider(lane)
                return True
        return False

    async def _key_of(self, delivery: Delivery) -> Key:
        """The lane of a delivery; StoreError when the store does not say what its channel is."""
        return key_of(delivery, await self._channels.get(delivery.account, delivery.channel))

    def _join(self, key: Key, delivery: Delivery) -> None:
        lane = self._lanes.setdefault(key, Lane(key))
        lane.add(delivery)
        self._consider(lane)

    def _consider(self, lane: Lane) -> None:
        """Begin an attempt, or see to it that somebody comes back to this lane."""
        if lane.busy or lane.queued or self._nursery is None:
            return
        now_ms, endpoint = self._clock.now_ms(), self._endpoints.of(lane)
        if not lane.waiting:
            if lane.quiet_until_ms > now_ms:
                self._come_back(lane, lane.quiet_until_ms)
            elif self._lanes.get(lane.key) is lane:
                del self._lanes[lane.key]
            return
        due_ms = max(lane.due_ms, lane.waiting[0].next_ms)
        if due_ms > now_ms or not endpoint.breaker.may_try(now_ms):
            self._come_back(lane, max(due_ms, endpoint.breaker.open_until_ms, now_ms + 1))
        elif self._endpoints.begin(lane):
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
        self._endpoints.end(lane)
        self._consider(lane)
        for waiting in self._endpoints.next_in_queue():
            self._consider(waiting)

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
