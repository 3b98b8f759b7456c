"""Expressions: what they mean, what they need, where they stop making sense."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.durations import NO_TIME, Duration
from api.query.errors import QueryError
from api.query.expression import Line, Need, evaluate, lookback, needs
from api.query.grammar import FUNCTIONS, parse_expression

NAN = float("nan")
WEEK = Duration(days=7)
SERIES: dict[str, dict[str, list[float]]] = {
    "a": {"x": [1, 2, NAN, 4]},
    "b": {"y": [2, 0, 1, 8]},
    "c": {"one": [1, 1, 1, 1], "two": [2, 2, NAN, 2], "ten": [10, NAN, NAN, 10]},
    "d": {},
}


def source(need: Need) -> Sequence[Line]:
    """The series above; a shifted one is ten times as much."""
    scale = 10 if need.back else 1
    return [Line(n, np.array(v, float) * scale) for n, v in SERIES[need.name].items()]


def run(text: str) -> dict[str, list[float | None]]:
    lines = evaluate(parse_expression(text, list(SERIES)), source, 4, 60)
    return {
        line.name: [None if np.isnan(x) else round(float(x), 9) for x in line.values]
        for line in lines
    }


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a", [1, 2, None, 4]),
        ("a + 1", [2, 3, None, 5]),
        ("a+b", [3, 2, None, 12]),
        ("a b", [3, 2, None, 12]),  # a plus that a URL turned into a blank
        ("a  1", [2, 3, None, 5]),
        ("a -1", [0, 1, None, 3]),
        ("-a", [-1, -2, None, -4]),
        ("a - -b", [3, 2, None, 12]),
        ("a / b * 100", [50, None, None, 50]),
        ("a / 0", [None] * 4),
        ("1 / a", [1, 0.5, None, 0.25]),
        ("0 * a", [0, 0, None, 0]),
        ("2 * 3 + a", [7, 8, None, 10]),
        ("1 + 2 * (a - 1)", [1, 3, None, 7]),
        ("8 / 4 / 2 * a", [1, 2, None, 4]),
        ("1e200 * a * 1e200", [None] * 4),
        (".5*a", [0.5, 1, None, 2]),
        ("abs(0-a)", [1, 2, None, 4]),
        ("sum(c)", [13, 3, 1, 13]),
        ("avg(c)", [4.333333333, 1.5, 1, 4.333333333]),
        ("min(c)", [1, 1, 1, 1]),
        ("max(c)", [10, 2, 1, 10]),
        ("sum(a, b, c)", [16, 5, 2, 25]),
        ("sum(d)", [None] * 4),
        ("max(a, 3)", [3, 3, 3, 4]),
        ("moving(a, 2m)", [1, 1.5, 2, 4]),
        ("moving(2m, a)", [1, 1.5, 2, 4]),
        ("moving(a, 1s)", [1, 2, None, 4]),
        ("moving(a/b, PT3M)", [0.5, 0.5, 0.5, 0.5]),
        ("shift(a, 1w)", [10, 20, None, 40]),
        ("a / shift(a, 1w)", [0.1, 0.1, None, 0.1]),
        ("percent_of(a, b)", [50, None, None, 50]),
        ("topk(1, c)", [10, None, None, 10]),
        ("((((a))))", [1, 2, None, 4]),
    ],
)
def test_an_expression_with_one_result(text: str, values: list[float | None]) -> None:
    (found,) = run(text.replace("PT3M", "3m")).values()
    assert found == values


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("c * 2", {"one": 2, "two": 4, "ten": 20}),
        ("2 * c", {"one": 2, "two": 4, "ten": 20}),
        ("c / b", {"one": 0.5, "two": 1, "ten": 5}),
        ("b / c", {"one": 2, "two": 1, "ten": 0.2}),
        ("topk(2, c)", {"ten": 10, "two": 2}),
        ("topk(c, 100)", {"ten": 10, "two": 2, "one": 1}),
        ("topk(3, a, b)", {"y": 2, "x": 1}),
        ("percent_of(c)", {"one": 7.692307692, "two": 15.384615385, "ten": 76.923076923}),
        ("moving(c, 1h)", {"one": 1, "two": 2, "ten": 10}),
        ("abs(-c)", {"one": 1, "two": 2, "ten": 10}),
        ("d + 1", {}),
        ("d + c", {}),
        ("topk(5, d)", {}),
    ],
)
def test_several_series_keep_their_names(text: str, first: dict[str, float]) -> None:
    found = run(text)
    assert {name: values[0] for name, values in found.items()} == first
    assert list(found) == list(first)


def test_a_constant_is_a_series_too() -> None:
    assert run("2 * 3") == {"": [6, 6, 6, 6]}
    assert run("1 / 0") == {"": [None] * 4}


def test_two_groups_of_series_do_not_meet() -> None:
    with pytest.raises(QueryError, match=r"several series \(3 and 3\); make one of one side"):
        run("c * c")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected, not the end (character 1)"),
        ("a +", "expected, not the end (character 4)"),
        ("a ++ b", "expected, not + (character 4)"),
        ("a * / b", "expected, not / (character 5)"),
        ("(a", ") is expected, not the end (character 3)"),
        ("a)", ") is not expected here (character 2)"),
        ("a, b", ", is not expected here (character 2)"),
        ("2a", "expected, not 2a (character 1)"),
        ("a ^ 2", "this character means nothing (character 2)"),
        ("a; b", "this character means nothing (character 2)"),
        ("e", "there is no series e, only a, b, c, d (character 1)"),
        ("median(a)", "there is no function median, only sum"),
        ("sum()", "expected, not ) (character 5)"),
        ("sum(a, 5m)", "sum wants series, as in sum(a, b)"),
        ("moving(a)", "moving wants a series and a duration, as in moving(a, 5m)"),
        ("moving(5m)", "moving wants"),
        ("moving(a, b, 5m)", "moving wants"),
        ("moving(a, 5m, 5m)", "moving wants"),
        ("moving(a, 5q)", "5q is no duration"),
        ("moving(a, 0m)", "0m is no duration"),
        ("shift(a, 5)", "shift wants"),
        ("abs(a, b)", "abs wants one series"),
        ("percent_of(a, b, c)", "percent_of wants"),
        ("topk(c)", "topk wants a whole number from 1 to 100"),
        ("topk(0, c)", "topk wants a whole number"),
        ("topk(2.5, c)", "topk wants a whole number"),
        ("topk(101, c)", "topk wants a whole number"),
        ("topk(5)", "topk wants a number and series"),
        ("1e999", "1e999 is beyond all numbers"),
        ("(" * 21 + "a" + ")" * 21, "at most 20 levels"),
        ("-" * 30 + "a", "at most 20 levels"),
        ("a+" * 150 + "a", "at most 200 names"),
        ("a" * 1001, "at most 1,000 characters"),
        ("__import__(a)", "there is no function __import__"),
        ("a\x00b", "this character means nothing"),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(text: str, why: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_expression(text, list(SERIES))
    assert (caught.value.code, caught.value.parameter) == ("expression_invalid", "expr")
    assert why in str(caught.value)


@given(st.text("ab1. +-*/(),mtopksuvinge5wd", max_size=40))
def test_any_text_is_understood_or_refused(text: str) -> None:
    with suppress(QueryError):  # and nothing else
        lines = evaluate(parse_expression(text, list(SERIES)), source, 4, 60)
        assert not any(np.isinf(line.values).any() for line in lines)


def test_what_is_read_is_known_before_reading() -> None:
    node = parse_expression("a / shift(a + shift(b, 1w), 1w) + a", list(SERIES))
    assert needs(node) == [Need("a", NO_TIME), Need("a", WEEK), Need("b", WEEK + WEEK)]
    assert needs(parse_expression("1 + 2", [])) == []


def test_shifts_are_bounded() -> None:
    text = " + ".join(f"shift(a, {day}d)" for day in range(1, 7))
    with pytest.raises(QueryError, match="at most 5 different shifts"):
        needs(parse_expression(text, ["a"]))


@pytest.mark.parametrize("text", ["shift(a, 101y)", "shift(shift(a, 60y), 60y)"])
def test_shifts_go_back_a_hundred_years_at_most(text: str) -> None:
    with pytest.raises(QueryError, match="at most a hundred years"):
        needs(parse_expression(text, ["a"]))


@pytest.mark.parametrize(
    ("text", "step_s", "buckets"),
    [
        ("a", 60, 0),
        ("3", 60, 0),
        ("moving(a, 5m)", 60, 4),
        ("moving(a, 5m)", 3600, 0),
        ("moving(moving(a, 5m), 3m) + moving(b, 2m)", 60, 6),
        ("sum(shift(moving(a, 1d), 1w), b)", 3600, 23),
    ],
)
def test_windows_look_back(text: str, step_s: int, buckets: int) -> None:
    assert lookback(parse_expression(text, ["a", "b"]), step_s) == buckets


def test_windows_are_bounded() -> None:
    with pytest.raises(QueryError, match=r"moving over 86,399 buckets; at most 1,000"):
        lookback(parse_expression("moving(a, 1d)", ["a"]), 1)


def test_what_topk_keeps_does_not_depend_on_what_moving_looks_back_on() -> None:
    rows = {"old": [100, 1, 1], "new": [0, 2, 2]}

    def group(_: Need) -> list[Line]:
        return [Line(name, np.array(values, float)) for name, values in rows.items()]

    node = parse_expression("topk(1, a) + 0 * sum(moving(a, 2m))", ["a"])
    assert [line.name for line in evaluate(node, group, 3, 60)] == ["new"]


@given(
    st.lists(st.one_of(st.just(NAN), st.floats(-1e6, 1e6)), min_size=1, max_size=30),
    st.integers(1, 12),
)
def test_moving_is_the_mean_of_what_is_known_in_the_window(values: list[float], size: int) -> None:
    node = parse_expression(f"moving(a, {size}m)", ["a"])
    column = np.array(values)
    (found,) = evaluate(node, lambda _: [Line("a", column)], len(values), 60)
    for i in range(len(values)):
        window = column[max(0, i + 1 - size) : i + 1]
        known = window[~np.isnan(window)]
        expected = known.mean() if len(known) else NAN
        assert found.values[i] == pytest.approx(expected, rel=1e-9, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_explained_when_it_is_misused(name: str) -> None:
    with pytest.raises(QueryError, match=rf"{name} wants"):
        parse_expression(f"{name}(a, 1m, 2m)", ["a"])
