"""Turns: entries count whole or not at all."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.histogram import SCALE, Histograms
from engine.points import Points
from engine.ports import DeadLetter, Entry
from engine.position import Position
from engine.rollup import Rollups
from engine.turn import NO_POINTS, TURN_POINTS_MAX, Turn, compute, turns_of
from tests.engine.model import BEGUN_MS, Point, columns, counted, expected, expected_counts, told


def entry(number: int, points: list[Point]) -> Entry:
    return Entry(Position(number, 0), columns(points), (), len(points))


def poisoned(number: int) -> Entry:
    """An entry that cannot be counted: its columns are of different lengths."""
    points = Points(np.array([1, 1]), np.array([BEGUN_MS, BEGUN_MS]), np.array([1.0]))
    return Entry(Position(number, 0), points, (), 2)


def broken(number: int) -> Entry:
    """An entry that could not be decoded."""
    return Entry(Position(number, 0), NO_POINTS, (), 5, "not a frame")


ONE: list[Point] = [(1, BEGUN_MS, 2.0), (2, BEGUN_MS + 1500, 4.0)]
OTHER: list[Point] = [(1, BEGUN_MS + 100, 3.0)]


def test_all_entries_in_seconds_and_minutes() -> None:
    turn, dead = compute([entry(1, ONE), entry(2, OTHER)])
    assert told(turn.seconds) == expected(ONE + OTHER, 1)
    assert counted(turn.histograms) == expected_counts(ONE + OTHER, 60, SCALE)
    assert dead == []


def test_no_entries_make_an_empty_turn() -> None:
    turn, dead = compute([])
    assert (len(turn.seconds), len(turn.histograms), dead) == (0, 0, [])


def test_stats_that_want_no_histograms_have_none() -> None:
    turn, _ = compute([entry(1, ONE)], {1})
    assert told(turn.seconds) == expected(ONE, 1)
    assert counted(turn.histograms) == expected_counts(ONE[1:], 60, SCALE)


def test_an_entry_that_cannot_be_decoded_is_a_dead_letter() -> None:
    turn, dead = compute([entry(1, ONE), broken(2), entry(3, OTHER)])
    assert told(turn.seconds) == expected(ONE + OTHER, 1)
    assert dead == [DeadLetter(Position(2, 0), "not a frame", 5)]


def test_an_entry_that_cannot_be_counted_is_a_dead_letter(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turn, dead = compute([entry(1, ONE), poisoned(2), broken(3), entry(4, OTHER)])
    assert told(turn.seconds) == expected(ONE + OTHER, 1)
    assert [(letter.position, letter.points) for letter in dead] == [
        (Position(3, 0), 5),
        (Position(2, 0), 2),
    ]
    assert "Error" in dead[1].error
    assert "trying each" in caplog.text


@given(st.lists(st.integers(0, TURN_POINTS_MAX + 10), max_size=8))
@example([TURN_POINTS_MAX - 1, 1, 1])
def test_entries_are_cut_into_turns_but_never_themselves(sizes: list[int]) -> None:
    none, one = np.zeros(0, np.int64), np.zeros(0)
    entries = [
        Entry(Position(n, 0), Points(np.resize(none, size), none, one))
        for n, size in enumerate(sizes)
    ]
    turns = list(turns_of(entries))
    assert [one for turn in turns for one in turn] == entries
    for turn in turns:
        assert turn
        assert len(turn) == 1 or sum(len(e.points) for e in turn) <= TURN_POINTS_MAX
    for turn, following in pairwise(turns):
        assert sum(len(e.points) for e in [*turn, following[0]]) > TURN_POINTS_MAX


def test_a_turn_gives_the_columns_of_a_kind() -> None:
    turn = Turn.of(columns(ONE))
    assert turn.of_kind(Rollups.empty()) is turn.seconds
    assert turn.of_kind(Histograms.empty()) is turn.histograms
