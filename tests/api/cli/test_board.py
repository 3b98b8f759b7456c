"""The board of `tail` keeps what it was told last."""

from itertools import starmap

import pytest

from api.cli.board import KEPT_BUCKETS, Board, Bucket, Told, width_of
from api.cli.client import StatInfo

VIEWS = StatInfo("st_1", "page.views", "counter")
DEPTH = StatInfo("st_2", "queue.depth", "value", "jobs")


def told(stat: str, *points: tuple[int, float], resolution: str = "10s") -> Told:
    return Told(stat, resolution, list(starmap(Bucket, points)))


def test_only_what_changed_is_news() -> None:
    board = Board([VIEWS], "10s")
    assert board.hear(told("st_1", (10, 1), (20, 2))) == [
        (VIEWS, Bucket(10, 1)), (VIEWS, Bucket(20, 2)),
    ]  # fmt: skip
    assert board.hear(told("st_1", (10, 1), (20, 3))) == [(VIEWS, Bucket(20, 3))]


def test_other_stats_and_resolutions_are_passed_over() -> None:
    board = Board([VIEWS], "10s")
    assert board.hear(told("st_9", (10, 1))) == []
    assert board.hear(told("st_1", (10, 1), resolution="1m")) == []
    assert next(iter(board.rows)).newest is None


def test_gaps_of_a_counter_are_zeros_and_of_a_value_unknown() -> None:
    board = Board([VIEWS, DEPTH], "10s")
    for stat in ("st_1", "st_2"):
        board.hear(told(stat, (20, 5), (40, 7)))
    views, depth = board.rows
    assert views.series(50, 10, 6) == [None, None, 5, 0, 7, 0]
    assert depth.series(50, 10, 6) == [None, None, 5, None, 7, None]
    assert depth.newest == (40, 7)


def test_it_does_not_grow_for_ever() -> None:
    board = Board([VIEWS], "1s")
    for at_s in range(10_000):
        board.hear(told("st_1", (at_s, at_s), resolution="1s"))
    (row,) = board.rows
    assert KEPT_BUCKETS <= len(row.values) <= 2 * KEPT_BUCKETS
    assert row.newest == (9_999, 9_999)
    assert row.series(9_999, 1, 3) == [9_997, 9_998, 9_999]


def test_the_bucket_of_a_moment() -> None:
    assert Board([], "1m").bucket(125.9) == 120


@pytest.mark.parametrize(("text", "width"), [("1s", 1), ("15m", 900), ("1h", 3600), ("1d", 86400)])
def test_widths(text: str, width: int) -> None:
    assert width_of(text) == width


@pytest.mark.parametrize("text", ["", "s", "0s", "1w", "-1s", "1.5m", "auto"])
def test_what_is_no_width(text: str) -> None:
    with pytest.raises(ValueError, match="no resolution"):
        width_of(text)
