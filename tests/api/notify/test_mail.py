"""Mails: what can be one, how it leaves, and what happens when it cannot."""

import email
import socket
import stat
from collections.abc import Iterator
from email import policy
from pathlib import Path
from typing import cast

import pytest
import trio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from trio.testing import MockClock

from api.notify import mail_queue, outbox
from api.notify.mail import (
    Mail,
    MailFault,
    MailNotSent,
    OutboxMailer,
    SmtpMailer,
    SmtpServer,
    default_sender,
    to_message,
)
from api.notify.mail_queue import RETRY_S, MailQueue

MAIL = Mail("ann@example.com", "Größe: 1 > 0", "Hello.\n", headers={"Message-ID": "<m1@x.org>"})


def test_a_mail_as_it_travels() -> None:
    travels = to_message(MAIL, "StatFlow <stats@example.com>").as_bytes()
    message = email.message_from_bytes(travels, policy=policy.default)
    assert message["From"] == "StatFlow <stats@example.com>"
    assert (message["To"], message["Subject"]) == ("ann@example.com", "Größe: 1 > 0")
    assert (message["Message-ID"], message["Auto-Submitted"]) == ("<m1@x.org>", "auto-generated")
    assert message.get_content().strip() == "Hello."


def test_a_mail_may_have_html_too() -> None:
    message = to_message(Mail("a@b.org", "s", "plain", "<p>rich"), "c@d.org")
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize(
    ("to", "subject", "headers"),
    [
        ("a@b.c\r\nBcc: x@y", "s", {}),
        ("a@b.c\nBcc: x@y", "s", {}),
        ("a@b.c", "s\r\n\r\nbody", {}),
        ("a@b.c", "s", {"X-One": "1\r\nX-Two: 2"}),
        ("a@b.c", "s", {"X-One: 1\nX-Two": "2"}),
        ("a@b.c", "s\x00", {}),
        ("", "s", {}),
        ("no address", "s", {}),
    ],
)
def test_nothing_starts_a_header(to: str, subject: str, headers: dict[str, str]) -> None:
    with pytest.raises(MailFault):
        Mail(to, subject, "text", headers=headers)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.x", SmtpServer("mail.x", 587, tls=False, starttls=True)),
        ("smtps://mail.x", SmtpServer("mail.x", 465, tls=True, starttls=False)),
        ("smtp+plain://[::1]:25", SmtpServer("::1", 25, tls=False, starttls=False)),
        (
            "smtp://a%40b:p%2Fw@mail.x:2525",
            SmtpServer("mail.x", 2525, False, True, "a@b", "p/w"),
        ),
    ],
)
def test_addresses_of_servers(url: str, server: SmtpServer) -> None:
    assert SmtpServer.of(url) == server
    assert "p/w" not in repr(server)


def test_somebody_sends() -> None:
    assert default_sender("stats.example") == "statflow@stats.example"


async def test_without_a_server_mails_are_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "OUTBOX_MAX", 3)
    mailer = OutboxMailer(tmp_path / "outbox", "c@d.org")
    for number in range(5):
        await mailer.send(Mail("a@b.org", f"number {number}", "text"))
    files = sorted((tmp_path / "outbox").iterdir())
    subjects = [email.message_from_bytes(file.read_bytes())["Subject"] for file in files]
    assert subjects == ["number 2", "number 3", "number 4"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700


def test_a_mail_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        outbox.keep(tmp_path, cast("bytes", "not written"))
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


async def test_an_outbox_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MailNotSent, match="the outbox"):
        await OutboxMailer(tmp_path / "file", "c@d.org").send(MAIL)


class Flaky:
    """A mailer that fails some times before it sends."""

    def __init__(self, failures: int, *, temporary: bool = True) -> None:
        self.failures = failures
        self.temporary = temporary
        self.tried_s: list[float] = []
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        await trio.lowlevel.checkpoint()
        self.tried_s.append(trio.current_time())
        if len(self.tried_s) <= self.failures:
            raise MailNotSent("not now", temporary=self.temporary)
        self.sent.append(mail)


@pytest.mark.parametrize(
    ("failures", "temporary", "tries", "sent"),
    [(0, True, 1, 1), (3, True, 4, 1), (99, True, len(RETRY_S) + 1, 0), (1, False, 1, 0)],
)
async def test_a_mail_is_tried_again(
    failures: int,
    temporary: bool,
    tries: int,
    sent: int,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    mailer = Flaky(failures, temporary=temporary)
    queue = MailQueue(mailer)
    nursery.start_soon(queue.run)
    began_s = trio.current_time()
    assert queue.put(MAIL)
    await trio.sleep(3_600)
    assert (len(mailer.tried_s), len(mailer.sent)) == (tries, sent)
    waits = [b - a for a, b in zip(mailer.tried_s, mailer.tried_s[1:], strict=False)]
    assert waits == pytest.approx(RETRY_S[: tries - 1])
    assert mailer.tried_s[0] == pytest.approx(began_s)
    nursery.cancel_scope.cancel()


def test_a_full_queue_takes_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_queue, "QUEUE_MAX", 2)
    queue = MailQueue(Flaky(0))
    assert [queue.put(MAIL) for _ in range(3)] == [True, True, False]
    assert repr(queue) == "<MailQueue 2 waiting>"


class Received:
    """What a mail server got; it refuses some."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("full"):
            return "452 try later"
        if address.startswith("nobody"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def received() -> Iterator[tuple[Received, SmtpServer]]:
    handler = Received()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, ready_timeout=20)
    controller.start()
    yield handler, SmtpServer("127.0.0.1", port, tls=False, starttls=False)
    controller.stop()


@pytest.mark.real
async def test_a_mail_by_smtp(received: tuple[Received, SmtpServer]) -> None:
    handler, server = received
    await SmtpMailer(server, "stats@example.com").send(MAIL)
    (envelope,) = handler.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("stats@example.com", ["ann@example.com"])
    for address, temporary in (("full@x.org", True), ("nobody@x.org", False)):
        with pytest.raises(MailNotSent) as refused:
            await SmtpMailer(server, "stats@example.com").send(Mail(address, "s", "t"))
        assert refused.value.temporary == temporary


@pytest.mark.real
async def test_a_mail_server_that_is_not_there() -> None:
    nowhere = SmtpServer("127.0.0.1", 1, tls=False, starttls=False)
    with pytest.raises(MailNotSent) as refused:
        await SmtpMailer(nowhere, "stats@example.com").send(MAIL)
    assert refused.value.temporary
