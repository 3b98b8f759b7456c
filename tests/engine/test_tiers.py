"""The ladder of tiers: buckets and chunks lie where they should, and none has a gap above it."""

from itertools import pairwise

import pytest

from engine.tiers import (
    BY_NAME,
    BY_NUMBER,
    D1,
    DAY_S,
    H1,
    HISTOGRAMS,
    HOUR_S,
    M1,
    M15,
    PARTIAL_S,
    S1,
    S10,
    SHORTENED,
    STORED,
    TIERS,
    Tier,
    above,
    below,
    least_keep_s,
)

LADDERS = (STORED, HISTOGRAMS)


@pytest.mark.parametrize("ladder", LADDERS)
def test_a_chunk_is_filled_by_whole_chunks_and_buckets_of_the_tier_below(
    ladder: tuple[Tier, ...],
) -> None:
    for finer, wider in pairwise(ladder):
        assert wider.chunk_s % finer.chunk_s == 0
        assert wider.width_s % finer.width_s == 0
        assert wider.chunk_s % wider.width_s == 0


@pytest.mark.parametrize("ladder", LADDERS)
def test_a_tier_outlives_the_chunk_that_is_made_from_it(ladder: tuple[Tier, ...]) -> None:
    for finer, wider in pairwise(ladder):
        assert finer.keep_s is not None
        assert finer.keep_s >= least_keep_s(finer) > wider.chunk_s
    assert ladder[-1].keep_s is None


def test_partials_are_as_wide_as_the_finest_stored_tier() -> None:
    assert STORED[0].width_s == PARTIAL_S


def test_only_what_can_be_made_again_from_below_is_shortened() -> None:
    shortened = [tier for step in SHORTENED for tier in step]
    assert shortened == [S10, M1, *HISTOGRAMS[:-1]]


def test_numbers_and_names_are_unique() -> None:
    assert [BY_NUMBER[tier.number] for tier in (*TIERS, *HISTOGRAMS)] == [*TIERS, *HISTOGRAMS]
    assert [BY_NAME[tier.name] for tier in TIERS] == list(TIERS)


@pytest.mark.parametrize(
    ("tier", "bucket", "chunk"),
    [(S1, 100_799, 100_740), (S10, 100_790, 100_500), (M1, 100_740, 100_800 - 7_200)],
)
def test_where_a_second_belongs(tier: Tier, bucket: int, chunk: int) -> None:
    assert tier.bucket(100_799) == bucket
    assert tier.chunk(100_799) == chunk


def test_what_is_kept_begins_with_a_whole_chunk() -> None:
    now_s = 100 * DAY_S + 17
    assert S10.oldest(now_s) == 100 * DAY_S - 6 * HOUR_S
    assert M15.oldest(now_s) == M15.chunk(38 * DAY_S + 17)
    assert D1.oldest(now_s) == 0
    assert H1.oldest(now_s) == 0, "nothing is older than 1970"


@pytest.mark.parametrize("ladder", LADDERS)
def test_what_lies_below_and_above(ladder: tuple[Tier, ...]) -> None:
    assert [below(tier) for tier in ladder] == [None, *ladder[:-1]]
    assert [above(tier) for tier in ladder] == [*ladder[1:], None]
