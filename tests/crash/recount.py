"""The ledger against a node in this process: every bucket of every tier."""

from collections.abc import Callable, Sequence

import numpy as np
import trio

from engine.audit import PartitionAudit, audit
from engine.node import Node
from engine.ports import FoldState, Store
from engine.tiers import DAY_S, HISTOGRAMS, STORED, Tier
from tests.crash.ledger import Buckets, Difference, Ledger

Place = Callable[[int], tuple[int, int]]
"""Partition and id of a stat of the ledger."""

AHEAD_S = 2 * 3_600
"""Questions end so far after now; nothing is sent for later, even by clocks that jump."""

LONG_AGO_S = 2_000 * DAY_S
ASKERS = 4


async def recounted(
    node: Node, ledger: Ledger, place: Place, now_s: int, tiers: Sequence[Tier] = STORED
) -> Difference:
    """Read every bucket of every stat in these tiers, and hold it against the ledger."""
    difference = Difference()
    states = [await node.store.fold_state(partition) for partition in range(node.partitions)]
    questions = (
        (name, tier, buckets, _kept_from(states[place(name)[0]], tier, now_s))
        for tier in tiers
        for name, buckets in ledger.expected(tier.width_s).items()
    )

    async def ask() -> None:
        for name, tier, buckets, from_s in questions:
            partition, stat = place(name)
            reading = await node.read(partition, stat, tier, from_s, now_s + AHEAD_S)
            assert reading.tier is tier, (reading.tier, tier)
            rows = reading.rollups
            actual = Buckets(rows.start, rows.count, rows.sum, rows.min, rows.max)
            expected = buckets.between(from_s, now_s + AHEAD_S)
            difference.add(f"stat {name} {tier.name}", expected, actual)

    async with trio.open_nursery() as nursery:
        for _ in range(ASKERS):
            nursery.start_soon(ask)
    return difference


async def histograms_recounted(
    node: Node, ledger: Ledger, place: Place, now_s: int, step: int = 1
) -> int:
    """Whether every point is in one bin of every tier of histograms; returns how many buckets.

    Of every `step`th stat; AssertionError where one is not.
    """
    seen = 0
    states = [await node.store.fold_state(partition) for partition in range(node.partitions)]
    for tier in HISTOGRAMS:
        for name, buckets in list(ledger.expected(tier.width_s).items())[::step]:
            partition, stat = place(name)
            from_s, to_s = _kept_from(states[partition], tier, now_s), now_s + AHEAD_S
            reading = await node.read_histograms(partition, stat, tier, from_s, to_s)
            rows, expected = reading.rollups, buckets.between(from_s, to_s)
            start, which = np.unique(rows.start, return_inverse=True)
            amount = np.bincount(which, rows.count, len(start))
            assert np.array_equal(start, expected.start), f"stat {name} {tier.name}"
            assert np.array_equal(amount, expected.amount), f"stat {name} {tier.name}"
            seen += len(expected)
    return seen


async def audited(store: Store, now_s: int) -> list[PartitionAudit]:
    """The audit of every partition."""
    return [await audit(store, partition, now_s) for partition in range(store.partitions)]


def check_audits(audits: Sequence[PartitionAudit], ledger: Ledger) -> None:
    """All equal, and with as many points as were acknowledged."""
    odd = [(one.partition, one.missing, one.faults[:5]) for one in audits if not one.equal]
    assert odd == []
    assert sum(one.appended for one in audits) == ledger.acknowledged


def _kept_from(state: FoldState, tier: Tier, now_s: int) -> int:
    """From when on a tier must have everything, in epoch seconds.

    The chunk that is the oldest now may be too old in a moment.
    """
    dropped = state.dropped.get(tier.number, 0)
    return max(tier.oldest(now_s) + tier.chunk_s, dropped, now_s - LONG_AGO_S)
