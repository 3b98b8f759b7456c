"""How much of the bodies of requests may be in memory at a time. Pure.

Law: whoever holds bytes of a body has taken them here, and gives them back.
"""

from typing import Final

BODIES_LIMIT: Final = 64 * 2**20
"""Bytes of bodies that are in memory at a time, of all requests."""


class BodyRoom:
    """The bytes that are held, whichever server reads them."""

    def __init__(self) -> None:
        self.held_bytes = 0

    def __repr__(self) -> str:
        return f"<BodyRoom {self.held_bytes} bytes held>"

    def take(self, size: int) -> bool:
        """Hold so many more bytes; False when there is no room, and then they are not held."""
        if self.held_bytes + size > BODIES_LIMIT:
            return False
        self.held_bytes += size
        return True

    def give_back(self, size: int) -> None:
        """Hold so many bytes less."""
        self.held_bytes -= size
