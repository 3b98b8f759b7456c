"""A ring that was loaded says what one says that grew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ring import Ring, rows_of
from engine.rollup import Rollups, roll_up
from engine.rules import AGGREGATES

NOW_MS = 1_800_000_125_000
WIDTH_S, WINDOW_S, SPAN_S = 10, 60, 180

POINTS = st.lists(st.tuples(st.integers(-300, 60), st.floats(-1e6, 1e6)), max_size=40)


def rollups(points: list[tuple[int, float]]) -> Rollups:
    at_ms = np.array([NOW_MS + 1_000 * at_s for at_s, _ in points], np.int64)
    values = np.array([value for _, value in points], np.float64)
    return roll_up(np.full(len(points), 7), at_ms, values, WIDTH_S)


@pytest.mark.parametrize("aggregate", sorted(AGGREGATES))
@given(points=POINTS)
def test_loading_is_adding_at_once(aggregate: str, points: list[tuple[int, float]]) -> None:
    loaded, grown = (Ring(aggregate, WIDTH_S, WINDOW_S, SPAN_S) for _ in range(2))
    content = rollups(points)
    loaded.load(content, NOW_MS)
    for row in rows_of(content):
        grown.add([row], NOW_MS)
    assert len(loaded) == len(grown)
    for later_s in (0, 7, 30, 90):
        now_ms = NOW_MS + 1_000 * later_s
        for ring in (loaded, grown):
            ring.arrive(now_ms)
        for back_s in (0, WINDOW_S):
            assert loaded.measure(now_ms, back_s) == grown.measure(now_ms, back_s)
        assert loaded.enters_ms() == grown.enters_ms()
        assert loaded.leaves_ms(now_ms) == grown.leaves_ms(now_ms)
