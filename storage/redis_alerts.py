"""Rules, their transitions and the outbox as the server keeps them."""

from typing import TYPE_CHECKING

import redis

from engine.ports import Message
from engine.position import Position
from storage.keys import Keys

if TYPE_CHECKING:
    from storage.scripts import Reply


def read_alerts(client: redis.Redis, keys: Keys) -> dict[str, bytes]:
    """The documents of a partition."""
    found: Reply = client.hgetall(keys.alerts)
    return {key.decode(): document for key, document in found.items()}


def read_transitions(
    client: redis.Redis, keys: Keys, before: Position | None, limit: int
) -> list[tuple[Position, bytes]]:
    """Transitions, newest first."""
    end = "+" if before is None else f"({before}"
    found: Reply = client.xrevrange(keys.changes, max=end, count=limit)
    return [(Position.parse(name), fields[b"b"]) for name, fields in found]


def read_outbox(client: redis.Redis, keys: Keys, after: Position, limit: int) -> list[Message]:
    """Messages, oldest first."""
    found: Reply = client.xrange(keys.outbox, min=f"({after}", count=limit)
    return [
        Message(
            fields[b"id"].decode(), fields[b"e"].decode(), int(fields[b"t"]), fields[b"b"],
            Position.parse(name),
        )
        for name, fields in found
    ]  # fmt: skip


def settle(client: redis.Redis, keys: Keys, places: list[str]) -> None:
    """Forget messages."""
    if places:
        client.xdel(keys.outbox, *places)
