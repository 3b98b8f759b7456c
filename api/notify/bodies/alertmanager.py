"""The body of Alertmanager's webhooks, version 4, so that its receivers work unchanged. Pure."""

from hashlib import sha256
from typing import Any, Final

from api.notify.dates import iso_text
from api.notify.message import OVER, Message, Notice, sentence

NO_END: Final = "0001-01-01T00:00:00Z"
"""What Alertmanager writes while an alert goes on."""


def alertmanager_body(message: Message) -> dict[str, Any]:
    """The message as Alertmanager would write it."""
    alerts = [_alert(notice, message.public_url) for notice in message.notices]
    first = message.notices[0]
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{first.name}"}}',
        "truncatedAlerts": message.more,
        "status": "resolved" if message.resolved else "firing",
        "receiver": "statflow",
        "groupLabels": {"alertname": first.name},
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": message.public_url,
        "alerts": alerts,
    }


def _alert(notice: Notice, public_url: str) -> dict[str, Any]:
    labels = {**notice.labels, "alertname": notice.name, "severity": notice.severity}
    if notice.stat_name:
        labels["stat"] = notice.stat_name
    annotations = {"summary": sentence(notice), "description": notice.reason}
    if notice.runbook:
        annotations["runbook_url"] = notice.runbook
    return {
        "status": "resolved" if notice.event in OVER else "firing",
        "labels": labels,
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": iso_text(notice.started_ms),
        "endsAt": NO_END if notice.ended_ms is None else iso_text(notice.ended_ms),
        "generatorURL": notice.chart or public_url,
        "fingerprint": sha256(f"{notice.alert}:{notice.stat}".encode()).hexdigest()[:16],
    }


def _common(given: list[dict[str, str]]) -> dict[str, str]:
    first, *others = given
    return {name: text for name, text in first.items() if all(o.get(name) == text for o in others)}
