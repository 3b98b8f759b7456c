"""Numbers, times and charts, as people see them."""

import pytest

from api.cli.drawing import in_bytes, moment, plain, short, sparkline


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([None, None], "  "),
        ([0, 0, 0], "▁▁▁"),
        ([5, 5], "▄▄"),
        ([0, 7, None, 3.5], "▁█ ▅"),
        ([100, 101, 102, 104], "▁▃▅█"),
        ([-1, 1], "▁█"),
        (list(range(8)), "▁▂▃▄▅▆▇█"),
    ],
)
def test_a_sparkline(values: list[float | None], drawn: str) -> None:
    assert sparkline(values) == drawn


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (float("nan"), "–"), (0, "0"), (812, "812"), (99_999, "99999"),
        (123_456, "123.5k"), (4_500_000, "4.5M"), (-7.25e9, "-7.25G"), (1e15, "1000T"),
        (0.123456, "0.1235"),
    ],
)  # fmt: skip
def test_a_short_number(value: float | None, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (62_475, "62475"), (2**52, str(2**52)), (1 / 3, "0.3333333"), (1e300, "1e+300")],
)
def test_a_plain_number(value: float | None, text: str) -> None:
    assert plain(value) == text


def test_a_moment_is_told_to_the_second() -> None:
    assert moment(1_795_302_000_999) == "2026-11-21T23:00:00Z"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**41, "2.0 TiB")]
)
def test_bytes(size: int, text: str) -> None:
    assert in_bytes(size) == text
