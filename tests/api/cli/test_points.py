"""Lines become points, and each bad line is named."""

import pytest

from api.cli.errors import CommandError
from api.cli.points import Item, Writing
from api.query.times import parse_zone

NOW_MS = 1_795_302_000_000
UTC = parse_zone("UTC")


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("page.views", {"stat": "page.views"}),
        ("  orders   3  ", {"stat": "orders", "value": 3}),
        ("latency 12.5", {"stat": "latency", "value": 12.5}),
        ("temp -3.5e-2", {"stat": "temp", "value": -0.035}),
        ("x 1 1795301000", {"stat": "x", "value": 1, "t": 1_795_301_000_000}),
        ("x 1 -5m", {"stat": "x", "value": 1, "t": NOW_MS - 300_000}),
        ("x 1 2026-11-22 10:00", {"stat": "x", "value": 1, "t": 1_795_341_600_000}),
        ('"our shop" 2', {"stat": "our shop", "value": 2}),
        (r'"say \"hi\"" 2', {"stat": 'say "hi"', "value": 2}),
        ('{"stat":"a","id":"7","t":5}', {"stat": "a", "id": "7", "t": 5}),
        ("", None),
        ("   # a comment", None),
    ],
)
def test_a_line_says_a_point(line: str, item: Item | None) -> None:
    assert Writing(None, UTC).item_of(line, "line 1", NOW_MS) == item


@pytest.mark.parametrize(
    "line",
    [
        '"open 1',
        "x nan",
        "x 1e999",
        "x y",
        "x 1 yesteryear",
        '{"stat":',
        '{"stat":"a","value":NaN}',
    ],
)
def test_a_bad_line_is_named(line: str) -> None:
    with pytest.raises(CommandError, match="line 12"):
        Writing(None, UTC).item_of(line, "line 12", NOW_MS)


def test_the_type_is_that_of_the_flag_unless_the_line_says_one() -> None:
    writing = Writing("value", UTC)
    assert writing.item_of("x 1", "", NOW_MS) == {"stat": "x", "value": 1, "type": "value"}
    assert writing.item_of('{"stat":"x"}', "", NOW_MS) == {"stat": "x", "type": "value"}
    said = '{"stat":"x","type":"counter"}'
    assert writing.item_of(said, "", NOW_MS) == {"stat": "x", "type": "counter"}


def test_bare_times_are_in_the_zone() -> None:
    writing = Writing(None, parse_zone("Asia/Kolkata"))
    item = writing.item_of("x 1 2026-11-22T15:30", "", NOW_MS)
    assert item is not None
    assert item["t"] == 1_795_341_600_000
