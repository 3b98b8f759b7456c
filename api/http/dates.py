"""Moments in control requests and replies: ISO 8601 in UTC out, the same or epoch in. Pure."""

from zoneinfo import ZoneInfo

from api.http.problems import FieldError, Problem
from api.http.times import time_ms
from api.query.times import iso

UTC = ZoneInfo("UTC")


def date_text(at_ms: int) -> str:
    """Epoch milliseconds as people and programs read it."""
    return iso(at_ms, UTC).replace("+00:00", "Z")


def date_ms(given: object, field: str) -> int:
    """A moment in epoch milliseconds; Problem, naming the field, when it is none."""
    at_ms = time_ms(given)
    if at_ms is None:
        text = f"{field}: epoch seconds, or ISO 8601 with a zone: 2026-03-29T01:02:00Z."
        raise Problem("field_invalid", text, [FieldError("field_invalid", text, field=field)])
    return at_ms
