"""Points become requests within the server's limits, under keys that say when they were made."""

import json
from collections import deque
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.bodies import BODY_LIMIT
from api.http.item import ITEMS_LIMIT
from api.http.problems import TABLE, Problem
from api.http.repeats import UUID7_FORM, WINDOW_MS, checked_key
from engine.points import VALUE_LIMIT
from engine.stats import NAME_LENGTH_MAX
from statflow_client import batches, outbox, points
from statflow_client.batches import TIMELESS, new_key, take_batch
from statflow_client.points import Point, Unusable, When, point_of

NOW_S = 1_795_302_000.0


def test_limits_are_those_of_the_server() -> None:
    assert batches.BATCH_POINTS_MAX == ITEMS_LIMIT
    assert batches.BATCH_BYTES_MAX < BODY_LIMIT
    assert points.NAME_LENGTH_MAX == NAME_LENGTH_MAX
    assert points.VALUE_LIMIT == VALUE_LIMIT
    assert outbox.AGE_S_MAX * 1000 < WINDOW_MS


def test_a_batch_takes_a_thousand_and_leaves_the_rest() -> None:
    waiting = deque(Point(f"s{n}", float(n), "counter", 1) for n in range(1500))
    batch = take_batch(waiting, "k", 5.0)
    assert (len(batch.points), len(waiting), batch.made_s) == (1000, 500, 5.0)
    first = json.loads(batch.body)["items"][0]
    assert first == {"stat": "s0", "value": 0, "type": "counter", "timestamp": 1}


def test_long_names_make_smaller_batches() -> None:
    waiting = deque(Point("😀" * NAME_LENGTH_MAX, 1.5, "value", 1) for _ in range(1000))
    sizes = []
    while waiting:
        sizes.append(len(take_batch(waiting, "k", 0).body))
    assert len(sizes) == 2
    assert max(sizes) < BODY_LIMIT


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
def test_keys_say_their_time_as_the_server_reads_it(now_ms: int, chance: int) -> None:
    key = new_key(now_ms, chance)
    assert UUID7_FORM.fullmatch(key)
    assert checked_key(key.encode(), now_ms + WINDOW_MS) == key
    with pytest.raises(Problem):
        checked_key(key.encode(), now_ms + WINDOW_MS + 1)
    assert checked_key((TIMELESS + key).encode(), now_ms + 2 * WINDOW_MS) == TIMELESS + key


@pytest.mark.parametrize(
    ("at", "at_ms"),
    [
        (None, 1_795_302_000_000),
        (12.5, 12_500),
        (datetime(2026, 11, 22, tzinfo=UTC), 1_795_305_600_000),
        (datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=1))), 1_795_305_600_000),
    ],
)
def test_times_are_milliseconds(at: When, at_ms: int) -> None:
    assert point_of("counter", "a", 1, at, NOW_S).at_ms == at_ms


@pytest.mark.parametrize(
    ("stat", "value", "at", "code"),
    [
        ("", 1, None, "stat_name_length"),
        (" ", 1, None, "stat_name_length"),
        ("x" * 256, 1, None, "stat_name_length"),
        (7, 1, None, "stat_name_length"),
        ("\ud800", 1, None, "stat_name_chars"),
        ("a", float("nan"), None, "value_out_of_range"),
        ("a", -1e101, None, "value_out_of_range"),
        ("a", "1", None, "value_type"),
        ("a", True, None, "value_type"),
        ("a", None, None, "value_type"),
        ("a", 10**400, None, "value_type"),
        ("a", 1, "yesterday", "timestamp_invalid"),
    ],
)
def test_what_no_server_takes_is_known_at_once(
    stat: str, value: float, at: When, code: str
) -> None:
    with pytest.raises(Unusable) as caught:
        point_of("value", stat, value, at, NOW_S)
    assert caught.value.code == code
    assert code in TABLE
