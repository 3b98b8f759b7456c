"""Points as columns."""

import numpy as np
import pytest

from engine.points import Batch, Claim, Command, Points


def rows(points: Points) -> list[tuple[int, int, float]]:
    return list(
        zip(points.stat.tolist(), points.at_ms.tolist(), points.value.tolist(), strict=True)
    )


ONE = Points.of([1, 2], [10, 20], [0.5, 1])
OTHER = Points.of([3], [30], [2])


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        ([], []),
        ([ONE], [(1, 10, 0.5), (2, 20, 1.0)]),
        ([ONE, OTHER], [(1, 10, 0.5), (2, 20, 1.0), (3, 30, 2.0)]),
        ([OTHER, Points.of((), (), ()), ONE], [(3, 30, 2.0), (1, 10, 0.5), (2, 20, 1.0)]),
    ],
)
def test_parts_are_joined_in_order(
    parts: list[Points], joined: list[tuple[int, int, float]]
) -> None:
    points = Points.joined(parts)
    assert rows(points) == joined
    assert len(points) == len(joined)
    assert points.stat.dtype == points.at_ms.dtype == np.int64
    assert points.value.dtype == np.float64


def test_takes_rows_by_flags_and_by_slice() -> None:
    assert rows(ONE.take(np.array([False, True]))) == [(2, 20, 1.0)]
    assert rows(ONE.take(slice(0, 1))) == [(1, 10, 0.5)]


def test_a_batch_weighs_what_it_carries() -> None:
    bare = Batch(ONE)
    claimed = Batch(ONE, (Claim(b"d" * 16, b"answer", 0, 2),))
    assert Batch(Points.joined([ONE, OTHER])).size > bare.size > 0
    assert claimed.size >= bare.size + len(b"answer") + 16
    assert Batch(ONE, (), (Command("stat.put", 1, b"x" * 1000),)).size >= bare.size + 1000
