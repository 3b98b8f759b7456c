"""Chunks come back to the last bit (squares to 24), and a dense stat keeps to its budget."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.histogram import Histograms, count_up
from engine.ports import Chunk
from engine.position import Position
from engine.rollup import Floats, Ints, Rollups, roll_up
from engine.tiers import H1, HISTOGRAMS, M1, M15, S10, STORED, Tier
from storage.codec import BadFrame, decode_chunk, encode_chunk, encode_chunks
from storage.codec.frame import Form, opened, seal
from tests.storage.codec.coded import COUNTS, bits, damaged, rollups

BEGUN_S = 1_800_000_000
POSITION = Position(1_800_000_123_456, 3)
STAT = 12_345
DAY_S = 86_400
MEMBER_OVERHEAD = 84
"""What a member of a sorted set takes besides its bytes."""

TRIPLES = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(-70_000, 70_000)), COUNTS, max_size=40
)


@st.composite
def rollup_chunks(draw: st.DrawFn) -> Chunk:
    tier = draw(st.sampled_from(STORED))
    start = tier.chunk(BEGUN_S)
    steps = draw(st.sets(st.integers(0, tier.chunk_s // tier.width_s - 1), max_size=30))
    aligned = draw(st.booleans())
    keys = [(STAT, start + step * (tier.width_s if aligned else 1)) for step in sorted(steps)]
    content = draw(rollups(keys)) if keys else Rollups.empty()
    return Chunk(STAT, tier, start, POSITION, content)


@st.composite
def bin_chunks(draw: st.DrawFn) -> Chunk:
    tier = draw(st.sampled_from(HISTOGRAMS))
    start = tier.chunk(BEGUN_S)
    rows = sorted((start + n * tier.width_s, b, c) for (n, b), c in draw(TRIPLES).items())
    columns = [np.array([row[n] for row in rows], np.int64) for n in range(3)]
    content = Histograms(draw(st.integers(0, 7)), np.full(len(rows), STAT), *columns)
    return Chunk(STAT, tier, start, POSITION, content)


def assert_comes_back(chunk: Chunk, data: bytes) -> None:
    decoded = decode_chunk(chunk.stat, data)
    assert place_of(decoded) == place_of(chunk)
    if isinstance(chunk.content, Histograms):
        assert isinstance(decoded.content, Histograms)
        assert bits(decoded.content) == bits(chunk.content)
    else:
        assert isinstance(decoded.content, Rollups)
        assert bits(decoded.content, "squares") == bits(chunk.content, "squares")
        assert close(decoded.content.squares, chunk.content.squares)


def place_of(chunk: Chunk) -> tuple[int, Tier, int, Position]:
    return chunk.stat, chunk.tier, chunk.start, chunk.position


def close(found: Floats, true: Floats) -> bool:
    """Equal to 24 binary digits."""
    least = 5e-324 * 2**29  # numbers as small as this have not so many digits
    return bool((np.abs(found - true) <= np.abs(true) * 2.0**-24 + least).all())


@given(chunk=st.one_of(rollup_chunks(), bin_chunks()))
def test_any_chunk_comes_back(chunk: Chunk) -> None:
    assert_comes_back(chunk, encode_chunk(chunk))


@given(chunks=st.lists(st.one_of(rollup_chunks(), bin_chunks()), max_size=5))
def test_a_chunk_has_the_same_bytes_alone_and_among_others(chunks: list[Chunk]) -> None:
    assert encode_chunks(chunks) == [encode_chunk(chunk) for chunk in chunks]


@pytest.mark.parametrize("kind", ["ones", "whole", "cents", "both signs", "doubles"])
@pytest.mark.parametrize("tier", STORED, ids=lambda tier: tier.name)
def test_what_points_make_comes_back(tier: Tier, kind: str) -> None:
    for a_bucket in (0.2, 1, 7):
        chunk = rollup_chunk(tier, kind, a_bucket)
        data = encode_chunk(chunk)
        assert_comes_back(chunk, data)
        again = encode_chunk(decode_chunk(STAT, data))
        assert again == data


def test_a_chunk_begins_with_tier_start_and_position() -> None:
    chunk = rollup_chunk(M1, "ones", 1)
    with opened(Form.CHUNK, encode_chunk(chunk)) as fields:
        assert fields[:4] == [M1.number, chunk.start, *POSITION]


def points(tier: Tier, kind: str, a_bucket: float) -> tuple[Ints, Ints, Floats]:
    """A chunk full of points of one stat, with so many in a bucket on average."""
    random = np.random.default_rng(7)
    size = int(a_bucket * tier.chunk_s / tier.width_s)
    at_ms = 1000 * tier.chunk(BEGUN_S) + np.sort(random.integers(0, 1000 * tier.chunk_s, size))
    kinds: dict[str, Callable[[], Floats]] = {
        "ones": lambda: np.ones(size),
        "whole": lambda: random.integers(1, 20, size).astype(np.float64),
        "cents": lambda: np.round(random.lognormal(4, 0.5, size), 2),
        "both signs": lambda: np.round(random.normal(0, 10, size), 1),
        "doubles": lambda: random.lognormal(4, 0.5, size),
    }
    return np.full(size, STAT), at_ms, kinds[kind]()


def rollup_chunk(tier: Tier, kind: str, a_bucket: float) -> Chunk:
    content = roll_up(*points(tier, kind, a_bucket), tier.width_s)
    return Chunk(STAT, tier, tier.chunk(BEGUN_S), POSITION, content)


def bin_chunk(tier: Tier, kind: str, a_bucket: float) -> Chunk:
    content = count_up(*points(tier, kind, a_bucket), tier.width_s)
    content = content if tier.keep_s else content.downscaled(3)
    return Chunk(STAT, tier, tier.chunk(BEGUN_S), POSITION, content)


@pytest.mark.parametrize("tier", [M1, M15, H1], ids=lambda tier: tier.name)
@pytest.mark.parametrize(("kind", "bytes_a_bucket"), [("ones", 6), ("whole", 12), ("cents", 25)])
def test_a_dense_bucket_takes_few_bytes(tier: Tier, kind: str, bytes_a_bucket: int) -> None:
    chunk = rollup_chunk(tier, kind, min(tier.width_s, 1000))
    assert len(chunk.content) == 120
    assert len(encode_chunk(chunk)) <= bytes_a_bucket * 120


@pytest.mark.parametrize(
    ("kind", "bins", "budget"), [("ones", False, 170_000), ("cents", True, 1_200_000)]
)
def test_a_dense_stat_keeps_to_its_budget(
    kind: str, bins: bool, budget: int, record_property: Callable[[str, object], None]
) -> None:
    # One point a second, all tiers full, and two years of days.
    room = 0.0
    for tier in STORED:
        data = encode_chunk(rollup_chunk(tier, kind, min(tier.width_s, 1000)))
        room += chunks_kept(tier) * (len(data) + MEMBER_OVERHEAD)
    for tier in HISTOGRAMS if bins else ():
        data = encode_chunk(bin_chunk(tier, kind, min(tier.width_s, 4000)))
        room += chunks_kept(tier) * (len(data) + MEMBER_OVERHEAD)
    record_property("report", f"a dense stat of {kind} takes {room / 1000:.0f} kB")
    assert room <= budget


def chunks_kept(tier: Tier) -> float:
    return (tier.keep_s or 730 * DAY_S) / tier.chunk_s


def test_columns_that_repeat_each_other_cost_a_byte() -> None:
    # Of one value at even times: nothing but the counts tells one bucket from the next.
    start = M1.chunk(BEGUN_S) + np.arange(120) * 60
    stat, ones = np.full(120, STAT), np.ones(120)
    rows = roll_up(stat, 1000 * start, ones * 7.5, 60)
    assert len(encode_chunk(Chunk(STAT, M1, M1.chunk(BEGUN_S), POSITION, rows))) <= 70


def test_damaged_bytes_are_bad_frames() -> None:
    for chunk in (rollup_chunk(S10, "cents", 3), bin_chunk(HISTOGRAMS[0], "cents", 30)):
        assert damaged(encode_chunk(chunk), lambda data: decode_chunk(STAT, data)) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "chunk: no bytes"),
        (b"\x32\x90\0\0\0\0", "chunk: version 2 is not known, only 1"),
        (b"\x21\x90\0\0\0\0", r"chunk: the bytes are of another form \(0x21\)"),
        (b"\x31\x90\0\0\0\0", "chunk: 6 bytes do not match their checksum"),
        (seal(Form.CHUNK, [99, 0, 0, 0, 0]), "chunk: there is no tier 99"),
        (seal(Form.CHUNK, [HISTOGRAMS[0].number, 0, 0, 0, 8, 0]), "histograms of scale 8"),
    ],
)
def test_the_reason_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(BadFrame, match=reason):
        decode_chunk(STAT, data)


NONSENSE: list[Any] = [
    None, -1, 0, 1, 3, 2**63, 0.5, "x", b"", b"abc", [], [0], [6], [7] * 9, [11] * 7, [5] * 7, {},
    [[0], b"\x09", False, b"", b""], [[0], b"\x01", True, b"abc", b""],
    [[2**63, 0, 0], b"\x01\0\0", False, b"abcd", b""],
]  # fmt: skip


@pytest.mark.parametrize("tier", [S10, HISTOGRAMS[0]], ids=["rollups", "histograms"])
@pytest.mark.filterwarnings("ignore")  # numpy may say that nonsense makes none
def test_fields_that_make_no_sense_are_bad_frames(tier: Tier) -> None:
    chunk = bin_chunk(tier, "cents", 20) if tier in HISTOGRAMS else rollup_chunk(tier, "cents", 5)
    with opened(Form.CHUNK, encode_chunk(chunk)) as fields:
        good = list(fields)
    cases = [
        [*good[:place], odd, *good[place + 1 :]]
        for place, odd in product(range(len(good)), NONSENSE)
    ]
    refused = 0
    for case in [*cases, [], good[:-1], [*good, 1]]:
        try:
            decoded = decode_chunk(STAT, seal(Form.CHUNK, case))
        except BadFrame:
            refused += 1
            continue
        assert len(decoded.content.start) == len(decoded.content)
    assert refused > len(cases) // 2
