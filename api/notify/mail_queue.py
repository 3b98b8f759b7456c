"""Mails that nobody waits for: a bounded queue in memory, each tried a few times.

Law: handing a mail in takes no time, so that nobody learns from it whether there was one. What is
in the queue is lost with the process: it is for links that people ask for again.
"""

import logging
from collections.abc import Sequence
from math import inf
from typing import Final

import trio

from api.notify.mail import Mail, Mailer, MailNotSent

log = logging.getLogger("statflow.mail")

QUEUE_MAX: Final = 1_000
"""Mails that wait."""

RETRY_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Waits between attempts; a link is no longer good when they are over."""

AT_ONCE: Final = 8
"""Mails in work, most of them waiting for another attempt."""


class MailQueue:
    """Mails on their way; `run` sends them."""

    def __init__(self, mailer: Mailer, retry_s: Sequence[float] = RETRY_S) -> None:
        self._mailer = mailer
        self._retry_s = (*retry_s, inf)
        self._send, self._receive = trio.open_memory_channel[Mail](QUEUE_MAX)

    def __repr__(self) -> str:
        return f"<MailQueue {self._send.statistics().current_buffer_used} waiting>"

    def put(self, mail: Mail) -> bool:
        """Take a mail; False when too many wait already."""
        try:
            self._send.send_nowait(mail)
        except trio.WouldBlock:
            log.warning("too many mails wait: one is not sent")
            return False
        return True

    async def run(self) -> None:
        """Send what comes, for ever."""
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(self._work)

    async def _work(self) -> None:
        async for mail in self._receive:
            for wait_s in self._retry_s:
                try:
                    await self._mailer.send(mail)
                except MailNotSent as error:
                    if not error.temporary or wait_s == inf:
                        log.warning("a mail was not sent: %s", error)
                        break
                    log.info("a mail is sent later: %s", error)
                else:
                    break
                await trio.sleep(wait_s)
