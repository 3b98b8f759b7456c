"""`group=` and `expr=` together: what is computed and what the results are called."""

from collections.abc import Sequence

import numpy as np
import pytest

from api.query.combined import combination
from api.query.durations import Duration
from api.query.errors import QueryError
from api.query.expression import Line, Need

TABLE: dict[Need, Sequence[Line]] = {
    Need("a"): [Line("s1", np.array([1.0, 2])), Line("s2", np.array([3.0, 4]))],
    Need("b"): [Line("s3", np.array([10.0, 20]))],
    Need("b", Duration(days=7)): [Line("s3", np.array([5.0, 5]))],
}


def run(group: str | None, expr: str | None) -> dict[str, list[float]]:
    found = combination("ab", group, expr)
    assert found is not None
    return {line.name: line.values.tolist() for line in found.lines(TABLE, 2, 60)}


@pytest.mark.parametrize(
    ("group", "expr", "result"),
    [
        ("sum", None, {"sum": [14, 26]}),
        ("avg", None, {"avg": [14 / 3, 26 / 3]}),
        ("min", None, {"min": [1, 2]}),
        ("max", None, {"max": [10, 20]}),
        ("topk", None, {"s3": [10, 20], "s2": [3, 4], "s1": [1, 2]}),
        ("topk:2", None, {"s3": [10, 20], "s2": [3, 4]}),
        ("topk(1)", None, {"s3": [10, 20]}),
        (None, "a", {"s1": [1, 2], "s2": [3, 4]}),
        (None, "b", {"s3": [10, 20]}),
        (None, "topk(1, a)", {"s2": [3, 4]}),
        (None, "b * 2", {"b * 2": [20, 40]}),
        (None, "a * b", {"s1": [10, 40], "s2": [30, 80]}),
        (None, "b / shift(b, 1w)", {"b / shift(b, 1w)": [2, 4]}),
        (None, "sum(a)", {"sum(a)": [4, 6]}),
        (None, " 1 + 1 ", {"1 + 1": [2, 2]}),
        ("sum", "b / a", {"b / a": [2.5, 20 / 6]}),
        ("max", "-abs(moving(a, 1m)) + 1", {"-abs(moving(a, 1m)) + 1": [-2, -3]}),
        ("topk:1", "a", {"s2": [3, 4]}),
    ],
)
def test_results_have_names(
    group: str | None, expr: str | None, result: dict[str, list[float]]
) -> None:
    assert run(group, expr) == result


def test_buckets_that_were_looked_back_on_are_left_out() -> None:
    found = combination("b", None, "moving(b, 2m)")
    assert found is not None
    assert found.lookback(60) == 1
    assert [line.values.tolist() for line in found.lines(TABLE, 2, 60)] == [[15]]


def test_without_group_and_expression_there_is_nothing_to_combine() -> None:
    assert combination("ab", None, None) is None


def test_what_is_needed_is_what_the_expression_names() -> None:
    found = combination("ab", "sum", "b - shift(b, 1w)")
    assert found is not None
    assert found.needs() == [Need("b"), Need("b", Duration(days=7))]


@pytest.mark.parametrize(
    "group", ["", "median", "sum:3", "topk:0", "topk:101", "topk:x", "sum,avg"]
)
def test_other_groups_are_refused(group: str) -> None:
    with pytest.raises(QueryError, match=r"group: .* is none of sum, avg") as caught:
        combination("ab", group, None)
    assert caught.value.parameter == "group"
