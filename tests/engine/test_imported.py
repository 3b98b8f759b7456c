"""Imported buckets are seen where nothing was counted, at every zoom, and can be undone."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import trio

from engine.audit import audit
from engine.histogram import Histograms, count_up
from engine.imported import differing, undo_command
from engine.ladder import SPREADS
from engine.node import Node
from engine.points import Batch, Command
from engine.rollup import Rollups, roll_up
from engine.tiers import D1, DAY_S, H1, HISTOGRAMS, HOUR_S, M1, M15, S1, S10, Tier
from engine.turn import NO_POINTS
from engine.window import Newest
from storage.imports import chunks_of, put_commands
from storage.memory import MemoryStore
from tests.engine.model import BEGUN_S
from tests.engine.nodes import now_ms, submit, until_killed

TODAY = D1.bucket(BEGUN_S)


def buckets(of: Mapping[int, float], tier: Tier, stat: int = 1) -> Rollups:
    """Buckets of a tier by their start, each of one number."""
    starts, values = np.array(list(of), np.int64), np.array(list(of.values()), float)
    return roll_up(np.full(len(of), stat), starts * 1000, values, tier.width_s)


async def put(node: Node, number: int, of: Mapping[int, float], tier: Tier, stat: int = 1) -> None:
    """Import buckets, and wait until they can be seen."""
    await tell(node, put_commands(number, chunks_of(tier, buckets(of, tier, stat))))


async def tell(node: Node, commands: Sequence[Command]) -> None:
    await node.submit(0, Batch(NO_POINTS, commands=tuple(commands)))
    await node.checkpoint()


async def seen(
    node: Node, tier: Tier, from_s: int, to_s: int = TODAY + DAY_S
) -> tuple[Tier, dict[int, float]]:
    reading = await node.read_with_imports(0, 1, tier, from_s, to_s)
    rows = reading.rollups
    return reading.tier, dict(zip(rows.start.tolist(), rows.sum.tolist(), strict=True))


def days_ago(*values: float) -> dict[int, float]:
    """A bucket a day; the last is yesterday's."""
    return {TODAY - (len(values) - n) * DAY_S: value for n, value in enumerate(values)}


@pytest.mark.parametrize("tier", [S1, S10, M1, M15, H1, D1], ids=lambda tier: tier.name)
async def test_an_imported_day_is_seen_at_every_zoom(tier: Tier, autojump_clock: object) -> None:
    async with until_killed(MemoryStore()) as node:
        await put(node, 5, days_ago(1, 2, 3), D1)
        assert await seen(node, tier, TODAY - 3 * DAY_S) == (D1, days_ago(1, 2, 3))
        within = await seen(node, tier, TODAY - 2 * DAY_S + 10, TODAY - 2 * DAY_S + 20)
        # Who asks for days has thought of their edges.
        assert within == (D1, {} if tier is D1 else {TODAY - 2 * DAY_S: 2.0})


async def test_imported_hours_add_up_to_days(autojump_clock: object) -> None:
    begin = TODAY - 2 * DAY_S
    hours = {begin + n * HOUR_S: float(n) for n in range(48)}
    async with until_killed(MemoryStore()) as node:
        await put(node, 5, hours, H1)
        assert await seen(node, M1, begin) == (H1, hours)
        assert await seen(node, D1, begin) == (D1, {begin: 276.0, begin + DAY_S: 852.0})
        assert (await seen(node, M1, TODAY))[0] is M1


async def test_what_was_counted_wins_bucket_by_bucket(autojump_clock: object) -> None:
    begin = BEGUN_S - BEGUN_S % HOUR_S - 2 * HOUR_S
    async with until_killed(MemoryStore()) as node:
        await submit(node, (1, (begin + HOUR_S) * 1000, 100))
        await put(node, 5, {begin: 7, begin + HOUR_S: 8}, H1)
        assert await seen(node, H1, begin) == (H1, {begin: 7.0, begin + HOUR_S: 100.0})
        assert (await seen(node, D1, TODAY))[1] == {TODAY: 107.0}
        live = await node.read(0, 1, H1, begin, TODAY + DAY_S)
        assert live.rollups.sum.tolist() == [100]
        await put(node, 6, {TODAY: 5000}, D1)
        assert (await seen(node, D1, TODAY))[1] == {TODAY: 107.0}


async def test_the_finer_import_wins_and_of_equals_the_later(autojump_clock: object) -> None:
    yesterday = TODAY - DAY_S
    async with until_killed(MemoryStore()) as node:
        await put(node, 7, {yesterday + HOUR_S: 3, yesterday + 2 * HOUR_S: 4}, H1)
        await put(node, 8, days_ago(50, 60), D1)
        assert await seen(node, D1, yesterday - DAY_S) == (
            D1,
            {yesterday - DAY_S: 50.0, yesterday: 7.0},
        )
        await put(node, 9, {yesterday - DAY_S: 55, yesterday + HOUR_S: 9}, D1)
        await put(node, 6, days_ago(1, 2), D1)
        assert (await seen(node, D1, yesterday - DAY_S))[1] == {
            yesterday - DAY_S: 55.0,
            yesterday: 7.0,
        }


async def test_a_repeat_changes_nothing_and_undoing_forgets(autojump_clock: object) -> None:
    store = MemoryStore()
    async with until_killed(store) as node:
        await put(node, 5, days_ago(1, 2), D1)
        before = store.state[0].copy().imported
        await put(node, 5, days_ago(1, 2), D1)
        assert store.state[0].imported == before
        assert node.having_imported(5) == [(0, 1)]
        await tell(node, [undo_command(1, 5)])
        assert node.having_imported(5) == []
        assert store.state[0].imported == {}
        assert (await seen(node, D1, TODAY - 9 * DAY_S))[1] == {}


async def test_an_import_survives_a_kill_before_its_checkpoint(autojump_clock: object) -> None:
    store = MemoryStore()
    async with until_killed(store) as node:
        commands = put_commands(5, chunks_of(D1, buckets(days_ago(1, 2), D1)))
        await node.submit(0, Batch(NO_POINTS, commands=tuple(commands)))
    assert store.state[0].imported == {}
    async with until_killed(store) as node:
        await node.wait_ready()
        await node.checkpoint()
        assert (await seen(node, D1, TODAY - 9 * DAY_S))[1] == days_ago(1, 2)
        assert node.having_imported(5) == [(0, 1)]


async def test_a_large_import_is_committed_on_its_way(autojump_clock: object) -> None:
    store = MemoryStore()
    async with until_killed(store) as node:
        for number in range(10):
            body = put_commands(5, chunks_of(D1, buckets(days_ago(number), D1)))[0].body
            big = Command("import.put", 1, body + bytes(10**6))
            await node.submit(0, Batch(NO_POINTS, commands=(big,)))
        await trio.sleep(0.1)
        assert store.state[0].imported


async def test_a_purged_stat_takes_no_more_imports(autojump_clock: object) -> None:
    store = MemoryStore()
    async with until_killed(store) as node:
        await put(node, 5, days_ago(1, 2), D1)
        await tell(node, [Command("stat.purge", 1, b"0")])
        await put(node, 5, days_ago(1, 2), D1)
        assert store.state[0].imported == {}
        assert node.having_imported(5) == []


async def test_the_audit_counts_imports_apart(autojump_clock: object) -> None:
    store = MemoryStore()
    async with until_killed(store) as node:
        await submit(node, (1, now_ms(), 1), (1, now_ms(), 2))
        await put(node, 5, days_ago(1, 2, 3), D1)
        found = await audit(store, 0, now_ms() // 1000)
        assert (found.equal, found.counted, found.imported) == (True, 2, 3)
        kept = store.state[0].imported[1][5]
        kept.update({place: body[:-1] + b"?" for place, body in kept.items()})
        damaged = await audit(store, 0, now_ms() // 1000)
        assert not damaged.equal
        assert "an imported chunk is damaged" in damaged.faults[0]


def test_only_what_differs_is_imported_again() -> None:
    known, new = buckets(days_ago(1, 2, 3), D1), buckets(days_ago(9, 1, 2, 4), D1)
    assert differing(new, [known]).sum.tolist() == [9, 4]
    assert len(differing(known, [known])) == 0
    assert len(differing(known, [])) == 3


HOURS, DAYS = HISTOGRAMS[2:]


def spread(of: Mapping[int, float], tier: Tier) -> Histograms:
    """Histograms of a tier by their start, each of one value."""
    starts, values = np.array(list(of), np.int64), np.array(list(of.values()), float)
    return count_up(np.full(len(of), 1), starts * 1000, values, tier.width_s)


async def put_spread(node: Node, number: int, of: Mapping[int, float], tier: Tier) -> None:
    """Import histograms, and wait until they can be seen."""
    await tell(node, put_commands(number, chunks_of(tier, spread(of, tier))))


async def spread_seen(node: Node, tier: Tier, from_s: int) -> tuple[Tier, dict[int, int]]:
    """How many values each bucket has."""
    reading = await node.read_histograms_with_imports(0, 1, tier, from_s, TODAY + DAY_S)
    rows, found = reading.rollups, dict[int, int]()
    for start, count in zip(rows.start.tolist(), rows.count.tolist(), strict=True):
        found[start] = found.get(start, 0) + count
    return reading.tier, found


async def test_imported_histograms_are_seen_at_every_zoom(autojump_clock: object) -> None:
    begin = TODAY - 2 * DAY_S
    async with until_killed(MemoryStore()) as node:
        await put_spread(node, 5, {begin + n * HOUR_S: float(n) for n in range(30)}, HOURS)
        expected = {begin + n * HOUR_S: 1 for n in range(30)}
        assert await spread_seen(node, HISTOGRAMS[0], begin) == (HOURS, expected)
        assert await spread_seen(node, DAYS, begin) == (DAYS, {begin: 24, begin + DAY_S: 6})
        assert (await spread_seen(node, HISTOGRAMS[0], TODAY))[1] == {}
        await tell(node, [undo_command(1, 5)])
        assert (await spread_seen(node, DAYS, begin))[1] == {}


async def test_histograms_are_hidden_where_anything_was_counted(autojump_clock: object) -> None:
    begin = BEGUN_S - BEGUN_S % HOUR_S - 2 * HOUR_S
    async with until_killed(MemoryStore()) as node:
        await submit(node, (1, (begin + HOUR_S) * 1000, 100), (1, (begin + HOUR_S) * 1000, 101))
        await put_spread(node, 5, {begin: 7, begin + HOUR_S: 8}, HOURS)
        assert await spread_seen(node, HOURS, begin) == (HOURS, {begin: 1, begin + HOUR_S: 2})
        shown = await node.imports_seen(0, 1, SPREADS, TODAY, TODAY + DAY_S)
        assert [(tier, rows.start.tolist()) for tier, rows in shown] == [(HOURS, [begin])]
        await put_spread(node, 6, {TODAY: 5000}, DAYS)
        assert (await spread_seen(node, DAYS, TODAY))[1] == {TODAY: 3}


def test_only_histograms_that_differ_are_imported_again() -> None:
    known, new = spread(days_ago(1, 2, 3), DAYS), spread(days_ago(9, 1, 5, 3), DAYS)
    assert differing(new, [known]).start.tolist() == [TODAY - 4 * DAY_S, TODAY - 2 * DAY_S]
    assert len(differing(known, [known])) == 0
    assert len(differing(known, [known.downscaled(3)])) == 3


async def test_the_newest_value_may_be_imported(autojump_clock: object) -> None:
    async with until_killed(MemoryStore()) as node:
        assert await node.latest_with_imports(0, [1]) == {}
        await put(node, 5, days_ago(1, 2, 3), D1)
        await put(node, 6, {TODAY - 9 * DAY_S: 9}, D1)
        yesterday = TODAY - DAY_S
        assert await node.latest_with_imports(0, [1, 2]) == {1: Newest(1000 * yesterday, 3.0)}
        assert await node.latest(0, [1]) == {}
        # Of a day in which points were counted only these are known.
        await submit(node, (1, (yesterday + 60) * 1000, 8))
        assert (await node.latest_with_imports(0, [1]))[1].value == 8
        await put(node, 7, {TODAY: 6}, D1)
        assert (await node.latest_with_imports(0, [1]))[1].value == 6
