"""A lane: deliveries that must not overtake each other. Pure.

Law: in a lane one message is under way at a time, and it tells of the oldest. What waits behind a
message that failed, or behind one that the group heard a moment ago, is told together with it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from api.notify.channel import Channel
from api.notify.delivery import Delivery
from api.notify.message import NOTICES_MAX, RESOLVED, Message

GROUP_INTERVAL_MS: Final = 30_000
"""After a message of a group, those who join it later are collected for so long."""

BATCH_MAX: Final = 500
"""Deliveries that one message stands for; the next one tells of the rest."""

Key = tuple[int, str, str]
"""Account, channel, and what must keep its order there."""


def key_of(delivery: Delivery, channel: Channel | None) -> Key:
    """The lane of a delivery: e-mails to one address, a group, or an episode."""
    place = delivery.notice.episode
    if channel is not None and channel.type == "email":
        place = ""
    elif delivery.group:
        place = f"group {delivery.group}"
    return delivery.account, delivery.channel, place


@dataclass(eq=False, slots=True)
class Lane:
    """The deliveries of one lane, the oldest first; times are epoch milliseconds.

    The next may be tried at `due_ms`. A group that was told collects until `quiet_until_ms`.
    Somebody comes back at `back_ms`, if it is not 0.
    """

    key: Key
    waiting: deque[Delivery] = field(default_factory=deque)
    due_ms: int = 0
    quiet_until_ms: int = 0
    back_ms: int = 0
    busy: bool = False
    queued: bool = False

    def add(self, delivery: Delivery) -> None:
        """One more at the end."""
        self.waiting.append(delivery)
        if delivery.group and delivery.notice.event != RESOLVED:
            self.due_ms = max(self.due_ms, self.quiet_until_ms)
        elif delivery.group and self.waiting[0].tries == 0:
            # That it is over is told at once, with whatever was being collected.
            self.due_ms = 0

    def batch(self, *, combines: bool) -> list[Delivery]:
        """What the next message tells of."""
        first = self.waiting[0]
        collected = combines and (first.tries > 0 or bool(first.next_ms) or bool(first.group))
        return list(self.waiting)[: BATCH_MAX if collected else 1]

    def replace(self, batch: Sequence[Delivery]) -> None:
        """The oldest ones, as they are after an attempt."""
        for place, delivery in enumerate(batch):
            self.waiting[place] = delivery

    def take(self, amount: int) -> None:
        """The oldest ones are done."""
        for _ in range(amount):
            self.waiting.popleft()

    def told(self, batch: Sequence[Delivery], now_ms: int) -> None:
        """A message went out: for a while the group collects."""
        if batch[-1].group:
            self.quiet_until_ms = now_ms + GROUP_INTERVAL_MS
        self.due_ms = self.quiet_until_ms if self.waiting else 0
        if any(delivery.notice.event == RESOLVED for delivery in self.waiting):
            self.due_ms = 0


def message_of(batch: Sequence[Delivery], now_ms: int, public_url: str) -> Message:
    """The message of a batch; it has the id of the newest, and spells out the newest ones."""
    shown = batch[-NOTICES_MAX:]
    return Message(
        id=batch[-1].id,
        sent_ms=now_ms,
        public_url=public_url,
        notices=tuple(delivery.notice for delivery in shown),
        more=len(batch) - len(shown),
    )
