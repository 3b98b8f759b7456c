"""One process at a time works on a store: a lease with a time to live.

The lease only keeps a second process from starting; safety comes from the epochs that every step
compares. It runs out by the server's clock, so no clock of ours takes part.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import redis
import trio

from engine.ports import Refused, StoreError, Unavailable
from storage.keys import LEASE, STORE_META
from storage.link import Link
from storage.scripts import run_script

log = logging.getLogger("statflow.storage")

LEASE_MS: Final = 5_000
RENEW_S: Final = 1.0
GIVE_BACK_S_MAX: Final = 1.0


class StoreHeld(StoreError):
    """Another process works on the store; the text says which."""


@asynccontextmanager
async def hold_lease(link: Link, who: str, seize: bool = False) -> AsyncGenerator[None, None]:
    """Hold the store for `who` inside the block; StoreHeld when somebody else has it or takes it.

    `seize` takes it from whoever has it: for those who know that the holder is dead.
    """
    await _ask(link, who, "seize" if seize else "take")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_renew, link, who)
        yield
        nursery.cancel_scope.cancel()
    with trio.move_on_after(GIVE_BACK_S_MAX):
        await _give_back(link, who)


async def _renew(link: Link, who: str) -> None:
    while True:
        await trio.sleep(RENEW_S)
        try:
            await _ask(link, who, "renew")
        except (Unavailable, Refused) as error:  # Also while the server reads its data.
            log.warning("the lease could not be renewed: %s", error)


async def _ask(link: Link, who: str, how: str) -> None:
    def step(client: redis.Redis) -> str:
        answer: bytes = run_script(client, ("lease", [LEASE, STORE_META], [who, LEASE_MS, how]))
        return answer.decode()

    holder = await link.run(step)
    if holder == "nobody" and how == "renew":
        # It ran out while we were away, and nobody came: it is ours again.
        return await _ask(link, who, "take")
    if holder:
        raise StoreHeld(f"the store is in use by {holder}; stop that process first")
    return None


async def _give_back(link: Link, who: str) -> None:
    def step(client: redis.Redis) -> None:
        if client.get(LEASE) == who.encode():
            client.delete(LEASE)

    try:
        await link.run(step)
    except StoreError as error:
        log.warning("the lease runs out by itself: %s", error)
