"""An alert as an e-mail: plain text and HTML with the last values as a picture. Pure.

Everything that people can choose (names, labels, reasons) is text here, never markup.
"""

from html import escape
from typing import Final

from api.notify.dates import iso_text
from api.notify.mail import Mail
from api.notify.message import Message, Notice, sentence, title
from api.notify.sparkline import html_line, text_line

BAD: Final = "#d9363e"
GOOD: Final = "#2e9e5b"


def alert_mail(message: Message, to: str, host: str) -> Mail:
    """The mail of a message; its id makes repeats of it one mail to mail programs."""
    first = message.notices[0]
    headers = {
        "Message-ID": f"<{message.id}@{host}>",
        # Mail programs show an episode as one conversation.
        "References": f"<{first.episode}@{host}>",
        "X-StatFlow-Alert": first.alert,
    }
    subject = " ".join(title(message).split())
    return Mail(to, subject, _text(message), _html(message), headers)


def confirmation_mail(to: str, link: str) -> Mail:
    """Asks whoever has the address whether they want to be told."""
    text = (
        "Somebody wants alerts of StatFlow to be sent to this address.\n\n"
        f"If you agree, open this page and confirm:\n\n{link}\n\n"
        "If you do not, do nothing: no alert is sent.\n"
    )
    return Mail(to, "Alerts for this address?", text)


def _text(message: Message) -> str:
    parts = [_text_of(notice) for notice in message.notices]
    if message.more:
        parts.append(f"and {message.more} more: {message.public_url}")
    return "\n\n".join(parts) + "\n"


def _text_of(notice: Notice) -> str:
    lines = [f"{notice.name} is {notice.state}", sentence(notice), f"at {iso_text(notice.at_ms)}"]
    if notice.reason and notice.reason != lines[1]:
        lines.append(notice.reason)
    if notice.points:
        lines.append(text_line(notice.points))
    return "\n".join([*lines, *(f"{name}: {url}" for name, url in _links(notice))])


def _html(message: Message) -> str:
    parts = "".join(_html_of(notice) for notice in message.notices)
    if message.more:
        parts += f'<p><a href="{escape(message.public_url)}">and {message.more} more</a></p>'
    return (
        '<!doctype html><html><body style="font:15px/1.5 sans-serif;color:#1c1c1c">'
        f"{parts}</body></html>"
    )


def _html_of(notice: Notice) -> str:
    color = GOOD if notice.event == "resolved" else BAD
    parts = [
        f'<h2 style="margin:0 0 4px;font-size:18px;color:{color}">'
        f"{escape(notice.name)} is {escape(notice.state)}</h2>",
        f'<p style="margin:0 0 8px">{escape(sentence(notice))}<br>{iso_text(notice.at_ms)}</p>',
    ]
    if notice.reason and notice.reason != sentence(notice):
        parts.append(f'<p style="margin:0 0 8px">{escape(notice.reason)}</p>')
    if notice.points:
        parts.append(html_line(notice.points, color))
    shown = (f'<a href="{escape(url)}">{name}</a>' for name, url in _links(notice))
    parts.append(f'<p style="margin:8px 0 24px">{" · ".join(shown)}</p>')
    return "".join(parts)


def _links(notice: Notice) -> list[tuple[str, str]]:
    named = {
        "Chart": notice.chart,
        "Acknowledge": notice.acknowledge,
        "Snooze": notice.snooze,
        "Runbook": notice.runbook,
    }
    return [(name, url) for name, url in named.items() if url]
