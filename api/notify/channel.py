"""A channel: one place where an account wants to hear of alerts. Pure.

Secrets are kept sealed; a channel that is shown tells whether it has them, never what they are.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from api.notify.bodies.table import BodyName

ChannelType = Literal["webhook", "email", "apprise"]

KIND: Final = "channel"
"""The kind of the documents."""

CHANNELS_MAX: Final = 200
"""Channels of one account."""

NAME_LENGTH_MAX: Final = 100


class Channel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a channel; `target` is a URL or an e-mail address, times are epoch ms.

    `secrets` sign webhooks, the newest first; `key` is what PagerDuty calls the routing key, or the
    whole URL of an apprise service. `disabled` says why nothing is sent, if so.
    """

    id: str
    account: int
    type: ChannelType
    name: str
    target: str
    created_ms: int
    body: BodyName = "statflow"
    secrets: tuple[bytes, ...] = ()
    key: bytes | None = None
    confirmed: bool = True
    disabled: str | None = None
    operator: bool = False

    @property
    def combines(self) -> bool:
        """Whether one message may tell of several transitions."""
        return self.body != "pagerduty"

    @property
    def blocked(self) -> str | None:
        """Why nothing can be sent to it, or None."""
        if self.disabled is not None:
            return f"the channel is off: {self.disabled}"
        return None if self.confirmed else "the address is not confirmed yet"


def pack_channel(channel: Channel) -> bytes:
    """The channel as it is kept."""
    return msgspec.msgpack.encode(channel)


def unpack_channel(record: bytes) -> Channel:
    """The channel of a record."""
    return msgspec.msgpack.decode(record, type=Channel)
