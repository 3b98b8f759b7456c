"""What the records of a server need from time to time: what is active, what is to be forgotten.

Activity decides the order of listings; the fold notes it in the store, and here it is read. What
has been in the trash for two days is forgotten, with all its points; so are expired documents.
"""

import logging
from typing import Final

import trio

from api.accounts.deleting import empty_deleted
from engine.intake import NotAccepted
from engine.node import Node
from engine.ports import Clock, StoreError
from engine.stats import NoSuchStat, Stat
from engine.tiers import D1, DAY_S
from storage.directory import Directory
from storage.documents import Documents

log = logging.getLogger("statflow.http")

LOOK_EVERY_S: Final = 60.0
OVERLAP_S: Final = 3_600
"""The fold is late by so much at most; the first look takes everything."""

SWEEP_DOCUMENTS: Final = 500
"""Expired documents forgotten in one call: the store does nothing else meanwhile."""


async def keep_up(node: Node, directory: Directory, documents: Documents, clock: Clock) -> None:
    """Look every minute, for ever."""
    since_s = 0
    while True:
        now_ms = clock.now_ms()
        try:
            await note_activity(node, directory, since_s)
            since_s = max(0, now_ms // 1000 - OVERLAP_S)
            for stat in directory.expired(now_ms):
                await purge(node, directory, stat)
            await empty_deleted(directory, documents, clock)
            while await documents.sweep(now_ms, SWEEP_DOCUMENTS) == SWEEP_DOCUMENTS:
                pass
        except (StoreError, NotAccepted, NoSuchStat) as error:
            log.info("the records are looked after later: %s", error)
        await trio.sleep(LOOK_EVERY_S)


async def note_activity(node: Node, directory: Directory, since_s: int) -> None:
    """Note which stats were active since then, epoch seconds."""
    for partition in range(node.partitions):
        for stat, at_s in await node.store.active(partition, since_s):
            directory.note_activity(stat, at_s)


async def purge(node: Node, directory: Directory, stat: Stat) -> None:
    """Forget a stat and its points; the audit is told how many they were."""
    if stat.state == "live":
        # So that no point comes while they are counted.
        await directory.trash(stat.id)
    reading = await node.read(stat.partition, stat.id, D1, 0, node.clock.now_ms() // 1000 + DAY_S)
    await directory.purge(stat.id, int(reading.rollups.count.sum()))
