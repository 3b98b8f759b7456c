"""Whose a stat is, and where the stats of an account may be."""

import numpy as np

from engine.clock import TrioClock
from engine.points import Command
from engine.stats import Kind, Stat
from storage.by_id import FIRST_PLACES, ById
from storage.directory import Directory
from storage.directory_record import pack_stat
from storage.memory import MemoryStore
from tests.storage.directory_log import T0_MS, Log, opened


def test_numbers_by_id_where_none_was_put_are_zero() -> None:
    column = ById()
    column.put(FIRST_PLACES * 5, 7)
    column.put(3, 2**32 - 1)
    stats = np.array([3, 4, FIRST_PLACES * 5, 10**9])
    assert column.of(stats).tolist() == [2**32 - 1, 0, 7, 0]
    assert (column[3], column[4], column[10**12]) == (2**32 - 1, 0, 0)


def test_a_purged_stat_still_has_an_owner() -> None:
    directory = Directory(MemoryStore(), TrioClock(T0_MS))
    for number, account in ((1, 5), (2, 6)):
        record = pack_stat(Stat(number, account, 0, f"s{number}", Kind.COUNTER, None, T0_MS))
        directory.apply(Command("stat.put", number, record))
    directory.apply(Command("stat.purge", 2, b"0"))
    assert directory.accounts(np.array([1, 2, 3])).tolist() == [5, 6, 0]


async def test_every_stat_is_in_a_partition_of_its_account() -> None:
    directory = opened(Log(), spread=4)
    await directory.register(1, {f"s{number}": Kind.COUNTER for number in range(200)})
    partitions = directory.partitions(1)
    assert len(partitions) == 4
    assert {stat.partition for stat in directory.names(1).values()} == set(partitions)
    assert len(opened(Log(), spread=99).partitions(1)) == 16
