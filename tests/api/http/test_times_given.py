"""Times as senders write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from api.http.times import OLDEST_MS, Time, time_ms, times_ms

NOW_MS = 1_795_302_000_123


@pytest.mark.parametrize(
    ("written", "at_ms"),
    [
        (1795302000, 1795302000000),
        (1795302000.25, 1795302000250),
        (1795302000123, 1795302000123),
        (1795302000123456, 1795302000123),
        (1795302000123456789, 1795302000123),
        ("2026-11-20T03:40:00Z", 1795146000000),
        ("2026-11-20T03:40:00.5+01:00", 1795142400500),
        ("2026-11-20 03:40:00+00:00", 1795146000000),
        (99_999_999, None),
        (-5, None),
        (0, None),
        (1e30, None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ("", None),
        ("1795302000", None),
        ("2026-11-20T03:40:00", None),
        ("2026-13-01T00:00:00Z", None),
        ("9" * 100, None),
        (None, None),
    ],
)
def test_one_time(written: object, at_ms: int | None) -> None:
    assert time_ms(written) == at_ms


@given(st.lists(st.integers(-10, 2**70) | st.floats(0, 1e20) | st.just(UNSET), max_size=20))
def test_a_column_is_read_as_its_members_are(given_times: list[Time]) -> None:
    at_ms, refused = times_ms(given_times, NOW_MS)
    codes = dict(reversed(refused))
    for row, written in enumerate(given_times):
        one = NOW_MS if written is UNSET else time_ms(written)
        if one is None:
            assert codes[row] == "timestamp_invalid"
        elif one < OLDEST_MS:
            assert codes[row] == "timestamp_too_old"
        elif one > NOW_MS + 60_000:
            assert codes[row] == "timestamp_in_future"
        else:
            assert row not in codes
            assert at_ms[row] == one


@given(st.lists(st.integers(100_000_000, 9_000_000_000_000_000_000), max_size=20))
def test_whole_numbers_at_once_are_as_one_by_one(written: list[int]) -> None:
    at_ms, _ = times_ms(written, NOW_MS)
    expected = [time_ms(one) for one in written]
    usable = [row for row, one in enumerate(expected) if one is not None]
    assert [at_ms[row] for row in usable] == [expected[row] for row in usable]


def test_a_plan_may_keep_less() -> None:
    _, refused = times_ms([1795302000 - 7200], NOW_MS, NOW_MS - 3_600_000)
    assert refused == [(0, "timestamp_too_old")]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(10**9, 2 * 10**9), min_size=1))
def test_a_column_of_whole_numbers_says_what_its_items_say(times: list[int]) -> None:
    at_ms, refused = times_ms(np.array(times, np.int64), NOW_MS)
    expected, refused_each = times_ms([*times], NOW_MS)
    assert refused == refused_each
    bad = {row for row, _ in refused}
    good = [row for row in range(len(times)) if row not in bad]
    assert at_ms[good].tolist() == expected[good].tolist()
    assert [time_ms(times[row]) for row in good] == at_ms[good].tolist()
