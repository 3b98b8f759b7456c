"""Opening the store on a server: the schema is checked, the lease is held, the links are closed."""

import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any, Final

import redis

from engine.ports import StoreError
from storage.connection import Connection
from storage.keys import STORE_META
from storage.lease import hold_lease
from storage.link import Link
from storage.redis_store import RedisStore
from storage.scripts import Threaded

SCHEMA_VERSION: Final = "1"

CHUNKS_LIMIT_S: Final = 1.5
"""A server that says nothing for so long has no chunks for us now."""

QUESTION_LIMIT_S: Final = 5.0
"""Waiting for a turn, reading and decoding chunks takes no longer than this."""


class WrongStore(StoreError):
    """What is in the store was made by another version or with other settings."""


@asynccontextmanager
async def open_store(
    url: str,
    partitions: int,
    *,
    durable: bool = True,
    seize: bool = False,
    disk_free: Callable[[], int | None] = lambda: None,
) -> AsyncGenerator[RedisStore, None]:
    """The store on the server at `url`, for this process alone.

    Raises WrongStore when it was made with another number of partitions, StoreHeld when another
    process works on it; `seize` is for those who know that process to be dead.
    """
    who = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    with (
        closing(_appends(url)) as appends,
        closing(Link(url, threads=2)) as commits,
        closing(Link(url)) as reads,
        closing(Link(url, answer_limit_s=CHUNKS_LIMIT_S, patience_s=QUESTION_LIMIT_S)) as questions,
    ):
        await check_schema(commits, partitions)
        async with hold_lease(commits, who, seize):
            yield RedisStore(
                partitions, appends.run_scripts, commits, reads, questions, durable, disk_free
            )


@asynccontextmanager
async def open_for_reading(url: str) -> AsyncGenerator[RedisStore, None]:
    """The store on the server at `url` for those who only read, beside the process that works."""
    with closing(Link(url, answer_limit_s=60.0)) as link:
        partitions = await link.run(_partitions)
        yield RedisStore(partitions, Threaded(link).run_scripts, link, link, link)


def _appends(url: str) -> Connection | Threaded:
    """The way of the appends; TLS with all its options is left to redis-py."""
    return Threaded(Link(url, threads=1)) if url.startswith("rediss:") else Connection(url)


async def check_schema(link: Link, partitions: int) -> None:
    """Note the schema in an empty store, or raise WrongStore if the store has another."""

    def step(client: redis.Redis) -> tuple[int, int]:
        client.hsetnx(STORE_META, "version", SCHEMA_VERSION)
        client.hsetnx(STORE_META, "partitions", str(partitions))
        version, count = client.hmget(STORE_META, ["version", "partitions"])
        return int(version or 0), int(count or 0)

    version, count = await link.run(step)
    if str(version) != SCHEMA_VERSION:
        raise WrongStore(f"the store has schema {version}, this program {SCHEMA_VERSION}")
    if count != partitions:
        raise WrongStore(
            f"the store was made with {count} partitions, the settings say {partitions}; "
            "the number is fixed at the first start"
        )


def _partitions(client: redis.Redis) -> int:
    count: Any = client.hget(STORE_META, "partitions")
    if count is None:
        raise WrongStore("the store is empty: no server has ever been started on it")
    return int(count)
