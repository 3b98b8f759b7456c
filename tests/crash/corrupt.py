"""Damage in the store, as a bad disk or a bad hand would do it."""

from typing import Any

import redis

from storage.keys import Keys


def corrupt_chunk(client: redis.Redis, keys: Keys) -> int:
    """Change the end of a chunk of some stat; returns which."""
    stats: Any = client.zrange(keys.active, 0, 0)
    history = f"{keys.history}:{int(stats[0])}"
    chunks: Any = client.zrange(history, 0, 0, withscores=True)
    ((member, place),) = chunks
    client.zrem(history, member)
    client.zadd(history, {member[:-1] + b"\x00\x01": place})
    return int(stats[0])


def corrupt_frame(client: redis.Redis, keys: Keys) -> None:
    """Cut the end off the oldest frame."""
    frames: Any = client.xrange(keys.recent)
    client.delete(keys.recent)
    for number, (name, fields) in enumerate(frames):
        frame = fields[b"b"]
        client.xadd(keys.recent, {b"b": frame if number else frame[:-3]}, id=name)
