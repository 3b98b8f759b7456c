"""What an answer means for the batch that it answers. Pure.

Law: 2xx is stored for good. What may pass (too fast, too busy, no answer) is sent again under the
same key; what the server refuses for good is told, and never sent again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

MESSAGE_LENGTH_MAX: Final = 300
"""Characters of an explanation that are passed on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody answered, or not to the end: what was sent may be stored or not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A point that the server does not take: its place in the batch, and why."""

    index: int
    code: str
    message: str


class Stored(NamedTuple):
    """All is stored but the refused ones; `duplicates` were stored before."""

    duplicates: int
    refused: tuple[Refusal, ...]


class Again(NamedTuple):
    """To be sent again as it is: after so many seconds, or None when the server named no time."""

    after_s: float | None
    code: str
    message: str


class Without(NamedTuple):
    """Nothing is stored because of these; the others may be sent under another key."""

    refused: tuple[Refusal, ...]


class Smaller(NamedTuple):
    """Nothing is stored because it is too much at once."""

    code: str
    message: str


class Expired(NamedTuple):
    """The server finds the key too old to know whether it was used."""

    message: str


class Lost(NamedTuple):
    """Nothing of it will ever be stored."""

    code: str
    message: str


Verdict = Stored | Again | Without | Smaller | Expired | Lost


def verdict_on(answer: Answer | NoAnswer, points: int) -> Verdict:
    """What to do with a batch of so many points."""
    if isinstance(answer, NoAnswer):
        return Again(None, "no_answer", answer.reason)
    said = _said(answer.body)
    if 200 <= answer.status < 300:
        return Stored(_whole(said.get("duplicates")), tuple(_refusals(said, "rejected", points)))
    code = _text(said.get("code")) or f"status_{answer.status}"
    message = _text(said.get("detail")) or _text(said.get("title")) or f"HTTP {answer.status}"
    if answer.status in TRANSIENT:
        return Again(retry_after_s(answer.headers), code, message)
    if code == "idempotency_key_expired":
        return Expired(message)
    if answer.status == 413:
        return Smaller(code, message)
    if 300 <= answer.status < 400:
        place = answer.headers.get("location", "elsewhere")
        return Lost(code, f"the server is at {place[:MESSAGE_LENGTH_MAX]}: set STATFLOW_URL")
    named = tuple(_refusals(said, "errors", points))
    if code == "batch_rejected":
        # The list may end early, yet every one of the batch is meant.
        known = {refusal.index: refusal for refusal in named}
        return Stored(0, tuple(known.get(n, Refusal(n, code, message)) for n in range(points)))
    return Without(named) if named else Lost(code, message)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` asks for, said as a number or as a date."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        # Both by the server's clock: ours may be wrong.
        until, now = (parsedate_to_datetime(text) for text in (given, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _said(body: bytes) -> Mapping[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _refusals(said: Mapping[str, object], field: str, points: int) -> Iterator[Refusal]:
    named = said.get(field)
    seen = set()
    for one in named if isinstance(named, list) else ():
        index = one.get("index") if isinstance(one, dict) else None
        if isinstance(index, int) and 0 <= index < points and index not in seen:
            seen.add(index)
            yield Refusal(index, _text(one.get("code")) or "refused", _text(one.get("message")))


def _text(given: object) -> str:
    return given[:MESSAGE_LENGTH_MAX] if isinstance(given, str) else ""


def _whole(given: object) -> int:
    return given if isinstance(given, int) and given >= 0 else 0
