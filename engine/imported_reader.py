"""Reading what was counted here together with what was imported.

Law: the answer is in one tier. It is as wide as the widest imported bucket in it that is seen: what
nobody knows in detail is not made up, and what is known wider is not left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.imported import Layer, hiding_tier, seen
from engine.ladder import BUCKETS, SPREADS, Ladder
from engine.ports import Span
from engine.reader import Content, Wanted
from engine.rollup import Rollups
from engine.tiers import BY_NUMBER, D1, FAR_S, HISTOGRAMS, S1, STORED, Tier
from engine.window import Newest

if TYPE_CHECKING:
    from engine.histogram import Histograms
    from engine.queries import Queries, Reading


async def read_with_imports(
    queries: "Queries", stat: int, tier: Tier, from_s: int, to_s: int
) -> "Reading[Rollups]":
    """As `Queries.read`; wider where something was only imported so.

    Then the first bucket is the one that holds `from_s`.
    """
    await queries.caught_up()
    # Whole days: a bucket may be hidden by another that lies in its day but not in the range.
    low, high = days_of(from_s, to_s)
    layers = (await layers_of(queries, [stat], BUCKETS, low, high)).get(stat)
    if not layers:
        return await queries.read(stat, tier, from_s, to_s)
    kept = S1 if queries.has_seconds(tier, from_s) else queries.finest_kept(STORED, tier, from_s)
    answering = {one.tier: queries.finest_kept(STORED, one.tier, from_s) for one in layers}
    hiding = _hiding(queries, layers, low)
    tiers = {kept, *answering.values(), *hiding.values()} - {S1}
    wanted = [Wanted(stat, one, low, high) for one in tiers]
    readings = await queries.read_at_once(wanted, BUCKETS.empty)
    counted = {one.tier: one.rollups for one in readings}
    shown = _in_range(seen(layers, _hidden_by(hiding, counted)), from_s, to_s)
    if not shown:
        return await queries.read(stat, tier, from_s, to_s)
    answer = max(kept, *(answering[one] for one, _ in shown), key=_width_s)
    reading = next(one for one in readings if one.tier is answer)
    return _together(reading, shown, Wanted(stat, tier, from_s, to_s))


async def read_histograms_with_imports(
    queries: "Queries", stat: int, tier: Tier, from_s: int, to_s: int
) -> "Reading[Histograms]":
    """As `Queries.read_histograms`; wider where something was only imported so."""
    await queries.caught_up()
    low, high = days_of(from_s, to_s)
    layers = (await layers_of(queries, [stat], SPREADS, low, high)).get(stat)
    shown = _in_range(await _seen(queries, stat, layers, low, high), from_s, to_s) if layers else []
    if not shown:
        return await queries.read_histograms(stat, tier, from_s, to_s)
    kept = queries.finest_kept(HISTOGRAMS, tier, from_s)
    answering = (queries.finest_kept(HISTOGRAMS, one, from_s) for one, _ in shown)
    answer = max(kept, *answering, key=_width_s)
    wanted = [Wanted(stat, answer, low, high)]
    (reading,) = await queries.read_at_once(wanted, SPREADS.empty)
    return _together(reading, shown, Wanted(stat, tier, from_s, to_s))


async def imports_seen(
    queries: "Queries", stat: int, ladder: Ladder[Content], from_s: int, to_s: int
) -> list[tuple[Tier, Content]]:
    """What was imported in whole days and is not hidden, in the tiers that it is in."""
    layers = (await layers_of(queries, [stat], ladder, from_s, to_s)).get(stat)
    return await _seen(queries, stat, layers, from_s, to_s) if layers else []


async def latest_with_imports(queries: "Queries", stats: Sequence[int]) -> dict[int, Newest]:
    """As `Queries.latest`; an imported bucket that begins after the newest point is newer."""
    found = await queries.latest(stats)
    imports = queries.partition.imports.of_stat
    wanted = [
        (number, Span(stat, tier, 0, FAR_S))
        for stat in stats
        for number in imports.get(stat, ())
        for tier in STORED
    ]
    partition = queries.partition
    chunks = await partition.store.imported(partition.number, wanted, newest=True) if wanted else []
    for (_, span), chunk in zip(wanted, chunks, strict=True):
        rows = chunk[0].content if chunk else None
        if isinstance(rows, Rollups) and len(rows):
            newest = found.get(span.stat)
            if newest is None or 1000 * int(rows.start[-1]) > newest.at_ms:
                found[span.stat] = Newest(int(rows.last_ms[-1]), float(rows.last[-1]))
    return found


async def layers_of(
    queries: "Queries", stats: Sequence[int], ladder: Ladder[Content], from_s: int, to_s: int
) -> dict[int, list[Layer[Content]]]:
    """What each import has of some stats in [from_s, to_s), whose ends are those of days."""
    partition = queries.partition
    wanted = [
        (number, Span(stat, tier, tier.chunk(from_s), to_s))
        for stat in stats
        for number in partition.imports.of_stat.get(stat, ())
        for tier in ladder.tiers
    ]
    found = await partition.store.imported(partition.number, wanted) if wanted else []
    kind = type(ladder.empty)
    layers: dict[int, list[Layer[Content]]] = {}
    for (number, span), chunks in zip(wanted, found, strict=True):
        rows = [chunk.content for chunk in chunks if isinstance(chunk.content, kind)]
        for alike in _of_one_scale(rows):
            if len(joined := kind.joined(alike).between(from_s, to_s)):
                layer = Layer(number, BY_NUMBER[span.tier.number], joined)
                layers.setdefault(span.stat, []).append(layer)
    return layers


def _of_one_scale(parts: Sequence[Content]) -> Iterable[list[Content]]:
    """Parts that can be joined as they are: none of them would lose what its scale tells."""
    found: dict[int, list[Content]] = {}
    for part in parts:
        found.setdefault(getattr(part, "scale", 0), []).append(part)
    return found.values()


def days_of(from_s: int, to_s: int) -> tuple[int, int]:
    """A range, widened to whole days."""
    return D1.bucket(from_s), D1.bucket(to_s - 1) + D1.width_s


async def _seen(
    queries: "Queries", stat: int, layers: Sequence[Layer[Content]], from_s: int, to_s: int
) -> list[tuple[Tier, Content]]:
    """What is not hidden by buckets that were counted here."""
    hiding = _hiding(queries, layers, from_s)
    wanted = [Wanted(stat, one, from_s, to_s) for one in set(hiding.values())]
    readings = await queries.read_at_once(wanted, BUCKETS.empty)
    counted = {one.tier: one.rollups for one in readings}
    return seen(layers, _hidden_by(hiding, counted))


def _hiding(queries: "Queries", layers: Iterable[Layer[Content]], from_s: int) -> dict[int, Tier]:
    """By the number of each layer's tier, in which one to look for what hides it."""
    return {
        one.tier.number: queries.finest_kept(STORED, hiding_tier(one.tier), from_s)
        for one in layers
    }


def _hidden_by(
    hiding: Mapping[int, Tier], counted: Mapping[Tier, Rollups]
) -> dict[int, tuple[Tier, Rollups]]:
    return {number: (tier, counted[tier]) for number, tier in hiding.items()}


def _together(
    reading: "Reading[Content]", shown: Sequence[tuple[Tier, Content]], wanted: Wanted
) -> "Reading[Content]":
    """What was counted and what was imported, in the range, in buckets as wide as the reading's."""
    answer = reading.tier
    kind = type(reading.rollups)
    # Who asks for this very tier has thought of its edges; else the first bucket holds the begin.
    begin_s = wanted.from_s if answer is not wanted.tier else wanted.from_s + answer.width_s - 1
    end_s = answer.bucket(wanted.to_s + answer.width_s - 1)
    parts = [rows for _, rows in shown]
    parts.append(reading.rollups)
    rows = kind.merged(parts, answer.width_s).between(answer.bucket(begin_s), end_s)
    return replace(reading, rollups=rows)


def _in_range(
    shown: Sequence[tuple[Tier, Content]], from_s: int, to_s: int
) -> list[tuple[Tier, Content]]:
    """The buckets that overlap a range."""
    found = []
    for tier, rows in shown:
        inside = rows.between(from_s - tier.width_s + 1, to_s)
        if len(inside):
            found.append((tier, inside))
    return found


def _width_s(tier: Tier) -> int:
    return tier.width_s
