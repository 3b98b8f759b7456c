"""A dispatcher on a mock clock, between an outbox in memory and receivers that obey."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from api.notify.channel import Channel
from api.notify.delivery import Delivery
from api.notify.dispatcher import Dispatcher
from api.notify.message import Message
from api.notify.outcome import Outcome
from api.notify.outgoing import Answered
from api.notify.recorder import Recorder
from api.notify.records import Records
from engine.clock import TrioClock
from engine.ports import Message as Outgoing
from engine.ports import StoreError
from engine.position import Position
from storage.memory import MemoryStore
from storage.memory_documents import MemoryDocuments
from tests.api.notify.examples import AT_MS, a_notice

OK = Answered(200)

Answer = Callable[[Channel, Message], Outcome]


def a_channel(channel_id: str = "ch_1", **changed: Any) -> Channel:  # ruff: ignore[any-type]
    """A webhook of account 1."""
    fields: dict[str, Any] = {
        "id": channel_id, "account": 1, "type": "webhook", "name": channel_id,
        "target": "https://hooks.example/", "created_ms": AT_MS,
    }  # fmt: skip
    return Channel(**{**fields, **changed})


@dataclass(frozen=True)
class Got:
    """One message that a receiver got, and when, in seconds since the start.

    It spells out the transitions of `told`, and only counts `more` that are older.
    """

    at_s: float
    channel: str
    id: str
    told: tuple[tuple[str, int], ...]
    event: str
    more: int


@dataclass(eq=False)
class Scene:
    """All that outlives a process: outbox, documents, receivers; `answer` is what they say."""

    store: MemoryStore = field(default_factory=lambda: MemoryStore(2))
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    channels: dict[str, Channel] = field(default_factory=lambda: {"ch_1": a_channel()})
    got: list[Got] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    answer: Answer = lambda channel, message: OK
    takes_s: float = 0.01
    channel_failure: StoreError | None = None
    group: str = ""
    look_every_s: float = 1.0
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.clock = TrioClock(AT_MS - int(trio.current_time() * 1000))
        self.began_s = trio.current_time()

    def commit(
        self,
        episode: str,
        seq: int,
        event: str = "firing",
        channels: str = "ch_1",
        partition: int = 0,
    ) -> None:
        """A transition, as the engine leaves it in the outbox."""
        state = self.store.state[partition]
        state.told += 1
        place, now_ms = Position(state.told, 0), self.clock.now_ms()
        body = f"{event} {channels}".encode()
        message = Outgoing(f"msg_{episode}_{seq}", episode, now_ms, body, place)
        state.outbox.append(message)
        self.dispatcher.call(partition)

    async def expand(self, message: Outgoing) -> list[Delivery]:
        """A delivery for each channel that the message names."""
        event, *channels = message.body.decode().split()
        notice = a_notice(
            episode=message.episode, seq=int(message.id.rpartition("_")[2]), event=event,
            decided_ms=message.at_ms,
        )  # fmt: skip
        return [
            Delivery(
                id=f"{message.id}_{channel}", account=1, channel=channel, notice=notice,
                created_ms=self.clock.now_ms(), group=self.group,
            )
            for channel in channels
        ]  # fmt: skip

    async def get(self, account: int, channel_id: str) -> Channel | None:
        """The channel, as the dispatcher asks for it."""
        if self.channel_failure is not None:
            raise self.channel_failure
        return self.channels.get(channel_id)

    async def disable(self, channel: Channel, reason: str) -> None:
        """Turn a channel off."""
        self.channels[channel.id] = a_channel(channel.id, disabled=reason)

    def raised(self, channel: Channel, said: str) -> None:
        """A channel fails."""
        self.alarms.append(f"{channel.id} {said}")

    def cleared(self, account: int, channel_id: str) -> None:
        """It does so no more."""
        self.alarms.append(f"{channel_id} is well")

    async def carry(self, channel: Channel, message: Message) -> Outcome:
        """Bring a message to its receiver."""
        await trio.sleep(self.takes_s)
        told = tuple((notice.episode, notice.seq) for notice in message.notices)
        at_s = round(trio.current_time() - self.began_s, 2)
        self.got.append(Got(at_s, channel.id, message.id, told, message.event, message.more))
        return self.answer(channel, message)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Dispatcher]:
        """A process; leaving it kills it."""
        records = Records(self.documents, self.clock)
        recorder = Recorder(self.store, records, self.clock)
        self.dispatcher = Dispatcher(
            self.store, recorder, self, self.carry, self.expand, self.clock, "https://s.example",
            self,
            self.look_every_s,
        )  # fmt: skip
        async with trio.open_nursery() as nursery:
            await nursery.start(self.dispatcher.run, await self.dispatcher.load([1]))
            yield self.dispatcher
            nursery.cancel_scope.cancel()

    @property
    def records(self) -> Records:
        """What is written down."""
        return Records(self.documents, self.clock)

    @property
    def outbox(self) -> int:
        """Messages that are not settled."""
        return sum(len(state.outbox) for state in self.store.state)

    def told(self, channel: str = "ch_1") -> list[tuple[str, int]]:
        """What a receiver was told, in order."""
        return [one for got in self.got if got.channel == channel for one in got.told]
