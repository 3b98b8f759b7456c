"""Looks after this server itself: a heartbeat for a watcher outside, and alarms for the operator.

Law: the heartbeat is sent only while every partition commits; that it stays away is the alarm which
needs nobody here to work. What else is amiss is told when it begins and when it is over.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from api.notify.carriers import Carriers
from api.notify.channel import Channel
from api.notify.message import Message, Notice
from api.notify.outgoing import Answered
from api.notify.schedule import said
from engine.node import Node, NodeStatistics
from engine.ports import Clock

log = logging.getLogger("statflow.notify")

HEARTBEAT_EVERY_S: Final = 60.0
LOOK_EVERY_S: Final = 30.0

CHECKPOINT_MS_MAX: Final = 30_000
"""A partition that has something to commit and has not for so long is not well."""

AHEAD_POINTS_MAX: Final = 1_000_000
"""Points in the log that are not counted yet: beyond this the server does not keep up."""

MEMORY_SHARE_MAX: Final = 0.85
DISK_FREE_MIN: Final = 2 * 2**30
"""Bytes; at half of this the server takes no more points."""

TELL_AGAIN_S: Final = 300.0
"""What could not be told is told after this time."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the operator wants: the address of a watcher outside, and whom to tell."""

    heartbeat_url: str | None = None
    channel: Channel | None = None


class Watchman:
    """Looks at one server; `others` are the warnings of those who know more."""

    def __init__(
        self,
        node: Node,
        carriers: Carriers,
        clock: Clock,
        watch: Watch,
        others: Callable[[], list[str]],
    ) -> None:
        self._node = node
        self._carriers = carriers
        self._clock = clock
        self._watch = watch
        self._others = others
        self._told: list[str] = []
        self._seq = 0
        self.heartbeat_failed: str | None = None

    def __repr__(self) -> str:
        return f"<Watchman {len(self._told)} told>"

    def warnings(self) -> list[str]:
        """What is amiss now."""
        found = [*faults_of(self._node.statistics(), self._clock.now_ms()), *self._others()]
        if self.heartbeat_failed is not None:
            found.append(f"the heartbeat does not arrive: {self.heartbeat_failed}")
        return found

    async def run(self) -> None:
        """Watch for ever."""
        async with trio.open_nursery() as nursery:
            if self._watch.heartbeat_url is not None:
                nursery.start_soon(self._beat, self._watch.heartbeat_url)
            if self._watch.channel is not None:
                nursery.start_soon(self._look, self._watch.channel)

    async def _beat(self, url: str) -> None:
        while True:
            if is_committing(self._node.statistics(), self._clock.now_ms()):
                outcome = await self._carriers.send(self._carriers.guard, "GET", url, {}, b"")
                ok = isinstance(outcome, Answered) and outcome.status < 400
                self.heartbeat_failed = None if ok else said(outcome)
            await trio.sleep(HEARTBEAT_EVERY_S)

    async def _look(self, channel: Channel) -> None:
        while True:
            now = self.warnings()
            if _kinds(now) != _kinds(self._told):
                outcome = await self._carriers.carry(channel, self._message(now))
                if isinstance(outcome, Answered) and outcome.status < 300:
                    self._told = now
                else:
                    log.error("the operator could not be told: %s", "; ".join(now) or "all is well")
                    await trio.sleep(TELL_AGAIN_S)
            await trio.sleep(LOOK_EVERY_S)

    def _message(self, faults: Sequence[str]) -> Message:
        now_ms = self._clock.now_ms()
        self._seq += 1
        notice = Notice(
            episode="ep_server", seq=self._seq, event="firing" if faults else "resolved",
            alert="al_server", name="StatFlow itself", kind="server",
            state="FIRING" if faults else "OK", severity="critical", at_ms=now_ms,
            decided_ms=now_ms, started_ms=now_ms, text="; ".join(faults) or "all is well again",
        )  # fmt: skip
        message_id = f"msg_server_{now_ms}_{self._seq}"
        public_url = self._carriers.public_url
        return Message(id=message_id, sent_ms=now_ms, public_url=public_url, notices=(notice,))


def is_committing(now: NodeStatistics, now_ms: int) -> bool:
    """Whether every partition serves and has committed what it had to."""
    return all(
        partition.ready
        and (
            not partition.uncommitted_bytes or now_ms - partition.checkpoint_ms < CHECKPOINT_MS_MAX
        )
        for partition in now.partitions
    )


def faults_of(now: NodeStatistics, now_ms: int) -> list[str]:
    """What is amiss with the engine and its store."""
    found = []
    if not is_committing(now, now_ms):
        found.append("checkpoints are late: not every partition has committed within 30 s")
    ahead = sum(partition.points_ahead for partition in now.partitions)
    if ahead > AHEAD_POINTS_MAX:
        found.append(f"the log is ahead: {ahead} points are not counted yet")
    if now.read_only is not None:
        found.append(f"no points are taken: {now.read_only}")
    memory = now.memory
    if memory is not None and memory.limit and memory.used > MEMORY_SHARE_MAX * memory.limit:
        found.append(f"memory is short: the store uses {memory.used / memory.limit:.0%}")
    if memory is not None and memory.disk_free is not None and memory.disk_free < DISK_FREE_MIN:
        found.append(f"the disk is nearly full: {memory.disk_free / 2**30:.1f} GiB are free")
    return found


def _kinds(faults: Sequence[str]) -> set[str]:
    """Which faults they are, whatever the figures in them."""
    return {fault.partition(":")[0] for fault in faults}
