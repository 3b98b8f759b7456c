"""Figures: the middle and the ends of samples, goals, and the cells of the tables."""

import pytest

from bench.report import (
    Figure,
    Missing,
    Spread,
    cells_of,
    content,
    of_samples,
    once,
    percentile,
    ratio_of,
    ratios,
)


def test_a_spread_is_the_median_and_both_ends() -> None:
    assert Spread.of([5.0, 1.0, 9.0, 2.0]) == Spread(3.5, 1.0, 9.0)


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (100, 100)]
)
def test_a_percentile_is_a_measured_sample(percent: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_a_percentile_of_one_sample_is_that_sample() -> None:
    assert {percentile([7.0], percent) for percent in (0, 50, 99, 100)} == {7.0}


def test_ratios_are_of_pairs_from_the_same_turn() -> None:
    assert ratios([10.0, 30.0], [5.0, 10.0]) == [2.0, 3.0]
    with pytest.raises(ValueError, match="argument 2 is longer"):
        ratios([1.0], [1.0, 2.0])


def test_a_ratio_to_nothing_is_no_figure() -> None:
    assert isinstance(ratio_of("x", [1.0, 2.0], [1.0, 0.0]), Missing)


def test_a_ratio_has_the_split_beside_it() -> None:
    row = ratio_of("x", [1.0, 2.0], [1.0, 1.0], 1.5, at_most=False, split=[3.0, 5.0])
    assert row == Figure("x", 1.5, 1.0, 2.0, "×", 1.5, False, Spread(4.0, 3.0, 5.0))


@pytest.mark.parametrize(
    ("value", "at_most", "reached"),
    [(4, True, True), (5, True, True), (5.1, True, False), (5.1, False, True), (4.9, False, False)],
)
def test_a_goal_is_a_ceiling_or_a_floor(value: float, at_most: bool, reached: bool) -> None:
    assert once("x", value, "ms", 5.0, at_most=at_most).reached is reached


def test_a_figure_without_a_goal_is_neither_reached_nor_missed() -> None:
    assert once("x", 1.0, "ms").reached is None
    assert cells_of(once("x", 1.0, "ms"))[""] == ""


def test_a_missed_goal_is_printed_as_missed() -> None:
    figure = of_samples("x", [1.0, 3.0], "×", 15.0, at_most=False, split=[4.0, 6.0], note="why")
    assert cells_of(figure) == {
        "figure": "x", "median": "2 ×", "least … most": "1 … 3", "split": "5", "goal": "≥ 15",
        "": "NOT REACHED", "note": "why",
    }  # fmt: skip


def test_what_was_not_measured_says_why_and_is_kept() -> None:
    missing = Missing("StatsD", "not installed")
    assert cells_of(missing) == {"figure": "StatsD", "median": "—", "least … most": "not installed"}
    kept = content("batches", [missing, Figure("x", 1, 1, 1, "ms", 2)])
    assert kept["missing"] == [{"name": "StatsD", "why": "not installed"}]
    (figure,) = kept["figures"] if isinstance(kept["figures"], list) else []
    assert figure["reached"] is True
