"""Messages for tests."""

from typing import Any

from api.notify.message import Message, Notice

AT_MS = 1_795_302_000_000


def a_notice(**changed: Any) -> Notice:  # ruff: ignore[any-type]
    """A counter that is above its threshold."""
    fields: dict[str, Any] = {
        "episode": "ep_7Gk", "seq": 3, "event": "firing", "alert": "al_1", "name": "too many",
        "kind": "threshold", "state": "FIRING", "severity": "critical", "at_ms": AT_MS,
        "decided_ms": AT_MS + 20, "started_ms": AT_MS, "stat": "st_7", "stat_name": "orders.failed",
        "value": 12.0, "threshold": 10.0, "op": ">", "window": "1m", "aggregate": "sum",
        "chart": "https://stats.example/stats/st_7", "points": (1.0, 4.0, 12.0),
    }  # fmt: skip
    return Notice(**{**fields, **changed})


def a_message(*notices: Notice, **changed: Any) -> Message:  # ruff: ignore[any-type]
    """One notice unless others are given."""
    fields: dict[str, Any] = {
        "id": "msg_ep_7Gk_3_ch_1", "sent_ms": AT_MS + 32, "public_url": "https://stats.example",
        "notices": notices or (a_notice(),),
    }  # fmt: skip
    return Message(**{**fields, **changed})


def resolved(**changed: Any) -> Notice:  # ruff: ignore[any-type]
    """The end of that episode."""
    ended = {"event": "resolved", "state": "OK", "seq": 4, "ended_ms": AT_MS + 60_000, "value": 2.0}
    return a_notice(**{**ended, **changed})
