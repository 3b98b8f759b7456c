"""Uncommitted turns: the same points however many pieces they are merged into."""

from hypothesis import given
from hypothesis import strategies as st

from engine.histogram import SCALE, Histograms
from engine.rollup import Rollups
from engine.tiers import M1, PARTIAL_S
from engine.turn import Turn
from engine.uncommitted import (
    FAN_IN,
    ROWS_A_SLICE,
    Uncommitted,
    joined_slices,
    merge_turns,
    merged_in_slices,
    partials_of,
)
from tests.engine.model import (
    BEGUN_MS,
    VALUES,
    Point,
    columns,
    counted,
    expected,
    expected_counts,
    told,
)

TURN = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 100_000).map(lambda ms: BEGUN_MS + ms), VALUES),
    max_size=4,
)
MANY_TURNS = st.lists(TURN, min_size=1, max_size=2 * FAN_IN + 2)


def turn(points: list[Point]) -> Turn:
    return Turn.of(columns(points))


@given(turns=MANY_TURNS, reads=st.sets(st.integers(0, 2 * FAN_IN)))
def test_holds_every_point_once_whenever_it_is_read(
    turns: list[list[Point]], reads: set[int]
) -> None:
    uncommitted, points = Uncommitted(), list[Point]()
    for place, part in enumerate(turns):
        uncommitted.add(turn(part), len(part))
        points += part
        if place in reads:
            pieces = uncommitted.pieces()
            seconds = Rollups.merged([piece.seconds for piece in pieces], 1)
            assert told(seconds) == expected(points, 1)
    whole = merge_turns(uncommitted.pieces())
    assert told(whole.seconds) == expected(points, 1)
    assert counted(whole.histograms) == expected_counts(points, M1.width_s, SCALE)
    assert uncommitted.points == len(points)


def test_pieces_stay_few() -> None:
    uncommitted = Uncommitted()
    for _ in range(3 * FAN_IN * FAN_IN + FAN_IN + 1):
        uncommitted.add(turn([(1, BEGUN_MS, 1.0)]), 1)
    assert len(uncommitted.pieces()) == 3 + 1 + 1
    assert [len(level) for level in uncommitted.levels] == [1, 1, 3]
    assert "levels [1, 1, 3]" in repr(uncommitted)
    sizes = [piece.seconds.count.sum() for piece in uncommitted.pieces()]
    assert sizes == [*[FAN_IN * FAN_IN] * 3, FAN_IN, 1]


def test_pieces_stand_in_log_order() -> None:
    uncommitted = Uncommitted()
    for value in range(2 * FAN_IN + 1):
        uncommitted.add(turn([(1, BEGUN_MS, float(value))]), 1)
        uncommitted.pieces()
    assert merge_turns(uncommitted.pieces()).seconds.last.tolist() == [2 * FAN_IN]


def test_weighs_more_with_every_turn() -> None:
    uncommitted = Uncommitted()
    weights = []
    for second in range(3):
        uncommitted.add(turn([(1, BEGUN_MS + 1000 * second, 1.0)]), 1)
        weights.append(uncommitted.bytes)
    assert weights == sorted(set(weights))
    assert weights[0] > 0


def test_nothing_is_one_empty_slice() -> None:
    ((turn, partials),) = merged_in_slices(Uncommitted().pieces())
    assert (len(turn.seconds), len(turn.histograms)) == (0, 0)
    assert (len(partials.rollups), len(partials.histograms)) == (0, 0)


@given(turns=MANY_TURNS, rows=st.integers(1, 20))
def test_slices_are_together_what_all_is_at_once(turns: list[list[Point]], rows: int) -> None:
    points = [point for part in turns for point in part]
    slices = list(merged_in_slices([turn(part) for part in turns], rows=rows))
    whole, partials = joined_slices(slices)
    assert told(whole.seconds) == expected(points, 1)
    assert told(partials.rollups) == expected(points, PARTIAL_S)
    assert counted(partials.histograms) == expected_counts(points, M1.width_s, SCALE)
    assert sum(len(part.seconds) for part, _ in slices) == len(whole.seconds)


def test_many_rows_are_merged_some_stats_at_a_time() -> None:
    stats = range(1, 3 * ROWS_A_SLICE)
    points = [(stat, BEGUN_MS, float(stat)) for stat in stats]
    slices = list(merged_in_slices([turn(points), turn(points[::2])]))
    sizes = [len(part.seconds) for part, _ in slices]
    assert len(sizes) > 3
    assert max(sizes) <= ROWS_A_SLICE
    assert joined_slices(slices)[0].seconds.stat.tolist() == list(stats)


@given(turns=st.lists(TURN, max_size=5))
def test_partials_are_ten_seconds_wide_and_histograms_a_minute(turns: list[list[Point]]) -> None:
    points = [point for part in turns for point in part]
    partials = partials_of(merge_turns([turn(part) for part in turns]))
    assert told(partials.rollups) == expected(points, PARTIAL_S)
    assert counted(partials.histograms) == expected_counts(points, M1.width_s, SCALE)
    assert partials.of_kind(Rollups.empty()) is partials.rollups
    assert partials.of_kind(Histograms.empty()) is partials.histograms
