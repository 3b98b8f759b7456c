"""Buckets of a dump into the engine: a block of stats at a time.

Law: what is there already is not written again, so a repeat changes nothing; what was written may
be written again, so it does not matter where the work was broken off.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import trio

from api.importing.dump import Dump
from api.importing.faults import Fault
from api.importing.found import FoundStat
from api.importing.series import layers_of
from api.plans.allowances import Allowance
from engine.histogram import Histograms
from engine.imported import Layer, differing, seen
from engine.intake import NotAccepted
from engine.ladder import BUCKETS, SPREADS, Ladder
from engine.node import Node
from engine.points import Batch, Command
from engine.reader import Content
from engine.rollup import Rollups
from engine.stats import NAME_LENGTH_MAX, Kind, Stat, name_fault
from engine.tiers import Tier
from engine.turn import NO_POINTS
from storage.directory import Directory
from storage.imports import chunks_of, put_commands

if TYPE_CHECKING:
    from engine.ports import Chunk

STATS_A_BLOCK: Final = 100
"""Stats that are read, compared and written together."""

BATCH_BYTES: Final = 256 * 1024
BATCH_COMMANDS: Final = 1_000
"""What goes into the log at a time: others have to get their turn."""

PATIENCE_S: Final = 600.0
"""A store that takes nothing for so long ends the import; it can be repeated."""

PAUSE_S: Final = 0.2
PAUSE_S_MAX: Final = 10.0


@dataclass(eq=False, slots=True)
class Block:
    """What was read of some stats: buckets and histograms by name, and what is wrong."""

    wanted: dict[str, Kind] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    uncounted: list[str] = field(default_factory=list)
    layers: dict[str, Sequence[tuple[Tier, Rollups]]] = field(default_factory=dict)
    spreads: dict[str, Sequence[tuple[Tier, Histograms]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    buckets_new: int = 0
    buckets_same: int = 0
    buckets_out: int = 0
    histograms_new: int = 0
    histograms_same: int = 0


def read_block(
    dump: Dump, found: Iterable[FoundStat], known: Mapping[str, Stat], more: int | None
) -> Block:
    """Read some stats; `more` is how many stats the plan lets the account make. Waits for files."""
    block = Block()
    for stat in found:
        there = known.get(stat.name)
        kind = there.kind if there is not None else stat.kind
        fault = _fault(stat, there, kind)
        if fault is None and there is None and more is not None and len(block.wanted) >= more:
            fault = "the plan does not allow more stats"
        if fault is not None or kind is None:
            block.faults.append(Fault(stat.name, fault or ""))
            continue
        contents = dump.read(stat, kind)
        block.faults += contents.faults
        if there is None:
            block.wanted[stat.name] = kind
            if stat.unit:
                block.units[stat.name] = stat.unit
            if not stat.percentiles:
                block.uncounted.append(stat.name)
        block.layers[stat.name] = layers_of(contents.series)
        if contents.spreads:
            block.spreads[stat.name] = contents.spreads
    return block


def within(block: Block, allowance: Allowance, now_ms: int) -> None:
    """Leave out what the plan does not keep, and what lies in the future."""
    oldest_s = allowance.oldest_ms(now_ms) // 1000
    end_s = now_ms // 1000
    for name, layers in block.layers.items():
        kept = [(tier, rows.between(oldest_s, end_s + tier.width_s)) for tier, rows in layers]
        block.buckets_out += sum(len(rows) for _, rows in layers) - sum(len(r) for _, r in kept)
        block.layers[name] = kept
    for name, spreads in block.spreads.items():
        block.spreads[name] = [
            (tier, rows.between(oldest_s, end_s + tier.width_s)) for tier, rows in spreads
        ]


async def compare(node: Node, block: Block, known: Mapping[str, Stat]) -> None:
    """Leave out what is there already."""
    held = await _held(node, block.layers, known, BUCKETS)
    for name, layers in block.layers.items():
        kept = _differing(layers, held.get(name, []))
        new = sum(len(rows) for _, rows in kept)
        block.buckets_new += new
        block.buckets_same += sum(len(rows) for _, rows in layers) - new
        block.layers[name] = kept
    spread = await _held(node, block.spreads, known, SPREADS)
    for name, spreads in block.spreads.items():
        changed = _differing(spreads, spread.get(name, []))
        new = sum(len(np.unique(rows.start)) for _, rows in changed)
        block.histograms_new += new
        block.histograms_same += sum(len(np.unique(rows.start)) for _, rows in spreads) - new
        block.spreads[name] = changed


async def _held(
    node: Node, names: Iterable[str], known: Mapping[str, Stat], ladder: Ladder[Content]
) -> dict[str, list[Layer[Content]]]:
    """What imports have of stats already, by name."""
    there: dict[int, dict[int, str]] = {}
    for name in names:
        if (stat := known.get(name)) is not None:
            there.setdefault(stat.partition, {})[stat.id] = name
    held = {}
    for partition, stats in there.items():
        for stat_id, layers in (await node.imported(partition, list(stats), ladder)).items():
            held[stats[stat_id]] = layers
    return held


def _differing(
    layers: Sequence[tuple[Tier, Content]], held: Sequence[Layer[Content]]
) -> list[tuple[Tier, Content]]:
    """What of a stat is not there already."""
    there = {tier: _held_in(tier, held) for tier in {tier for tier, _ in layers}}
    return [(tier, differing(rows, there[tier])) for tier, rows in layers]


async def write(node: Node, directory: Directory, account: int, number: int, block: Block) -> None:
    """Make the stats of a block and put its buckets; raises NotAccepted when patience ends."""
    if block.wanted:
        await _patiently(lambda: directory.register(account, block.wanted))
    known = directory.names(account)
    for name, unit in block.units.items():
        await _patiently(partial(directory.change, known[name].id, unit=unit))
    for name in block.uncounted:
        await _patiently(partial(directory.change, known[name].id, percentiles=False))
    commands = await trio.to_thread.run_sync(_commands, number, block, dict(known))
    for partition, part in commands.items():
        for batch in _batches(part):
            await submit(node, partition, batch)


async def submit(node: Node, partition: int, commands: Sequence[Command]) -> None:
    """Append commands, again and again while the store takes nothing; they may be repeated."""
    batch = Batch(NO_POINTS, commands=tuple(commands))
    await _patiently(lambda: node.submit(partition, batch))


async def _patiently(step: Callable[[], Awaitable[object]]) -> None:
    deadline, pause_s = trio.current_time() + PATIENCE_S, PAUSE_S
    while True:
        try:
            await step()
        except NotAccepted:
            if trio.current_time() > deadline:
                raise
            await trio.sleep(pause_s)
            pause_s = min(PAUSE_S_MAX, 2 * pause_s)
        else:
            return


def _fault(stat: FoundStat, there: Stat | None, kind: Kind | None) -> str | None:
    """Why a stat cannot be imported."""
    if name_fault(stat.name) is not None:
        return f"a name has 1 to {NAME_LENGTH_MAX} characters, none of which hides or breaks a line"
    if kind is None:
        return "nothing says whether it is a counter or a value: give its type (type=)"
    if there is None:
        return None
    if there.state != "live":
        return "it is in the trash: restore it first, or remove it for good"
    if stat.kind not in (None, there.kind):
        return f"it is a {stat.kind} there, and a {there.kind} here"
    return None


def _held_in(tier: Tier, held: Sequence[Layer[Content]]) -> list[Content]:
    """What is seen of imports in a tier: of equal times the later import."""
    mine = [one for one in held if one.tier is tier]
    return [rows for _, rows in seen(mine, {tier.number: (tier, Rollups.empty())})]


def _commands(number: int, block: Block, known: Mapping[str, Stat]) -> dict[int, list[Command]]:
    """The commands for each partition."""
    rows: dict[tuple[int, Tier], list[Rollups]] = {}
    chunks: dict[int, list[Chunk]] = {}
    for name, layers in block.layers.items():
        stat = known.get(name)
        for tier, part in layers:
            if stat is not None and len(part):
                owned = replace(part, stat=np.full(len(part), stat.id))
                rows.setdefault((stat.partition, tier), []).append(owned)
    for (partition, tier), parts in rows.items():
        parts.sort(key=lambda one: int(one.stat[0]))
        chunks.setdefault(partition, []).extend(chunks_of(tier, Rollups.joined(parts)))
    for name, spreads in block.spreads.items():
        stat = known.get(name)
        for tier, spread in spreads:
            if stat is not None:
                # Each by itself: together they would have the coarsest scale of all, and a chunk
                # of one stat stands in one of them as a whole.
                mine = replace(spread, stat=np.full(len(spread), stat.id))
                chunks.setdefault(stat.partition, []).extend(chunks_of(tier, mine))
    return {partition: put_commands(number, part) for partition, part in chunks.items()}


def _batches(commands: Sequence[Command]) -> Iterator[Sequence[Command]]:
    begin, size = 0, 0
    for place, command in enumerate(commands):
        size += len(command.body)
        if size > BATCH_BYTES or place - begin >= BATCH_COMMANDS:
            yield commands[begin : place + 1]
            begin, size = place + 1, 0
    if begin < len(commands):
        yield commands[begin:]
