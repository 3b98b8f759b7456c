"""E-mail: what a mail is, and the two ways it leaves: by SMTP, or into a directory.

Law: no text of anybody can start a header. `send` returns once the mail is out of our hands, and
never tries twice: that is for whoever keeps the mail meanwhile.
"""

import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import trio

from api.notify.outbox import keep

SEND_S: Final = 30.0
"""A server that says nothing for so long is given up."""

SENDERS: Final = 2
"""Mails under way at a time."""

SUBJECT_LENGTH_MAX: Final = 255


class MailFault(ValueError):
    """This cannot be a mail; trying again will not help."""


class MailNotSent(Exception):
    """The mail did not leave; `temporary` says whether it may later."""

    def __init__(self, text: str, *, temporary: bool) -> None:
        super().__init__(text)
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person; `headers` are more of them, such as `Message-ID`.

    MailFault when anything that goes into a header has a line break in it.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in {"To": self.to, "Subject": self.subject, **self.headers}.items():
            if any(ord(sign) < 32 or ord(sign) == 127 for sign in name + value):
                raise MailFault(f"{name}: no line breaks and no control characters")
        _address(self.to)


class Mailer(Protocol):
    """A way for mails to leave."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over; raises MailNotSent."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to hand mails over: by TLS at once, by STARTTLS, or in the clear."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """The server of `smtp://USER:PASSWORD@HOST:PORT`; `smtps` is TLS, `smtp+plain` is none."""
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        user = None if parts.username is None else unquote(parts.username)
        password = None if parts.password is None else unquote(parts.password)
        port = parts.port or (465 if tls else 587)
        return cls(parts.hostname or "", port, tls, parts.scheme == "smtp", user, password)


class SmtpMailer:
    """Mails by SMTP, each over a connection of its own in a thread."""

    def __init__(self, server: SmtpServer, sender: str, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._sender = sender
        self._tls = tls or ssl.create_default_context()
        self._limiter = trio.CapacityLimiter(SENDERS)

    def __repr__(self) -> str:
        return f"<SmtpMailer {self._server.host}:{self._server.port}>"

    async def send(self, mail: Mail) -> None:
        message = to_message(mail, self._sender)
        await trio.to_thread.run_sync(self._send, message, limiter=self._limiter)

    def _send(self, message: EmailMessage) -> None:
        try:
            with self._connected() as client:
                client.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            temporary = all(code < 500 for code in codes)
            raise MailNotSent(f"the address was refused: {codes}", temporary=temporary) from None
        except smtplib.SMTPResponseException as error:
            # A log-in that is refused may be mended; a mail that is refused will not be.
            wrong_login = isinstance(error, smtplib.SMTPAuthenticationError)
            temporary = wrong_login or error.smtp_code < 500
            raise MailNotSent(f"the server said {error.smtp_code}", temporary=temporary) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(f"the mail server: {error}", temporary=True) from error

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        client: smtplib.SMTP
        if server.tls:
            client = smtplib.SMTP_SSL(server.host, server.port, timeout=SEND_S, context=self._tls)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=SEND_S)
        try:
            if server.starttls:
                client.starttls(context=self._tls)
            if server.user is not None:
                client.login(server.user, server.password or "")
        except BaseException:
            client.close()
            raise
        return client


class OutboxMailer:
    """Mails as files in a directory, for as long as no mail server is known."""

    def __init__(self, directory: Path, sender: str) -> None:
        self._directory = directory
        self._sender = sender

    def __repr__(self) -> str:
        return f"<OutboxMailer {self._directory}>"

    async def send(self, mail: Mail) -> None:
        message = to_message(mail, self._sender).as_bytes(policy=SMTP)
        try:
            await trio.to_thread.run_sync(keep, self._directory, message)
        except OSError as error:
            raise MailNotSent(f"the outbox: {error}", temporary=True) from error


def to_message(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it travels."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender)
    message["To"] = _address(mail.to)
    message["Subject"] = mail.subject[:SUBJECT_LENGTH_MAX]
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message


def default_sender(host: str | None) -> str:
    """Whose mails they are when nobody said it."""
    return f"statflow@{host or socket.gethostname() or 'localhost'}"


def _address(text: str) -> Address:
    """An address for a header: `ann@example.com` or `StatFlow <stats@example.com>`."""
    name, _, rest = text.rpartition("<")
    try:
        return Address(name.strip().strip('"'), addr_spec=rest.strip().removesuffix(">").strip())
    except (ValueError, IndexError, AttributeError) as error:
        raise MailFault(f"{text!r} is no address") from error
