"""Room in memories that have a limit. Pure."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def make_room(memory: dict[K, V], limit: int) -> None:
    """Drop the oldest entries until there is room for one more."""
    while len(memory) >= limit:
        del memory[next(iter(memory))]
