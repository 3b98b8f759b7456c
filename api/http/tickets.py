"""Tickets that let a browser open one live stream: it can set no header there, and a key must not
stand in a URL.

Law: a ticket is good for one use within a minute. Tickets live in memory; after a restart the page
asks for another.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from api.accounts.keys import Identity
from api.http.problems import Problem, unavailable

LIFE_MS: Final = 60_000
"""A ticket is good for this long, in milliseconds."""

TICKETS_LIMIT: Final = 10_000
"""Unused tickets of this server."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    caller: Identity
    until_ms: int


class Tickets:
    """Tickets that were given out and not used."""

    def __init__(self) -> None:
        self._tickets: dict[str, _Ticket] = {}

    def __repr__(self) -> str:
        return f"<Tickets {len(self._tickets)} unused>"

    def give(self, caller: Identity, now_ms: int) -> str:
        """A new ticket for whoever asks."""
        self._forget(now_ms)
        if len(self._tickets) >= TICKETS_LIMIT:
            raise unavailable("overloaded", LIFE_MS / 1000, "Too many tickets are unused.")
        name = f"lt_{secrets.token_urlsafe(24)}"
        self._tickets[name] = _Ticket(caller, now_ms + LIFE_MS)
        return name

    def take(self, name: str, now_ms: int) -> Identity:
        """Who the ticket was given to; it is used up by that."""
        ticket = self._tickets.pop(name, None)
        if ticket is None or ticket.until_ms < now_ms:
            raise Problem("invalid_ticket", "Tickets are good once, for 60 s. Ask for another.")
        return ticket.caller

    def _forget(self, now_ms: int) -> None:
        """Drop the tickets whose time is over; they stand in the order in which it ends."""
        for name, ticket in list(self._tickets.items()):
            if ticket.until_ms >= now_ms:
                break
            del self._tickets[name]
