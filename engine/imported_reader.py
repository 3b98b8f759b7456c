"""Reading what was counted here together with what was imported.

Law: the answer is in one tier. It is as wide as the widest imported bucket in it that is seen: what
nobody knows in detail is not made up, and what is known wider is not left out.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.imported import Layer, seen
from engine.ports import Span
from engine.reader import Wanted
from engine.rollup import Rollups
from engine.tiers import BY_NUMBER, D1, S1, STORED, Tier

if TYPE_CHECKING:
    from engine.queries import Queries, Reading


async def read_with_imports(
    queries: "Queries", stat: int, tier: Tier, from_s: int, to_s: int
) -> "Reading[Rollups]":
    """As `Queries.read`; wider where something was only imported so.

    Then the first bucket is the one that holds `from_s`.
    """
    await queries.caught_up()
    # Whole days: a bucket may be hidden by another that lies in its day but not in the range.
    low, high = D1.bucket(from_s), D1.bucket(to_s - 1) + D1.width_s
    layers = (await layers_of(queries, [stat], low, high)).get(stat)
    if not layers:
        return await queries.read(stat, tier, from_s, to_s)
    kept = S1 if queries.has_seconds(tier, from_s) else queries.finest_kept(STORED, tier, from_s)
    answering = {one.tier: queries.finest_kept(STORED, one.tier, from_s) for one in layers}
    hiding = {one.tier: queries.finest_kept(STORED, one.tier, low) for one in layers}
    tiers = {kept, *answering.values(), *hiding.values()} - {S1}
    readings = await queries.read_at_once([Wanted(stat, one, low, high) for one in tiers])
    counted = {one.tier: one for one in readings}
    hidden_by = {one.number: (by, counted[by].rollups) for one, by in hiding.items()}
    shown = _in_range(seen(layers, hidden_by), from_s, to_s)
    if not shown:
        return await queries.read(stat, tier, from_s, to_s)
    answer = max(kept, *(answering[one] for one, _ in shown), key=_width_s)
    begin = answer.bucket(from_s if answer is not tier else from_s + answer.width_s - 1)
    end = answer.bucket(to_s + answer.width_s - 1)
    parts = [*(rows for _, rows in shown), counted[answer].rollups]
    rollups = Rollups.merged(parts, answer.width_s).between(begin, end)
    return replace(counted[answer], rollups=rollups)


async def imports_seen(
    queries: "Queries", stat: int, from_s: int, to_s: int
) -> list[tuple[Tier, Rollups]]:
    """The imported buckets of whole days that nothing hides, in the tiers that they are in."""
    await queries.caught_up()
    layers = (await layers_of(queries, [stat], from_s, to_s)).get(stat)
    if not layers:
        return []
    hiding = {one.tier: queries.finest_kept(STORED, one.tier, from_s) for one in layers}
    tiers = set(hiding.values())
    readings = await queries.read_at_once([Wanted(stat, one, from_s, to_s) for one in tiers])
    counted = {one.tier: one.rollups for one in readings}
    return seen(layers, {one.number: (by, counted[by]) for one, by in hiding.items()})


async def layers_of(
    queries: "Queries", stats: Sequence[int], from_s: int, to_s: int
) -> dict[int, list[Layer]]:
    """What each import has of some stats in [from_s, to_s), whose ends are those of days."""
    partition = queries.partition
    wanted = [
        (number, Span(stat, tier, tier.chunk(from_s), to_s))
        for stat in stats
        for number in partition.imports.of_stat.get(stat, ())
        for tier in STORED
    ]
    found = await partition.store.imported(partition.number, wanted) if wanted else []
    layers: dict[int, list[Layer]] = {}
    for (number, span), chunks in zip(wanted, found, strict=True):
        rows = [chunk.content for chunk in chunks if isinstance(chunk.content, Rollups)]
        if rows and len(joined := Rollups.joined(rows).between(from_s, to_s)):
            layer = Layer(number, BY_NUMBER[span.tier.number], joined)
            layers.setdefault(span.stat, []).append(layer)
    return layers


def _in_range(
    shown: Sequence[tuple[Tier, Rollups]], from_s: int, to_s: int
) -> list[tuple[Tier, Rollups]]:
    """The buckets that overlap a range."""
    found = []
    for tier, rows in shown:
        inside = rows.between(from_s - tier.width_s + 1, to_s)
        if len(inside):
            found.append((tier, inside))
    return found


def _width_s(tier: Tier) -> int:
    return tier.width_s
