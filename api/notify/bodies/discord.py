"""The body of Discord's webhooks. Pure."""

import re
from typing import Any, Final

from api.notify.dates import iso_text
from api.notify.message import OVER, Message, Notice, sentence, title

EMBEDS_MAX: Final = 10
TEXT_MAX: Final = 2_000
TITLE_MAX: Final = 256

BAD: Final = 0xD9363E
GOOD: Final = 0x2E9E5B

MARKUP: Final = re.compile(r"([\\*_~`|>\[\]#@<])")


def discord_body(message: Message) -> dict[str, Any]:
    """A heading, and an embed for each notice; nobody is pinged by what a name contains."""
    return {
        "content": plain(title(message))[:TEXT_MAX],
        "embeds": [_embed(notice) for notice in message.notices[:EMBEDS_MAX]],
        "allowed_mentions": {"parse": []},
    }


def plain(text: str) -> str:
    """Text that Discord shows as it is."""
    return MARKUP.sub(r"\\\1", text)


def _embed(notice: Notice) -> dict[str, Any]:
    links = {"Acknowledge": notice.acknowledge, "Snooze": notice.snooze, "Runbook": notice.runbook}
    lines = [plain(sentence(notice)), *(f"[{name}]({url})" for name, url in links.items() if url)]
    embed: dict[str, Any] = {
        "title": plain(notice.name)[:TITLE_MAX],
        "description": "\n".join(lines)[:TEXT_MAX],
        "color": GOOD if notice.event in OVER else BAD,
        "timestamp": iso_text(notice.at_ms),
    }
    if notice.chart:
        embed["url"] = notice.chart
    return embed
