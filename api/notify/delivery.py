"""A delivery: one transition on its way to one channel, with every attempt. Pure.

Its id is that of the message and of the channel, so that whoever is told twice can see it.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from api.notify.message import Notice

State = Literal["pending", "delivered", "dead", "held"]

PENDING_KIND: Final = "delivery"
DEAD_KIND: Final = "dead_delivery"
JOURNAL: Final = "deliveries"

ATTEMPTS_KEPT: Final = 12
"""The newest attempts that a delivery remembers."""

DEAD_FOR_MS: Final = 30 * 86_400_000
"""Dead letters are kept for thirty days."""


class Attempt(Struct, frozen=True, gc=False):
    """One attempt: when, how long it took, and what was said."""

    at_ms: int
    took_ms: int
    said: str


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery at a moment; times are epoch milliseconds.

    `group` is the name under which messages are collected. `reason` says why it is held or dead.
    """

    id: str
    account: int
    channel: str
    notice: Notice
    created_ms: int
    group: str = ""
    state: State = "pending"
    tries: int = 0
    first_ms: int = 0
    next_ms: int = 0
    attempts: tuple[Attempt, ...] = ()
    reason: str = ""

    @property
    def order(self) -> tuple[int, str, int]:
        """Deliveries to one channel go out in this order."""
        return self.notice.decided_ms, self.notice.episode, self.notice.seq

    def tried(self, attempt: Attempt) -> "Delivery":
        """The delivery after one more attempt."""
        return msgspec.structs.replace(
            self,
            tries=self.tries + 1,
            first_ms=self.first_ms or attempt.at_ms,
            attempts=(*self.attempts, attempt)[-ATTEMPTS_KEPT:],
        )

    def put_off(self, at_ms: int) -> "Delivery":
        """The delivery, to be tried at `at_ms`."""
        return msgspec.structs.replace(self, state="pending", next_ms=at_ms)

    def ended(self, state: State, reason: str = "") -> "Delivery":
        """The delivery at its end."""
        return msgspec.structs.replace(self, state=state, reason=reason, next_ms=0)

    def anew(self, now_ms: int) -> "Delivery":
        """A dead letter, to be sent again: the day begins anew."""
        return msgspec.structs.replace(
            self, state="pending", tries=0, first_ms=0, next_ms=now_ms, reason=""
        )


def pack_delivery(delivery: Delivery) -> bytes:
    """The delivery as it is kept."""
    return msgspec.msgpack.encode(delivery)


def unpack_delivery(record: bytes) -> Delivery:
    """The delivery of a record."""
    return msgspec.msgpack.decode(record, type=Delivery)
