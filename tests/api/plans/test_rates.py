"""Rates: a burst, then evenly; whoever takes too much is told when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.plans import rates as module
from api.plans.rates import BURST_S, Rates

BURST = int(10 * BURST_S)
"""At 10 a second."""


def test_a_burst_then_evenly() -> None:
    rates = Rates()
    assert rates.wait_s("a", BURST, 10, 100.0) == 0
    assert rates.wait_s("a", 1, 10, 100.0) == pytest.approx(0.1)
    assert rates.wait_s("a", 1, 10, 100.1) == 0
    assert rates.wait_s("a", 5, 10, 100.1) == pytest.approx(0.5)
    assert rates.wait_s("b", BURST, 10, 100.1) == 0


def test_whoever_was_silent_has_a_whole_burst_again() -> None:
    rates = Rates()
    rates.wait_s("a", BURST, 10, 0.0)
    assert rates.wait_s("a", BURST, 10, 1000.0) == 0
    assert rates.wait_s("a", 1, 10, 1000.0) > 0


def test_more_than_a_burst_is_taken_at_once_and_paid_back() -> None:
    rates = Rates()
    assert rates.wait_s("a", 3 * BURST, 10, 0.0) == 0
    assert rates.wait_s("a", 1, 10, 0.0) == pytest.approx(20.1)
    assert rates.wait_s("a", 1, 10, 2 * BURST_S + 0.1) == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 3)), max_size=60))
def test_no_more_is_taken_than_the_rate_allows(asked: list[tuple[int, float]]) -> None:
    rates, now_s, taken = Rates(), 0.0, 0
    for amount, pause_s in asked:
        now_s += pause_s
        wait_s = rates.wait_s("a", amount, 10, now_s)
        if wait_s == 0:
            taken += amount
        else:
            assert rates.wait_s("a", amount, 10, now_s + wait_s) == 0
            now_s += wait_s
            taken += amount
        assert taken <= BURST + 10 * now_s + 1e-6


def test_callers_are_forgotten() -> None:
    rates = Rates()
    for number in range(10):
        rates.wait_s(number, 1, 10, 0.0)
    rates.wait_s("late", 1, 10, BURST_S + 1)
    assert repr(rates) == "<Rates of 1 callers>"


def test_of_very_many_callers_the_oldest_are_forgotten() -> None:
    rates, limit = Rates(), module.CALLERS_MAX
    for number in range(limit + 5):
        rates.wait_s(number, 1, 10, 0.0)
    assert repr(rates) == f"<Rates of {limit} callers>"
