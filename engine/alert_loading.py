"""How the windows of rules are filled: from chunks, recent frames and uncommitted points, in bulk.

Law: as for queries: the lists of partials are taken first, in one step, then the chunks are read.
What was imported stands beside them, where its buckets are no wider than the steps of the window. A
ring that only counts seconds needs no chunks: the frames of the last minutes keep the seconds of
stats that such rules look at, and the one-second tier has what was committed in this life. Of what
came before the rule, an older life kept tens of seconds only.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import trio

from engine.alert_actor import AlertActor, Source
from engine.imported_reader import days_of, imports_seen
from engine.ladder import BUCKETS, SPREADS, Ladder
from engine.ports import Unavailable
from engine.position import Position
from engine.queries import READS_MAX, Queries
from engine.reader import Content, Overtaken, Recent, Wanted, read
from engine.ring import Ring
from engine.rollup import Ints, Rollups
from engine.rules import SECONDS_SPAN_S_MAX
from engine.supervision import patiently
from engine.tiers import S1

if TYPE_CHECKING:
    from engine.partition import Partition

SOURCES_A_SLICE = 256
"""Windows that are read in one step of the store."""

FRAMES_A_SLICE = 16
LOADED_A_SLICE = 16
"""Frames that are looked through, and windows that are filled, before others get a turn."""

AHEAD_S = 61
"""Points may be this far ahead of the clock."""

FINE_KEPT_S = SECONDS_SPAN_S_MAX + AHEAD_S
"""Frames of so many seconds of the log have what windows of seconds need."""


async def load(partition: "Partition", actors: Sequence[AlertActor]) -> None:
    """Fill the windows of actors as of now; waits until the store answers."""
    missing = [source for actor in actors for source in actor.sources if not source.loaded]
    missing.sort(key=lambda source: (source.tier.number, source.stat))
    for number in dict.fromkeys(source.tier.number for source in missing):
        same = [source for source in missing if source.tier.number == number]
        for place in range(0, len(same), SOURCES_A_SLICE):
            part = same[place : place + SOURCES_A_SLICE]
            if part[0].tier is S1:
                _load_seconds(partition, part)
            else:
                await patiently(repr(partition), lambda part=part: _load(partition, part))  # type: ignore[misc]
            await trio.lowlevel.checkpoint()


async def keep_loaded(partition: "Partition") -> None:
    """For ever: fill the windows of rules that were put while the partition runs."""
    while True:
        await partition.rules_changed.wait()
        partition.rules_changed = trio.Event()
        await load(partition, partition.alerting.unloaded())
        partition.rules_loaded.set()


def keep_seconds(partition: "Partition") -> None:
    """Let frames stay as long as windows of seconds are filled from them after a restart."""
    partition.history.kept_s = FINE_KEPT_S if partition.alerting.fine else 0


def _load_seconds(partition: "Partition", sources: Sequence[Source]) -> None:
    since_ms = max(0, partition.position.ms - 1000 * FINE_KEPT_S)
    old = [
        frame
        for frame in partition.history.frames
        if since_ms <= frame.position.ms and frame.position <= partition.seconds.begun
    ]
    stats = np.array([source.stat for source in sources], np.int64)
    frames = [_of_stats(frame.partials.rollups, stats) for frame in old]
    fresh = [turn.seconds for _, turn in Queries(partition).uncommitted()]
    for source in sources:
        parts = [part.of_stat(source.stat) for part in frames]
        parts += partition.seconds.of_stat(source.stat, Position(since_ms, 0))
        parts += [part.of_stat(source.stat) for part in fresh]
        rows = Rollups.merged([_in_seconds(part) for part in parts], 1)
        source.load(rows, partition.position, partition.position.ms)


def _in_seconds(rows: Rollups) -> Rollups:
    """Rows that hold one second each, as far as they do."""
    second = rows.first_ms // 1000
    return replace(rows, start=np.where(second == rows.last_ms // 1000, second, rows.start))


async def _load(partition: "Partition", sources: Sequence[Source]) -> None:
    for _ in range(READS_MAX):
        with suppress(Overtaken):
            if isinstance(sources[0].ring, Ring):
                await _load_once(partition, sources, BUCKETS)
            else:
                await _load_once(partition, sources, SPREADS)
            return
    # Or somebody else folds it, and this owner was superseded before it began: Fenced.
    await partition.store.checkpoint_number(partition.number, partition.own.epoch)
    raise Unavailable(f"{partition!r} is folded faster than it is read")


async def _load_once(
    partition: "Partition", sources: Sequence[Source], ladder: Ladder[Content]
) -> None:
    position, empty = partition.position, ladder.empty
    now_ms = max(position.ms, partition.clock.now_ms())
    closed = dict(partition.history.fold.closed)
    listed = [(one.position, one.partials.of_kind(empty)) for one in partition.history.frames]
    listed += [(at, turn.of_kind(empty)) for at, turn in Queries(partition).uncommitted()]
    recent = Recent.of(await _narrowed(listed, sources), empty)
    wanted = [_wanted(source, position.ms // 1000, now_ms // 1000) for source in sources]
    mine = [recent.of_stat(source.stat) for source in sources]
    contents = await read(partition.store, partition.number, wanted, closed, mine, empty, position)
    for place, one in enumerate(wanted):
        brought: list[Content] = await _imported(partition, one, ladder)
        if brought:
            brought.append(contents[place])
            contents[place] = type(empty).merged(brought, one.tier.width_s)
    for place, (source, content) in enumerate(zip(sources, contents, strict=True), 1):
        # What comes meanwhile waits in the source, which knows up to where it was read.
        source.load(content, position, max(position.ms, now_ms))
        if place % LOADED_A_SLICE == 0:
            await trio.lowlevel.checkpoint()


async def _imported(
    partition: "Partition", wanted: Wanted, ladder: Ladder[Content]
) -> list[Content]:
    """What is seen of a stat's imports in a window, as finely as its steps."""
    if wanted.stat not in partition.imports.of_stat:
        return []
    begin_s, end_s = days_of(wanted.from_s, wanted.to_s)
    found = await imports_seen(Queries(partition), wanted.stat, ladder, begin_s, end_s)
    return [
        rows.between(wanted.from_s, wanted.to_s)
        for tier, rows in found
        if tier.width_s <= wanted.tier.width_s
    ]


async def _narrowed(
    listed: Sequence[tuple[Position, Content]], sources: Sequence[Source]
) -> list[tuple[Position, Content]]:
    """What the partials say of the stats of these sources."""
    stats = np.array(sorted({source.stat for source in sources}), np.int64)
    found = []
    for place, (at, rows) in enumerate(listed, 1):
        found.append((at, _of_stats(rows, stats)))
        if place % FRAMES_A_SLICE == 0:
            await trio.lowlevel.checkpoint()
    return found


def _wanted(source: Source, from_s: int, to_s: int) -> Wanted:
    tier = source.tier
    first_s = tier.bucket(max(0, from_s - _span_s(source) - tier.width_s))
    return Wanted(source.stat, tier, first_s, tier.bucket(to_s + AHEAD_S) + tier.width_s)


def _span_s(source: Source) -> int:
    return source.ring.span_s


def _of_stats(rows: Content, stats: Ints) -> Content:
    return rows.take(np.isin(rows.stat, stats))
