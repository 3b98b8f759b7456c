"""The words of `agg=` and `fill=`."""

import pytest

from api.query.aggregates import Fill, FillMode, parse_aggregates, parse_fill, parse_shift
from api.query.durations import Duration
from api.query.errors import QueryError


@pytest.mark.parametrize(
    ("texts", "counter", "names"),
    [
        ([], True, ("sum", "count", "min", "max")),
        ([""], False, ("avg", "count", "min", "max")),
        (["sum,count", "p99.9"], True, ("sum", "count", "p99.9")),
        (["sum, sum", "sum"], False, ("sum",)),
    ],
)
def test_aggregates_are_read_in_their_order_and_once(
    texts: list[str], counter: bool, names: tuple[str, ...]
) -> None:
    assert parse_aggregates(texts, counter) == names


@pytest.mark.parametrize("text", ["median", "sum,p42", "SUM", "value"])
def test_other_aggregates_are_refused(text: str) -> None:
    with pytest.raises(QueryError, match="is none of sum, count") as caught:
        parse_aggregates([text], True)
    assert caught.value.code == "parameter_invalid"


@pytest.mark.parametrize(
    ("text", "fill"),
    [
        (None, Fill(FillMode.AUTO)),
        ("auto", Fill(FillMode.AUTO)),
        ("null", Fill(FillMode.NULL)),
        ("none", Fill(FillMode.NONE)),
        ("previous", Fill(FillMode.PREVIOUS)),
        ("linear", Fill(FillMode.LINEAR)),
        ("zero", Fill(FillMode.NUMBER, 0.0)),
        ("-1.5", Fill(FillMode.NUMBER, -1.5)),
    ],
)
def test_ways_to_fill(text: str | None, fill: Fill) -> None:
    assert parse_fill(text) == fill


@pytest.mark.parametrize("text", ["", "number", "nan", "inf", "1_000", "next", "1e999", "1" * 40])
def test_other_ways_are_refused(text: str) -> None:
    with pytest.raises(QueryError, match="fill: ") as caught:
        parse_fill(text)
    assert caught.value.code == "parameter_invalid"


def test_a_shift_is_a_duration() -> None:
    assert parse_shift("1w") == Duration(days=7)
    assert parse_shift("100y") == Duration(months=1200)


@pytest.mark.parametrize("text", ["", "0s", "-1w", "week", "101y", "99999999999d"])
def test_other_shifts_are_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"compare: .* for example 1d, 1w, 1y"):
        parse_shift(text)
