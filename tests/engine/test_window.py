"""The window table equals a dictionary, whatever the order of whatever turns."""

from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rollup import Rollups
from engine.tiers import H1, M1, S1, S10, TIERS, Tier
from engine.window import FIRST_ROWS, Newest, WindowTable
from tests.engine.model import (
    BEGUN_MS,
    BEGUN_S,
    VALUES,
    Facts,
    Point,
    expected_of,
    facts,
    rolled,
    told_of,
)

STATS = (1, 2, 3, 2**40)


@dataclass
class Windows:
    """The model: the points of the newest bucket of each (stat, tier); older ones are late."""

    open: dict[tuple[int, Tier], tuple[int, list[Point]]] = field(default_factory=dict)
    newest: dict[int, Newest] = field(default_factory=dict)
    waiting: list[Point] = field(default_factory=list)

    def add(self, points: list[Point], clock_ms: int) -> None:
        arrived = [*self.waiting, *points]
        self.waiting = [point for point in arrived if point[1] // 1000 > clock_ms // 1000]
        arrived = [point for point in arrived if point[1] // 1000 <= clock_ms // 1000]
        for point in sorted(arrived, key=itemgetter(1)):
            stat, at_ms, value = point
            for tier in TIERS:
                start, held = self.open.get((stat, tier), (-1, []))
                bucket = tier.bucket(at_ms // 1000)
                if bucket > start:
                    self.open[stat, tier] = bucket, [point]
                elif bucket == start:
                    held.append(point)
            if stat not in self.newest or at_ms >= self.newest[stat].at_ms:
                self.newest[stat] = Newest(at_ms, value)

    def bucket(self, stat: int, tier: Tier) -> dict[int, Facts]:
        start, held = self.open.get((stat, tier), (-1, []))
        return {start: facts(held)} if held else {}


Turn = tuple[list[Point], int, bool]
"""Points with times relative to the clock, how far the clock moved, and whether anybody looks."""

TURNS = st.lists(
    st.tuples(
        st.lists(
            st.tuples(
                st.sampled_from(STATS),
                # Late by hours, of now, and up to a minute ahead of the clock.
                st.one_of(
                    # Often the same millisecond: then the log order decides.
                    st.sampled_from([-1_000, 0]),
                    st.integers(-3_000, 3_000),
                    st.integers(-7_200_000, 60_000),
                ),
                VALUES,
            ),
            max_size=12,
        ),
        st.sampled_from([0, 0, 1, 400, 1_000, 7_000, 60_000, 3_600_000, -1_500]),
        # Whether anybody looks: until then turns are gathered.
        st.booleans(),
    ),
    max_size=12,
)


@given(turns=TURNS, before=st.sampled_from([0, FIRST_ROWS - 2, 2 * FIRST_ROWS - 1]))
def test_equals_a_dictionary_for_any_order_of_any_turns(turns: list[Turn], before: int) -> None:
    table, model, clock_ms = WindowTable(), Windows(), BEGUN_MS
    if before:
        others: list[Point] = [(10_000 + n, BEGUN_MS, 1.0) for n in range(before)]
        table.add(rolled(others), clock_ms)
    for relative, passed_ms, looks in turns:
        clock_ms += passed_ms
        points = [(stat, clock_ms + ms, value) for stat, ms, value in relative]
        table.add(rolled(points), clock_ms)
        model.add(points, clock_ms)
        if looks:
            assert table.latest(1) == model.newest.get(1)
    assert all_of(table) == {
        (stat, tier.name): model.bucket(stat, tier) for stat in STATS for tier in TIERS
    }
    assert {stat: table.latest(stat) for stat in STATS} == {
        stat: model.newest.get(stat) for stat in STATS
    }
    assert len(table) == before + len(model.newest)
    if before:
        assert told_of(table.bucket(10_000, M1)) == expected_of([(1, BEGUN_MS, 1.0)], 1, 60)


@given(turns=TURNS)
def test_time_that_passes_lets_the_points_ahead_in(turns: list[Turn]) -> None:
    table, model, clock_ms = WindowTable(), Windows(), BEGUN_MS
    for relative, passed_ms, _ in turns:
        points = [(stat, clock_ms + ms, value) for stat, ms, value in relative]
        table.add(rolled(points), clock_ms)
        model.add(points, clock_ms)
        clock_ms += passed_ms
        table.arrive(clock_ms)
        model.add([], clock_ms)
    assert all_of(table) == {
        (stat, tier.name): model.bucket(stat, tier) for stat in STATS for tier in TIERS
    }


def test_a_fast_clock_of_one_sender_closes_no_window() -> None:
    table = WindowTable()
    table.add(rolled([(1, BEGUN_MS, 1.0), (1, BEGUN_MS + 59_000, 50.0)]), BEGUN_MS)
    table.add(rolled([(1, BEGUN_MS + 500, 2.0)]), BEGUN_MS + 500)
    assert table.bucket(1, S10).sum.tolist() == [3.0]
    assert table.latest(1) == Newest(BEGUN_MS + 500, 2.0)
    assert "1 rows, 1 ahead" in repr(table)

    table.arrive(BEGUN_MS + 58_999)
    assert table.latest(1) == Newest(BEGUN_MS + 500, 2.0)
    table.arrive(BEGUN_MS + 59_000)
    assert table.bucket(1, S10).sum.tolist() == [50.0]
    assert table.bucket(1, M1).sum.tolist() == [53.0]
    assert table.latest(1) == Newest(BEGUN_MS + 59_000, 50.0)


def test_squared_deviations_add_up() -> None:
    table = WindowTable()
    values = [3.0, 4.0, 8.0, -1.0, 0.5, 7.25]
    for place, value in enumerate(values):
        table.add(rolled([(1, BEGUN_MS + place, value)]), BEGUN_MS + 1000)
    mean = sum(values) / len(values)
    wanted = sum((value - mean) ** 2 for value in values)
    assert table.bucket(1, H1).squares.tolist() == pytest.approx([wanted], rel=1e-12)


def test_a_stat_that_is_not_there_has_nothing() -> None:
    table = WindowTable()
    assert len(table.bucket(1, S1)) == 0
    assert table.latest(1) is None
    table.add(Rollups.empty(), BEGUN_MS)
    assert len(table) == 0


def test_a_row_without_points_has_nothing_open() -> None:
    table = WindowTable()
    table.set_due(7, BEGUN_MS)
    assert len(table.bucket(7, S1)) == 0
    assert table.latest(7) is None


def test_what_is_handed_out_is_a_copy() -> None:
    table = WindowTable()
    table.add(rolled([(1, BEGUN_MS, 1.0)]), BEGUN_MS)
    before = table.bucket(1, S1)
    table.add(rolled([(1, BEGUN_MS, 1.0)]), BEGUN_MS)
    assert (before.sum.tolist(), table.bucket(1, S1).sum.tolist()) == ([1.0], [2.0])


def test_each_stat_is_due_once() -> None:
    table = WindowTable()
    for stat in (5, 6, 7):
        table.set_due(stat, BEGUN_MS + stat)
    table.set_due(6, BEGUN_MS + 100)
    assert table.take_due(BEGUN_MS + 4) == []
    assert table.take_due(BEGUN_MS + 7) == [5, 7]
    assert table.take_due(BEGUN_MS + 7) == []
    assert table.take_due(BEGUN_MS + 100) == [6]


def test_what_is_due_stays_so_when_the_table_grows() -> None:
    table = WindowTable()
    table.set_due(1, BEGUN_MS)
    many: list[Point] = [(100 + n, BEGUN_MS, float(n)) for n in range(3 * FIRST_ROWS)]
    table.add(rolled(many), BEGUN_MS)
    assert table.take_due(BEGUN_MS) == [1]
    assert len(table) == 3 * FIRST_ROWS + 1
    assert table.latest(100 + 2 * FIRST_ROWS) == Newest(BEGUN_MS, float(2 * FIRST_ROWS))
    assert table.bucket(100 + 2_500, S10).start.tolist() == [BEGUN_S]


def all_of(table: WindowTable) -> dict[tuple[int, str], dict[int, Facts]]:
    found = {}
    for stat in STATS:
        for tier in TIERS:
            bucket = table.bucket(stat, tier)
            assert bucket.stat.dtype == np.int64
            found[stat, tier.name] = told_of(bucket)
    return found
