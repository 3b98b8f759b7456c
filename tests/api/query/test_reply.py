"""Replies: series become points, columns and summaries with the right numbers in JSON."""

import msgspec
import numpy as np
import pytest

from api.query.reply import Columns, Point, columns_of, numbers, points_of, summary_of, whole
from api.query.series import Series, Totals

NAN = float("nan")


def two_hours() -> Series:
    starts = np.array([7200, 10_800])
    return Series(
        starts, starts + 3600, np.array([812, 0]), np.array([False, True]),
        {
            "value": np.array([812.0, 0.0]),
            "min": np.array([1.0, NAN]),
            "p99.9": np.array([0.25, NAN]),
        },
    )  # fmt: skip


def test_points_have_only_what_was_asked_for() -> None:
    assert msgspec.json.encode(points_of(two_hours())) == (
        b'[{"t":7200,"value":812,"min":1,"p99.9":0.25},'
        b'{"t":10800,"value":0,"min":null,"p99.9":null,"partial":true}]'
    )


def test_columns_say_the_same() -> None:
    assert msgspec.json.encode(columns_of(two_hours())) == (
        b'{"t":[7200,10800],"value":[812,0],"min":[1,null],"p99.9":[0.25,null],'
        b'"partial":[false,true]}'
    )


def test_times_can_be_given_otherwise() -> None:
    later = [1, 2]
    assert [point.t for point in points_of(two_hours(), later)] == later
    assert columns_of(two_hours(), later).t == later


@pytest.mark.parametrize(
    ("column", "listed"),
    [
        ([], []),
        ([1, 2, NAN], [1, 2, None]),
        ([1, 2.5], [1.0, 2.5]),
        ([2.0**53], [2.0**53]),
        ([1e300, NAN], [1e300, None]),
    ],
)
def test_numbers_are_integers_when_all_of_a_column_are(
    column: list[float], listed: list[object]
) -> None:
    found = numbers(np.array(column, float))
    assert found == listed
    assert [type(x) for x in found] == [type(x) for x in listed]


def test_one_number_is_an_integer_when_it_is_one() -> None:
    assert msgspec.json.encode([whole(3.0), whole(3.5), whole(1e300)]) == b"[3,3.5,1e300]"


def test_a_summary_has_what_is_known() -> None:
    empty = summary_of(Totals(0.0, 0, quantiles={"p99.9": None}))
    assert msgspec.to_builtins(empty)["p99.9"] is None
    assert "p50" not in msgspec.to_builtins(empty)
    full = summary_of(Totals(6.0, 3, 1.0, 3.0, 2.0, 1.0, 3.0, 0.5, 6.0, 6.0))
    assert (full.sum, full.count, full.stddev, full.bucket_max) == (6, 3, 0.5, 6)


def test_points_and_columns_have_the_same_fields() -> None:
    assert [f.encode_name for f in msgspec.structs.fields(Point)] == [
        f.encode_name for f in msgspec.structs.fields(Columns)
    ]
