"""Channels that fail again and again: remembered, and told to the other channels of the account."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from api.notify.channel import Channel
from api.notify.channels import Channels
from api.notify.delivery import Delivery
from api.notify.message import Notice
from engine.ports import Clock, StoreError

log = logging.getLogger("statflow.notify")

ALARMS_MAX: Final = 100
"""Failing channels that are remembered, and that wait to be told."""

Deliver = Callable[[Delivery], Awaitable[None]]


class Alarms:
    """The channels that failed lately; `run` tells of them."""

    def __init__(self, channels: Channels, clock: Clock) -> None:
        self._channels = channels
        self._clock = clock
        self._failing: dict[tuple[int, str], str] = {}
        self._send, self._receive = trio.open_memory_channel[tuple[Channel, str]](ALARMS_MAX)

    def __repr__(self) -> str:
        return f"<Alarms {len(self._failing)}>"

    def raised(self, channel: Channel, said: str) -> None:
        """A channel has failed many times in a row; never waits."""
        log.warning("channel %s of account %d fails: %s", channel.id, channel.account, said)
        while len(self._failing) >= ALARMS_MAX:
            del self._failing[next(iter(self._failing))]
        self._failing[channel.account, channel.id] = said
        try:
            self._send.send_nowait((channel, said))
        except trio.WouldBlock:
            log.warning("too many channels fail at once: the others are not told of each")

    def cleared(self, account: int, channel_id: str) -> None:
        """It takes messages again."""
        self._failing.pop((account, channel_id), None)

    def warnings(self) -> list[str]:
        """What an operator should know."""
        return [f"channel {name} fails: {said}" for (_, name), said in self._failing.items()]

    async def run(self, deliver: Deliver) -> None:
        """Tell the other channels of each account, for ever."""
        async for channel, said in self._receive:
            try:
                for other in await self._channels.all(channel.account):
                    if other.id != channel.id and (other.account, other.id) not in self._failing:
                        await deliver(alarm_of(channel, said, other, self._clock.now_ms()))
            except StoreError as error:
                log.warning("not everybody is told that %s fails: %s", channel.id, error)


def alarm_of(channel: Channel, said: str, other: Channel, now_ms: int) -> Delivery:
    """The word to another channel that one fails."""
    episode = f"ep_{channel.id}_{now_ms}"
    notice = Notice(
        episode=episode, seq=1, event="firing", alert="al_channel", name=channel.name,
        kind="channel", state="FIRING", severity="warning", at_ms=now_ms, decided_ms=now_ms,
        started_ms=now_ms, text=f"The channel {channel.name} takes no messages: {said}",
    )  # fmt: skip
    return Delivery(
        id=f"msg_{episode}_1_{other.id}", account=channel.account, channel=other.id,
        notice=notice, created_ms=now_ms,
    )  # fmt: skip
