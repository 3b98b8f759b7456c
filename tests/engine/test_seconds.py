"""The one-second tier: a bounded memory that says where it begins."""

from engine.points import AHEAD_LIMIT_MS
from engine.position import START, Position
from engine.rollup import Rollups
from engine.seconds import Seconds
from engine.tiers import S1
from engine.uncommitted import BYTES_A_ROW
from tests.engine.model import BEGUN_S, Point, expected_of, rolled, told_of

BEGUN = Position(BEGUN_S * 1000, 0)
KEEP_S = S1.keep_s or 0
AHEAD_S = AHEAD_LIMIT_MS // 1000
PLENTY = 2**20


def at(second: int, *stats: int) -> list[Point]:
    return [(stat, (BEGUN_S + second) * 1000, 1.5) for stat in stats]


def position(second: int) -> Position:
    return Position((BEGUN_S + second) * 1000, 1)


def add(seconds: Seconds, second: int, points: list[Point]) -> None:
    seconds.add(position(second), rolled(points), BEGUN_S + second)


def test_blocks_are_kept_apart_by_stat_and_position() -> None:
    seconds = Seconds(PLENTY, BEGUN, BEGUN_S)
    add(seconds, 10, at(3, 1, 2))
    add(seconds, 20, at(4, 1) + at(14, 1))
    assert told_of(Rollups.merged(seconds.of_stat(1), 1)) == expected_of(
        at(3, 1) + at(4, 1) + at(14, 1), 1, 1
    )
    assert [part.start.tolist() for part in seconds.of_stat(1, position(10))] == [
        [BEGUN_S + 4, BEGUN_S + 14]
    ]
    assert [part.start.tolist() for part in seconds.of_stat(2, START)] == [[BEGUN_S + 3]]
    assert seconds.of_stat(2, position(10)) == []
    assert (seconds.begun, seconds.complete_from_s) == (BEGUN, BEGUN_S)
    assert "2 blocks" in repr(seconds)


def test_the_oldest_goes_when_nobody_may_ask_for_it() -> None:
    seconds = Seconds(PLENTY, BEGUN, BEGUN_S)
    add(seconds, 10, at(3, 1))
    add(seconds, 20, at(14, 1))
    # A point may have been ahead of the clock when it was committed.
    add(seconds, 10 + KEEP_S + AHEAD_S, at(900, 1))
    assert seconds.begun == BEGUN
    add(seconds, 11 + KEEP_S + AHEAD_S, at(901, 1))
    assert (seconds.begun, seconds.complete_from_s) == (position(10), BEGUN_S + 10)
    assert [part.start.tolist() for part in seconds.of_stat(1)] == [
        [BEGUN_S + 14],
        [BEGUN_S + 900],
        [BEGUN_S + 901],
    ]
    assert seconds.bytes == 3 * BYTES_A_ROW


def test_the_oldest_goes_when_there_is_too_much() -> None:
    seconds = Seconds(3 * BYTES_A_ROW, BEGUN, BEGUN_S)
    add(seconds, 10, at(3, 1, 2))
    add(seconds, 20, at(14, 1))
    assert seconds.begun == BEGUN
    add(seconds, 30, at(24, 1))
    assert (seconds.begun, seconds.complete_from_s) == (position(10), BEGUN_S + 10)
    assert seconds.of_stat(2) == []


def test_points_ahead_of_the_clock_go_with_their_block() -> None:
    seconds = Seconds(2 * BYTES_A_ROW, BEGUN, BEGUN_S)
    add(seconds, 10, at(3, 1) + at(70, 1))
    add(seconds, 20, at(14, 1))
    assert seconds.complete_from(1) == BEGUN_S + 71


def test_what_is_bigger_than_the_budget_is_not_kept_at_all() -> None:
    seconds = Seconds(BYTES_A_ROW, BEGUN, BEGUN_S)
    add(seconds, 10, at(3, 1, 2))
    assert (seconds.of_stat(1), seconds.bytes) == ([], 0)
    assert (seconds.begun, seconds.complete_from_s) == (position(10), BEGUN_S + 10)


def test_a_checkpoint_without_points_is_forgotten_like_any_other() -> None:
    seconds = Seconds(PLENTY, BEGUN, BEGUN_S)
    add(seconds, 10, [])
    add(seconds, 10 + 2 * KEEP_S, at(3, 1))
    assert seconds.begun == position(10)


def test_late_points_do_not_say_more_is_complete() -> None:
    seconds = Seconds(BYTES_A_ROW, BEGUN, BEGUN_S)
    add(seconds, 10, at(-500, 1))
    add(seconds, 20, at(-400, 1))
    assert seconds.complete_from_s == BEGUN_S + 10
