"""Partials come back to the last bit, and take little room although stats are mixed."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.histogram import Histograms, count_up
from engine.ports import Partials
from engine.rollup import Floats, Ints, Rollups, roll_up
from engine.tiers import PARTIAL_S
from storage.codec import BadFrame, decode_partials, encode_partials
from storage.codec.frame import Form, opened, seal
from tests.storage.codec.coded import COUNTS, IDS, bits, damaged, rollups

STARTS = st.integers(0, 100).map(lambda n: 1_800_000_000 + n * PARTIAL_S)
KEYS = st.lists(st.tuples(IDS, STARTS), max_size=30, unique=True).map(sorted)
TRIPLES = st.dictionaries(st.tuples(IDS, STARTS, st.integers(-70_000, 70_000)), COUNTS, max_size=30)
VALUES = st.one_of(
    st.integers(-500, 500).map(lambda n: n / 10), st.just(-0.0), st.floats(-1e9, 1e9)
)
POINTS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 40_000), VALUES), max_size=40)


@given(data=st.data())
def test_any_rollups_come_back_to_the_last_bit(data: st.DataObject) -> None:
    keys = data.draw(KEYS)
    made = data.draw(rollups(keys)) if keys else Rollups.empty()
    decoded = decode_partials(encode_partials(Partials(made, Histograms.empty())))
    assert bits(decoded.rollups) == bits(made)


@given(points=POINTS)
def test_what_points_make_comes_back(points: list[tuple[int, int, float]]) -> None:
    stat, ms, value = columns(points)
    partials = Partials(roll_up(stat, ms, value, PARTIAL_S), count_up(stat, ms, value))
    decoded = decode_partials(encode_partials(partials))
    assert bits(decoded.rollups) == bits(partials.rollups)
    assert bits(decoded.histograms) == bits(partials.histograms)


@given(triples=TRIPLES, scale=st.integers(0, 7))
def test_any_histograms_come_back(triples: dict[tuple[int, int, int], int], scale: int) -> None:
    rows = [(*key, count) for key, count in sorted(triples.items())]
    made = Histograms(scale, *(np.array([row[n] for row in rows], np.int64) for n in range(4)))
    decoded = decode_partials(encode_partials(Partials(Rollups.empty(), made)))
    assert bits(decoded.histograms) == bits(made)


def columns(points: list[tuple[int, int, float]]) -> tuple[Ints, Ints, Floats]:
    ms = 1_800_000_000_000
    return (
        np.array([stat for stat, _, _ in points], np.int64),
        np.array([ms + at for _, at, _ in points], np.int64),
        np.array([value for _, _, value in points], np.float64),
    )


def mixed(stats: int, points: int) -> Partials:
    """What ten seconds of as many counters as measured values leave."""
    random = np.random.default_rng(1)
    stat = np.repeat(np.arange(stats) + 10**6, points)
    ms = 1_800_000_000_000 + random.integers(0, 10_000, len(stat))
    measured = np.round(random.lognormal(4, 1, len(stat)), 2)
    value = np.where(stat % 2 == 0, 1.0, measured)
    return Partials(roll_up(stat, ms, value, PARTIAL_S), count_up(stat, ms, value))


@pytest.mark.parametrize(("points", "bytes_a_row"), [(1, 7), (10, 30)])
def test_rollups_of_mixed_stats_take_little_room(points: int, bytes_a_row: int) -> None:
    rollups_alone = Partials(mixed(5_000, points).rollups, Histograms.empty())
    assert len(encode_partials(rollups_alone)) <= bytes_a_row * 5_000


def test_a_bin_takes_five_bytes_at_most() -> None:
    histograms = mixed(5_000, 3).histograms
    assert len(encode_partials(Partials(Rollups.empty(), histograms))) <= 5 * len(histograms)


@pytest.mark.parametrize("odd", [np.pi * 1e99, -np.pi * 1e99, 2.0**60])
def test_one_odd_row_does_not_widen_the_others(odd: float) -> None:
    stat = np.arange(1000)
    value = np.where(stat == 500, odd, stat % 100 / 10)
    made = roll_up(stat, stat + 1_800_000_000_000, value, PARTIAL_S)
    data = encode_partials(Partials(made, Histograms.empty()))
    assert len(data) <= 5 * 1000
    assert bits(decode_partials(data).rollups) == bits(made)


def test_damaged_bytes_are_bad_frames() -> None:
    assert damaged(encode_partials(mixed(30, 2)), decode_partials) == []


NONSENSE: list[Any] = [
    None, -1, 3, 2**63, 0.5, "x", b"", b"\xff", b"abc", [], [0], [1, 0, b"a"],
    [0, 1, 1, b"a", b"", b""],
    [0, 0, 0, b"", b"\xff", b"abc"], [99, 0, 0, b"", b"", b""], [8, 0, b"abcdefgh"], {},
]  # fmt: skip


def test_fields_that_make_no_sense_are_bad_frames() -> None:
    with opened(Form.PARTIALS, encode_partials(mixed(3, 2))) as fields:
        good = list(fields)
    cases = [[*good[:place], odd, *good[place + 1 :]] for place, odd in product(range(7), NONSENSE)]
    for outer in (5, 6):
        for place, odd in product(range(len(good[outer])), NONSENSE):
            inner = [*good[outer][:place], odd, *good[outer][place + 1 :]]
            cases.append([*good[:outer], inner, *good[outer + 1 :]])
    for case in [*cases, [], good[:-1], [*good, 1]]:
        try:
            decoded = decode_partials(seal(Form.PARTIALS, case))
        except BadFrame:
            continue
        assert len(decoded.rollups.last) == len(decoded.rollups)
        assert len(decoded.histograms.count) == len(decoded.histograms)
