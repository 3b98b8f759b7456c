"""Reading adds chunks and the partials that they have not absorbed: no gap and no double."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.histogram import SCALE, Histograms, count_up
from engine.ports import Chunk, Span
from engine.position import Position
from engine.reader import Recent, Wanted, compose, read, spans_of
from engine.rollup import Rollups
from engine.tiers import D1, H1, HISTOGRAMS, HOUR_S, M1, M15, S10, STORED, Tier
from storage.memory import MemoryStore
from tests.engine.model import (
    BEGUN_MS,
    BEGUN_S,
    VALUES,
    Point,
    buckets,
    columns,
    counted,
    expected,
    expected_counts,
    expected_of,
    rolled,
    told,
    told_of,
)

EMPTY = Rollups.empty()
STAT = 1


def position(number: int) -> Position:
    return Position(number, 0)


def recent_of(*parts: list[Point]) -> Recent[Rollups]:
    return Recent.of([(position(n), rolled(part, 10)) for n, part in enumerate(parts, 1)], EMPTY)


# Where to look


@pytest.mark.parametrize(
    ("tier", "from_s", "to_s", "spans"),
    [
        # Beyond what is closed there are only partials.
        (S10, 7_500, 9_000, []),
        (S10, 6_000, 7_000, [(S10, 6_000, 7_000)]),
        # The chunk that a range begins in is wanted whole.
        (S10, 6_050, 6_290, [(S10, 6_000, 6_290)]),
        (S10, 6_000, 9_000, [(S10, 6_000, 7_500)]),
        # What is not closed yet is read from the tier below.
        (M1, 0, 9_000, [(M1, 0, 7_200), (S10, 7_200, 7_500)]),
        (M1, 7_230, 9_000, [(S10, 7_200, 7_500)]),
        (M15, 900, 7_000, [(M1, 0, 7_000)]),
        (D1, 0, 9_000, [(M1, 0, 7_200), (S10, 7_200, 7_500)]),
        (M1, 100, 100, []),
    ],
)
def test_each_part_of_a_range_is_read_from_the_widest_tier_that_has_it(
    tier: Tier, from_s: int, to_s: int, spans: list[tuple[Tier, int, int]]
) -> None:
    closed = {S10.number: 7_500, M1.number: 7_200, M15.number: 0}
    wanted = Wanted(STAT, tier, from_s, to_s)
    assert spans_of(wanted, closed) == [Span(STAT, *span) for span in spans]


# Partials


def test_partials_keep_the_log_order_within_a_stat() -> None:
    recent = recent_of([(2, BEGUN_MS, 1.0)], [(1, BEGUN_MS, 2.0), (2, BEGUN_MS, 3.0)])
    assert recent.rows.stat.tolist() == [1, 2, 2]
    assert recent.rows.sum.tolist() == [2.0, 1.0, 3.0]
    assert recent.part.tolist() == [1, 0, 1]
    mine = recent.of_stat(2)
    assert (mine.rows.sum.tolist(), mine.part.tolist()) == ([1.0, 3.0], [0, 1])
    assert len(recent.of_stat(3).rows) == 0


def test_no_partials() -> None:
    assert len(recent_of().rows) == 0
    assert len(recent_of([], []).rows) == 0
    assert recent_of([], []).positions == (position(1), position(2))


def test_a_partial_that_its_chunk_has_absorbed_is_not_counted_again() -> None:
    one: Point = (STAT, BEGUN_MS, 1.0)
    two: Point = (STAT, BEGUN_MS + 300_000, 2.0)
    recent = recent_of([one], [two], [one, two])
    wanted = Wanted(STAT, S10, BEGUN_S, BEGUN_S + 600)
    first = Chunk(STAT, S10, BEGUN_S, position(1), rolled([one], 10))
    second = Chunk(STAT, S10, BEGUN_S + 300, position(3), rolled([two, two], 10))
    assert recent.not_absorbed(wanted, []) is recent.rows
    assert recent.not_absorbed(wanted, [first]).sum.tolist() == [2.0, 1.0, 2.0]
    assert recent.not_absorbed(wanted, [first, second]).sum.tolist() == [1.0]
    whole = Chunk(STAT, M1, BEGUN_S, position(3), rolled([one, two] * 2, 60))
    assert len(recent.not_absorbed(wanted, [whole, first])) == 0
    assert told(compose(wanted, [first, second], recent, EMPTY)) == expected([one, two] * 2, 10)


def test_partials_outside_the_range_are_left_out() -> None:
    points: list[Point] = [(STAT, BEGUN_MS + 10_000 * n, float(n)) for n in range(5)]
    wanted = Wanted(STAT, S10, BEGUN_S + 10, BEGUN_S + 30)
    assert recent_of(points).not_absorbed(wanted, []).sum.tolist() == [1.0, 2.0]


def test_chunks_of_the_other_ladder_are_a_fault() -> None:
    chunk = Chunk(STAT, S10, BEGUN_S, position(1), Histograms.empty())
    with pytest.raises(AssertionError, match="BUG: a chunk of the other ladder"):
        compose(Wanted(STAT, S10, BEGUN_S, BEGUN_S + 10), [chunk], recent_of(), EMPTY)


def test_histograms_of_several_scales_are_added_up_although_they_follow_each_other() -> None:
    tier = HISTOGRAMS[0]
    points: list[Point] = [
        (STAT, BEGUN_MS + 1_000 * n, 1.0 + n / 40) for n in range(2 * tier.chunk_s)
    ]
    begun_s = tier.chunk(BEGUN_S)
    halves = columns(points[: tier.chunk_s]), columns(points[tier.chunk_s :])
    fine, coarse = (
        count_up(half.stat, half.at_ms, half.value, 60, scale)
        for half, scale in zip(halves, (SCALE, SCALE - 2), strict=True)
    )
    chunks = [
        Chunk(STAT, tier, begun_s + number * tier.chunk_s, position(1), content)
        for number, content in enumerate((fine, coarse))
    ]
    wanted = Wanted(STAT, tier, begun_s, begun_s + 2 * tier.chunk_s)
    empty = Histograms.empty()
    found = compose(wanted, chunks, Recent.of([], empty), empty)
    assert counted(found) == counted(Histograms.merged([fine, coarse], 60))


# No gap and no double


@dataclass(frozen=True)
class Committed:
    """Frames, how far each tier is closed, and up to which frame each chunk has absorbed."""

    frames: list[list[Point]]
    closed: dict[int, int]
    absorbed: list[int]

    @property
    def points(self) -> list[Point]:
        return [point for frame in self.frames for point in frame]

    async def stored(self) -> MemoryStore:
        store, turn = MemoryStore(), 0
        await store.acquire(0)
        for tier in (S10, M1, M15):
            for stat, start in sorted(buckets(self.points, tier.chunk_s)):
                if start + tier.chunk_s > self.closed[tier.number]:
                    continue
                through, turn = self.absorbed[turn % len(self.absorbed)], turn + 1
                inside = [
                    point
                    for frame in self.frames[:through]
                    for point in frame
                    if point[0] == stat and tier.chunk(point[1] // 1000) == start
                ]
                if inside:
                    content = rolled(inside, tier.width_s)
                    chunk = Chunk(stat, tier, start, position(through), content)
                    await store.write_chunks(0, 1, [chunk])
        return store


FRAME = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.integers(-40 * HOUR_S * 1000, 1_000_000).map(lambda ms: BEGUN_MS + ms),
        VALUES,
    ),
    max_size=8,
)
CLOSED = st.tuples(st.integers(0, 10), st.integers(0, 3), st.integers(0, 1)).map(
    lambda ago: {
        tier.number: tier.chunk(BEGUN_S + 900) - chunks * tier.chunk_s
        for tier, chunks in zip((S10, M1, M15), ago, strict=True)
    }
)
COMMITTED = st.builds(
    Committed,
    st.lists(FRAME, min_size=1, max_size=5),
    CLOSED,
    st.lists(st.integers(0, 5), min_size=1, max_size=7),
)


@given(
    committed=COMMITTED,
    tier=st.sampled_from(STORED),
    from_s=st.integers(-45, 0),
    hours=st.integers(1, 60),
)
async def test_every_point_is_read_once_however_far_each_chunk_came(
    committed: Committed, tier: Tier, from_s: int, hours: int
) -> None:
    store = await committed.stored()
    low = tier.bucket(BEGUN_S + from_s * HOUR_S)
    high = low + max(hours * HOUR_S // tier.width_s, 1) * tier.width_s
    wanted = [Wanted(stat, tier, low, high) for stat in (1, 2)]
    recent = recent_of(*committed.frames)
    mine = [recent.of_stat(one.stat) for one in wanted]
    answers = await read(store, 0, wanted, committed.closed, mine, EMPTY)
    within = [point for point in committed.points if low <= point[1] // 1000 < high]
    for one, answer in zip(wanted, answers, strict=True):
        assert told_of(answer).keys() == expected_of(within, one.stat, tier.width_s).keys()
        for start, row in expected_of(within, one.stat, tier.width_s).items():
            assert told_of(answer)[start].exact == row.exact


async def test_histograms_are_read_the_same_way() -> None:
    minute = HISTOGRAMS[0]
    points: list[Point] = [(STAT, BEGUN_MS + 1000 * n, float(n)) for n in range(600)]
    store = MemoryStore()
    await store.acquire(0)
    done = columns(points[:300])
    content = count_up(done.stat, done.at_ms, done.value)
    await store.write_chunks(0, 1, [Chunk(STAT, minute, BEGUN_S, position(1), content)])
    parts = [
        (
            position(n),
            count_up(*(getattr(columns(part), name) for name in ("stat", "at_ms", "value"))),
        )
        for n, part in enumerate((points[:300], points[300:]), 1)
    ]
    empty = Histograms.empty()
    wanted = Wanted(STAT, HISTOGRAMS[1], BEGUN_S, BEGUN_S + 900)
    closed = {minute.number: BEGUN_S + 300}
    (answer,) = await read(store, 0, [wanted], closed, [Recent.of(parts, empty)], empty)
    assert counted(answer) == expected_counts(points, 900, SCALE)


async def test_nothing_is_asked_when_nothing_is_closed() -> None:
    wanted = Wanted(STAT, H1, BEGUN_S, BEGUN_S + HOUR_S)
    store = MemoryStore(partitions=0)  # It has no partition to ask.
    (answer,) = await read(store, 0, [wanted], {}, [recent_of([(STAT, BEGUN_MS, 2.0)])], EMPTY)
    assert answer.sum.tolist() == [2.0]
    assert await read(store, 0, [], {}, [], EMPTY) == []
