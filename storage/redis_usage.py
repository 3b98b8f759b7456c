"""Who sent how many points, as the server keeps it: one hash per UTC day."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import redis

from storage.keys import Keys

if TYPE_CHECKING:
    from storage.scripts import Reply


def read_usage(client: redis.Redis, keys: Keys, owner: int, days: Sequence[int]) -> list[int]:
    """Points of an owner by day."""
    with client.pipeline(transaction=False) as pipeline:
        for day in days:
            pipeline.hget(f"{keys.usage}:{day}", str(owner))
        found: Reply = pipeline.execute()
    return [int(points or 0) for points in found]
