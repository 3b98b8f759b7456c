"""Our own body: everything that a notice knows. Pure."""

from typing import Any

from api.notify.dates import iso_text
from api.notify.message import Message, Notice, sentence, title


def own_body(message: Message) -> dict[str, Any]:
    """The message as JSON."""
    return {
        "type": f"alert.{message.event}",
        "id": message.id,
        "timestamp": iso_text(message.sent_ms),
        "status": "resolved" if message.resolved else "firing",
        "title": title(message),
        "alerts": [_alert(notice, message.sent_ms) for notice in message.notices],
        "more": message.more,
    }


def _alert(notice: Notice, sent_ms: int) -> dict[str, Any]:
    return {
        "event": notice.event,
        "alert": {"id": notice.alert, "name": notice.name, "kind": notice.kind},
        "stat": {"id": notice.stat, "name": notice.stat_name} if notice.stat else None,
        "episode": notice.episode,
        "seq": notice.seq,
        "state": notice.state,
        "severity": notice.severity,
        "value": notice.value,
        "base": notice.base,
        "op": notice.op,
        "threshold": notice.threshold,
        "window": notice.window,
        "aggregate": notice.aggregate,
        "text": sentence(notice),
        "reason": notice.reason,
        "at": iso_text(notice.at_ms),
        "started": iso_text(notice.started_ms),
        "ended": None if notice.ended_ms is None else iso_text(notice.ended_ms),
        "latency_ms": max(0, sent_ms - notice.decided_ms),
        "labels": dict(notice.labels),
        "runbook": notice.runbook,
        "links": {
            "chart": notice.chart,
            "acknowledge": notice.acknowledge,
            "snooze": notice.snooze,
        },
        "points": list(notice.points),
    }
