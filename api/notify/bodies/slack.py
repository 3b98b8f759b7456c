"""The body of Slack's incoming webhooks, which Mattermost and Rocket.Chat read too. Pure."""

from typing import Any, Final

from api.notify.message import Message, Notice, sentence, title

TEXT_MAX: Final = 2_900
"""Characters of one section; Slack takes 3,000."""

BAD: Final = "#d9363e"
GOOD: Final = "#2e9e5b"


def slack_body(message: Message) -> dict[str, Any]:
    """A heading, and a section for each notice."""
    blocks = [_section(notice) for notice in message.notices]
    return {
        "text": escaped(title(message)),
        "attachments": [{"color": GOOD if message.resolved else BAD, "blocks": blocks}],
    }


def escaped(text: str) -> str:
    """Text that Slack shows as it is, whatever stands in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(notice: Notice) -> dict[str, Any]:
    lines = [escaped(sentence(notice))]
    if notice.reason and notice.reason not in lines[0]:
        lines.append(escaped(notice.reason))
    links = {
        "Chart": notice.chart,
        "Acknowledge": notice.acknowledge,
        "Snooze": notice.snooze,
        "Runbook": notice.runbook,
    }
    shown = [f"<{escaped(url)}|{name}>" for name, url in links.items() if url]
    if shown:
        lines.append(" · ".join(shown))
    text = "\n".join(lines)[:TEXT_MAX]
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
