"""What may become of an attempt to tell somebody, and who makes it. Pure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.notify.channel import Channel
from api.notify.message import Message
from api.notify.outgoing import Answered, Failed


@dataclass(frozen=True, slots=True)
class Later:
    """The carrier has sent as much as it may: not before `at_ms`, and this was no attempt."""

    at_ms: int


Outcome = Answered | Failed | Later

Carry = Callable[[Channel, Message], Awaitable[Outcome]]
"""Sends one message; never raises for what the other side does."""
