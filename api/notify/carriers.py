"""Brings one message to one channel: as a webhook, by e-mail, or by what the operator has added.

Law: whatever the other side does is an outcome, not an exception; how often and when it is tried
again is not decided here.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec
import trio

from api.accounts.vault import Vault, VaultFault
from api.notify.alert_mail import alert_mail
from api.notify.bodies.pagerduty import pagerduty_body
from api.notify.bodies.table import BODIES
from api.notify.channel import Channel
from api.notify.guard import Guard
from api.notify.mail import Mailer, MailFault, MailNotSent
from api.notify.message import Message, sentence, title
from api.notify.outcome import Later, Outcome
from api.notify.outgoing import TOTAL_S, Answered, Failed, Send, send
from api.notify.postmark import Postmark
from api.notify.signing import signed_headers
from engine.ports import Clock

log = logging.getLogger("statflow.notify")

MAILS_AN_HOUR: Final = 20
"""Alert mails to one address; what comes beyond is told together, as soon as there is room."""

Shout = Callable[[str, str, str], bool]
"""Tells an apprise URL a title and a text, in a thread; False when it was not taken."""


@dataclass(eq=False, slots=True)
class Carriers:
    """All ways out of this server; `shout` is there when the operator allows apprise."""

    guard: Guard
    vault: Vault
    mailer: Mailer
    clock: Clock
    public_url: str
    shout: Shout | None = None
    send: Send = send
    postmark: Postmark = field(default_factory=lambda: Postmark(MAILS_AN_HOUR))

    async def carry(self, channel: Channel, message: Message) -> Outcome:
        """Send a message to a channel."""
        try:
            if channel.type == "email":
                return await self._mail(channel, message)
            if channel.type == "apprise":
                return await self._shout(channel, message)
            return await self._webhook(channel, message)
        except VaultFault as fault:
            log.error("the secret of %s cannot be read: %s", channel.id, fault)
            return Failed("secret", "the secret of the channel cannot be read")

    async def _webhook(self, channel: Channel, message: Message) -> Outcome:
        if channel.body == "pagerduty":
            key = self._open(channel, [channel.key] if channel.key else [])
            body = msgspec.json.encode(pagerduty_body(message, key[0] if key else ""))
        else:
            body = msgspec.json.encode(BODIES[channel.body](message))
        headers = {"content-type": "application/json"}
        secrets = self._open(channel, channel.secrets)
        headers |= signed_headers(secrets, message.id, self.clock.now_ms() // 1000, body)
        return await self.send(self.guard, "POST", channel.target, headers, body)

    async def _mail(self, channel: Channel, message: Message) -> Outcome:
        now_ms = self.clock.now_ms()
        at_ms = self.postmark.room_at(channel.target, now_ms)
        if at_ms > now_ms:
            return Later(at_ms)
        host = urlsplit(self.public_url).hostname or "localhost"
        try:
            await self.mailer.send(alert_mail(message, channel.target, host))
        except MailNotSent as error:
            return Failed("mail", f"{error}", final=not error.temporary)
        except MailFault as fault:
            return Failed("mail", f"{fault}", final=True)
        self.postmark.note(channel.target, now_ms)
        return Answered(250)

    async def _shout(self, channel: Channel, message: Message) -> Outcome:
        if self.shout is None:
            return Failed("apprise", "whoever runs the server does not allow apprise")
        url = self._open(channel, [channel.key] if channel.key else [])[0]
        text = "\n".join(sentence(notice) for notice in message.notices)
        taken = False
        with trio.move_on_after(TOTAL_S):
            taken = await trio.to_thread.run_sync(
                self.shout, url, title(message), text, abandon_on_cancel=True
            )
        return Answered(200) if taken else Failed("apprise", "the service did not take it")

    def _open(self, channel: Channel, sealed: Sequence[bytes]) -> list[str]:
        return [self.vault.open(one, channel.id) for one in sealed]
