"""Channels that fail again and again: remembered, so that somebody else is told of them."""

import logging
from collections.abc import Callable
from typing import Final

from api.notify.channel import Channel

log = logging.getLogger("statflow.notify")

Listener = Callable[[Channel, str], None]

ALARMS_MAX: Final = 100
"""Failing channels that are remembered."""


class Alarms:
    """The channels that failed lately; `listener` hears of each new one."""

    def __init__(self) -> None:
        self._failing: dict[tuple[int, str], str] = {}
        self.listener: Listener | None = None

    def __repr__(self) -> str:
        return f"<Alarms {len(self._failing)}>"

    def raised(self, channel: Channel, said: str) -> None:
        """A channel has failed many times in a row; never waits."""
        log.warning("channel %s of account %d fails: %s", channel.id, channel.account, said)
        while len(self._failing) >= ALARMS_MAX:
            del self._failing[next(iter(self._failing))]
        self._failing[channel.account, channel.id] = said
        if self.listener is not None:
            self.listener(channel, said)

    def cleared(self, account: int, channel_id: str) -> None:
        """It takes messages again."""
        self._failing.pop((account, channel_id), None)

    def warnings(self) -> list[str]:
        """What an operator should know."""
        return [f"channel {name} fails: {said}" for (_, name), said in self._failing.items()]
