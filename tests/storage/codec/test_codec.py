"""Log frames come back as they were, without the rows that are masked; bad bytes have one error."""

from dataclasses import replace
from itertools import product, starmap
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.points import Batch, Claim, Command, Points
from storage.codec import BadFrame, decode_log, decode_skip, encode_log, encode_skip
from storage.codec.frame import ROWS_MAX, Form, opened, seal
from tests.storage.codec.coded import IDS, NUMBERS, bits, damaged

TIMES = st.one_of(
    st.integers(1_800_000_000_000, 1_800_000_070_000), st.integers(-(2**62), 2**62 - 1)
)
POINTS = st.lists(st.tuples(IDS, TIMES, NUMBERS), max_size=40)
COMMANDS = st.lists(
    st.builds(Command, st.text(max_size=10), st.integers(0, 2**63 - 1), st.binary(max_size=20)),
    max_size=3,
)
BATCHES = st.lists(st.tuples(POINTS, COMMANDS), max_size=4)


def batch_of(points: list[tuple[int, int, float]], commands: list[Command]) -> Batch:
    columns = Points.of(*([point[n] for point in points] for n in range(3)))  # type: ignore[arg-type]
    return Batch(columns, (Claim(bytes(16), b"", 0, len(points)),), tuple(commands))


def one_batch(rows: int = 5) -> Batch:
    numbers = np.arange(rows)
    return Batch(Points(numbers + 1, numbers + 10**12, numbers / 4), (), (Command("a", 1, b"b"),))


@given(parts=BATCHES)
def test_a_log_frame_comes_back(parts: list[tuple[Any, list[Command]]]) -> None:
    batches = list(starmap(batch_of, parts))
    points, commands = decode_log(encode_log(batches))
    assert bits(points) == bits(Points.joined([batch.points for batch in batches]))
    assert commands == tuple(command for batch in batches for command in batch.commands)


@given(
    rows=st.integers(1, 30),
    edges=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5),
)
def test_masked_rows_are_left_out(rows: int, edges: list[tuple[int, int]]) -> None:
    batch = one_batch(rows)
    ranges = [(min(edge), max(edge)) for edge in edges if max(edge) <= rows]
    points, _ = decode_log(encode_log([batch]), encode_skip(ranges))
    kept = [row for row in range(rows) if not any(low <= row < high for low, high in ranges)]
    assert points.stat.tolist() == [row + 1 for row in kept]
    assert len(points.value) == len(points.at_ms) == len(kept)


def test_a_mask_is_text() -> None:
    assert encode_skip([(0, 3), (7, 1000)]) == b"0-3,7-1000"
    assert decode_skip(b"0-3,7-1000") == [(0, 3), (7, 1000)]
    assert decode_skip(b"") == []


@pytest.mark.parametrize("skip", [b"x", b"3", b"3-", b"-3", b"5-3", b"0-3,", b"0-6", b"1-2-3"])
def test_a_mask_that_makes_no_sense_is_a_bad_frame(skip: bytes) -> None:
    with pytest.raises(BadFrame, match="skip"):
        decode_log(encode_log([one_batch()]), skip)


def test_points_that_are_alike_take_few_bytes() -> None:
    rows = np.arange(1000)
    ones = Points(rows % 1000 + 10**6, 10**12 + rows, np.ones(1000))
    assert len(encode_log([Batch(ones)])) <= 4.2 * 1000
    measured = replace(ones, value=rows / 7)
    assert len(encode_log([Batch(measured)])) <= 12.2 * 1000


def test_damaged_bytes_are_bad_frames() -> None:
    assert damaged(encode_log([one_batch(50), one_batch(3)]), decode_log) == []


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"", "no bytes"),
        (b"\x12", "version 2 is not known, only 1"),
        (b"\x10", "version 0 is not known, only 1"),
        (b"\x31", r"another form \(0x31\)"),
        (b"\x11", "checksum"),
    ],
)
def test_the_reason_is_told(first: bytes, reason: str) -> None:
    rest = encode_log([one_batch()])[1:-1] if first else b""
    with pytest.raises(BadFrame, match=f"log: .*{reason}"):
        decode_log(first + rest)


# Of the right version and checksum, but not what was ever written.
NONSENSE: list[Any] = [
    None, -1, 3, 2**63, 2**64 - 1, 0.5, "x", b"", b"abc", [], [1], [1, 0, b"a"], [3, 0, b"abc"],
    [8, 0, b"abcdefgh"], [1, "low", b"abcde"], [b"12345678"], {}, [[1, 2, 3]], [["a", 1, "b"]],
]  # fmt: skip


def test_fields_that_make_no_sense_are_bad_frames() -> None:
    with opened(Form.LOG, encode_log([one_batch(1)])) as fields:
        good = list(fields)
    for place, odd in product(range(len(good)), NONSENSE):
        made = seal(Form.LOG, [*good[:place], odd, *good[place + 1 :]])
        try:
            points, _ = decode_log(made)
        except BadFrame:
            continue
        assert len(points.stat) == len(points.at_ms) == len(points.value)
    for fields in ([], good[:-1], [*good, 1]):
        with pytest.raises(BadFrame):
            decode_log(seal(Form.LOG, fields))
    with pytest.raises(BadFrame, match="not a list"):
        decode_log(seal(Form.LOG, {"a": 1}))  # type: ignore[arg-type]


def test_too_many_rows_are_refused_before_there_is_a_column() -> None:
    fields = [ROWS_MAX + 1, [], [0, 1, b""], [0, 1, b""], [0, 1, b""], []]
    with pytest.raises(BadFrame, match="rows, at most"):
        decode_log(seal(Form.LOG, fields))
