"""A stat as bytes: in the records of its partition, and in the commands that change it. Pure."""

from typing import Final

from engine.points import Command
from engine.ports import Damaged
from engine.stats import Kind, Stat
from storage.records import pack, unpack

PUT: Final = "stat.put"
PURGE: Final = "stat.purge"

_KINDS: Final = {kind.value: kind for kind in Kind}
_FIELDS: Final = 10


def put_command(stat: Stat) -> Command:
    """The command that makes the stat what the record says."""
    return Command(PUT, stat.id, pack_stat(stat))


def purge_command(stat: int, points: int) -> Command:
    """The command that forgets a stat for good, and `points` with it."""
    return Command(PURGE, stat, str(points).encode())


def pack_stat(stat: Stat) -> bytes:
    """The record without the id, which stands beside it."""
    return pack(
        stat.account, stat.partition, stat.name, stat.kind.value, stat.unit, stat.created_ms,
        stat.state, stat.trashed_ms, stat.percentiles, stat.revision,
    )  # fmt: skip


def unpack_stat(stat: int, record: bytes) -> Stat:
    """The stat of a record; Damaged when it cannot be read."""
    account, partition, name, kind, unit, created_ms, state, trashed_ms, percentiles, revision = (
        unpack(record, _FIELDS, "stat", stat)
    )
    if kind not in _KINDS:
        raise Damaged(f"stat {stat}: {kind!r} is no type of stats")
    return Stat(
        stat, account, partition, name, _KINDS[kind], unit, created_ms, state, trashed_ms,
        percentiles, revision,
    )  # fmt: skip
