"""The blocks of a history: every moment once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.export.blocks import BLOCK_HISTOGRAMS, BLOCK_ROWS, OLDEST_S, Block, blocks_of
from engine.queries import AHEAD_S
from engine.tiers import D1, DAY_S, H1, HISTOGRAMS, M1, M15, S10, STORED, Tier

NOW_S = 1_795_302_000
LADDERS = ((STORED, BLOCK_ROWS), (HISTOGRAMS, BLOCK_HISTOGRAMS))


def blocks(ladder: tuple[Tier, ...], rows: int, since_s: int, now_s: int) -> list[Block]:
    """All of them."""
    return list(blocks_of(ladder, rows, since_s, now_s))


@pytest.mark.parametrize(("ladder", "rows"), LADDERS)
@given(now_s=st.integers(NOW_S, NOW_S + 500 * DAY_S), days=st.integers(2, 9_000))
def test_every_moment_is_in_one_block(
    ladder: tuple[Tier, ...], rows: int, now_s: int, days: int
) -> None:
    since_s = max(OLDEST_S, now_s - days * DAY_S)
    found = blocks(ladder, rows, since_s, now_s)
    assert [one.from_s for one in found[1:]] == [one.to_s for one in found[:-1]]
    assert found[-1].to_s == now_s + AHEAD_S
    assert since_s <= found[0].from_s < since_s + DAY_S
    widths = [one.tier.width_s for one in found]
    assert widths == sorted(widths, reverse=True)
    for one in found:
        wider = ladder[min(ladder.index(one.tier) + 1, len(ladder) - 1)]
        assert one.from_s >= one.tier.oldest(now_s)
        # The next wider tier can stand in for any of them.
        assert one.from_s % wider.width_s == 0
        most = max(rows, wider.width_s // one.tier.width_s)
        assert one.from_s < one.to_s <= one.from_s + most * one.tier.width_s


def test_a_history_is_read_in_few_steps() -> None:
    found = blocks(STORED, BLOCK_ROWS, OLDEST_S, NOW_S)
    steps = {tier.name: sum(one.tier is tier for one in found) for tier in STORED}
    assert steps == {"10s": 2, "1m": 6, "15m": 4, "1h": 5, "1d": 6}
    assert {one.tier for one in found} == {S10, M1, M15, H1, D1}
