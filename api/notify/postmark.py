"""How many mails went to whom within the hour. Pure."""

from collections import deque
from typing import Final

NAMES_MAX: Final = 10_000
"""Addresses that are remembered."""

HOUR_MS: Final = 3_600_000


class Postmark:
    """When mails were sent to each address, or for each account: so many an hour and no more."""

    def __init__(self, mails_an_hour: int) -> None:
        self._mails_an_hour = mails_an_hour
        self._sent: dict[str, deque[int]] = {}

    def __repr__(self) -> str:
        return f"<Postmark {len(self._sent)} addresses>"

    def room_at(self, name: str, now_ms: int) -> int:
        """When the next mail may go: now, or later; epoch milliseconds."""
        sent = self._sent.get(name.lower(), deque())
        while sent and sent[0] <= now_ms - HOUR_MS:
            sent.popleft()
        return now_ms if len(sent) < self._mails_an_hour else sent[0] + HOUR_MS

    def note(self, name: str, now_ms: int) -> None:
        """A mail went out."""
        while len(self._sent) >= NAMES_MAX:
            del self._sent[next(iter(self._sent))]
        self._sent.setdefault(name.lower(), deque()).append(now_ms)
