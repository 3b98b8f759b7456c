"""Every key and what it holds: the schema of the store.

Law: all keys of a partition share one hash tag, so that each of its steps touches one slot; nothing
that a user may choose is ever part of a key. The tags spread evenly over the slots of a cluster.
"""

from dataclasses import dataclass
from itertools import count
from typing import Self

from redis.crc import key_slot

SLOTS = 16_384

STORE_META = "{sf}:store"
"""Hash: `version` of the schema, number of `partitions`."""

LEASE = "{sf}:lease"
"""String with a time to live: which process works on the store."""

NEXT_STAT = "{sf}:next_stat"
"""Counter: the last stat id that was given away."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one partition.

    meta      hash: epoch, number, position, tail, serial, reply, appended, dead
    fold      hash: c and d with a tier number → closed until, dropped before (epoch s)
    log       stream of appended groups: b = frame, n = points that count, s = masked rows
    recent    stream of partials, a frame a checkpoint; its id is the log position it ends at
    claims    prefix of hashes, one per hour and shard: digest → answer
    history   prefix of sorted sets, one per stat: chunks by tier · 2⁴⁰ + start,
              each behind its position in 16 bytes
    imported  prefix of sorted sets, one per stat and import: chunks by tier · 2⁴⁰ + start
    imports   hash: stat → numbers of the imports that it has something of
    active    sorted set: stats by the start of their newest folded bucket
    records   hash: stat → its record
    purged    hash: stat → points that went with it
    dead      stream of dead letters: id, error, points, and the fields of the log entry
    alerts    hash: key of a rule or of its state → document
    changes   stream of transitions: b = record; about the last 10,000
    outbox    stream of messages that are not settled: id, e = episode, t = epoch ms, b = record
    usage     prefix of hashes, one per UTC day: owner → points; each lives for USAGE_DAYS
    """

    meta: str
    fold: str
    log: str
    recent: str
    claims: str
    history: str
    imported: str
    imports: str
    active: str
    records: str
    purged: str
    dead: str
    alerts: str
    changes: str
    outbox: str
    usage: str

    @classmethod
    def of(cls, partition: int, partitions: int) -> Self:
        """The keys of a partition among so many."""
        tag = tag_of(partition, partitions)
        return cls(*(f"{{{tag}}}:{name}" for name in cls.__slots__))


def tag_of(partition: int, partitions: int) -> str:
    """The hash tag of a partition: the first that lies in the partition's share of the slots."""
    low, high = (SLOTS * place // partitions for place in (partition, partition + 1))
    names = (f"p{partition}.{number}" for number in count())
    return next(name for name in names if low <= key_slot(name.encode()) < high)


def score(tier: int, start: int) -> int:
    """Where a chunk stands in the sorted set of its stat."""
    return (tier << 40) + start
