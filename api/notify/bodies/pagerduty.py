"""The body of PagerDuty's events, version 2. Pure."""

from typing import Any, Final

from api.notify.dates import iso_text
from api.notify.message import Message, Notice, sentence, title

EVENTS_URL: Final = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_MAX: Final = 1_024

SEVERITIES: Final = frozenset({"critical", "error", "warning", "info"})


def pagerduty_body(message: Message, routing_key: str) -> dict[str, Any]:
    """One event; an episode is one incident, opened when it fires and resolved when it ends."""
    first = message.notices[0]
    # Of what only late points have shown there is no incident that could be resolved.
    known = message.resolved and first.event != "late"
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if known else "trigger",
        "dedup_key": first.episode,
        "client": "StatFlow",
        "client_url": first.chart or message.public_url,
    }
    if known:
        return body
    body["payload"] = {
        "summary": f"{title(message)}: {sentence(first)}"[:SUMMARY_MAX],
        "source": first.stat_name or first.name,
        "severity": first.severity if first.severity in SEVERITIES else "critical",
        "timestamp": iso_text(first.at_ms),
        "component": first.stat_name,
        "group": first.name,
        "class": first.kind,
        "custom_details": _details(first),
    }
    named = {"Chart": first.chart, "Acknowledge": first.acknowledge, "Runbook": first.runbook}
    body["links"] = [{"href": url, "text": name} for name, url in named.items() if url]
    return body


def _details(notice: Notice) -> dict[str, Any]:
    return {
        "value": notice.value,
        "base": notice.base,
        "threshold": notice.threshold,
        "window": notice.window,
        "aggregate": notice.aggregate,
        "reason": notice.reason,
        "labels": dict(notice.labels),
    }
