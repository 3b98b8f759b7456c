"""Names, ids and places of stats."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stats import (
    NAME_LENGTH_MAX,
    STAT_ID_MAX,
    NoSuchStat,
    canonical_name,
    name_fault,
    partition_of,
    public_id,
    stat_id,
)


@pytest.mark.parametrize(
    "name",
    [
        "page.views",
        "a",
        "a" * NAME_LENGTH_MAX,
        "é" * NAME_LENGTH_MAX,
        "two words",
        "<script>alert(1)</script>",
        '=HYPERLINK("http://x")',
        "../../etc/passwd",
        "{p0}:log",
        "a*?[",
        "温度",
        "عدد الزوار",
        "\U0001f469‍\U0001f680 launches",
        "❤️ likes",
        "نمی\u200cخواهم",
    ],
)
def test_any_text_that_can_be_shown_is_a_name(name: str) -> None:
    assert canonical_name(name) == name
    assert name_fault(name) is None


@pytest.mark.parametrize("name", ["", " ", "   ", "\u3000\u00a0", "a" * (NAME_LENGTH_MAX + 1)])
def test_empty_and_long_names(name: str) -> None:
    assert name_fault(canonical_name(name)) == "stat_name_length"


@pytest.mark.parametrize(
    "name",
    ["a\0b", "a\nb", "a\n", "\ta", "\x1b[31mred", "a\x7f", "a\u0085b", "é\nb"]
    + [f"a{char}b" for char in "\u202a\u202e\u2066\u2069\u2028\u2029"]
    + [f"a{char}b" for char in "\u061c\u200e\u200f\u00ad\u200b\u2060\u2064\u3164\ufeff\U000e0041"]
    + ["a\ud800b", "\udfff", "\u200d", "\u200c\ufe0f"],
)
def test_what_cannot_be_shown_is_refused(name: str) -> None:
    assert name_fault(canonical_name(name)) == "stat_name_chars"


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        (" page.views ", "page.views"),
        ("\u00a0page views\u2009", "page views"),
        ("cafe\u0301", "café"),
        ("\u1100\u1161\u11a8", "\uac01"),
    ],
)
def test_two_spellings_of_a_text_are_one_name(given_name: str, kept: str) -> None:
    assert canonical_name(given_name) == kept


def test_a_name_that_is_short_once_composed_is_kept() -> None:
    longest = "e\u0301" * NAME_LENGTH_MAX
    assert name_fault(canonical_name(longest)) is None


def test_hopelessly_long_accents_are_not_even_composed() -> None:
    hostile = "a" + "\u0316\u0301" * 500_000
    assert canonical_name(hostile) is hostile
    assert name_fault(hostile) == "stat_name_length"


@given(st.text(max_size=NAME_LENGTH_MAX))
def test_a_kept_name_is_its_own_spelling(text: str) -> None:
    name = canonical_name(text)
    assert canonical_name(name) == name
    assert unicodedata.normalize("NFC", name) == name


@given(st.integers(1, STAT_ID_MAX))
def test_public_ids_there_and_back(stat: int) -> None:
    assert stat_id(public_id(stat)) == stat


def test_a_public_id_as_people_see_it() -> None:
    assert public_id(28_006) == "st_7Hi"
    assert stat_id("st_7Hi") == 28_006


@pytest.mark.parametrize(
    "public",
    [
        *("", "st_", "7Hi", "st_0", "st_07Hi", "ST_7Hi", "al_7Hi", "st_7Hi ", "st_7Hi\n"),
        *("'; FLUSHALL", "st_%00", "%2e%2e", "st_é", "st_٣", "st_st_7Hi"),
        *(public_id(STAT_ID_MAX + 1), "st_" + "z" * 12, "st_" + "1" * 100_000),
    ],
)
def test_only_our_own_spelling_is_an_id(public: str) -> None:
    with pytest.raises(NoSuchStat):
        stat_id(public)


@given(st.integers(1, 2**40), st.integers(1, STAT_ID_MAX), st.integers(1, 256))
def test_an_account_without_spread_lives_in_one_partition(
    account: int, stat: int, partitions: int
) -> None:
    home = partition_of(account, 1, 1, partitions)
    assert 0 <= home < partitions
    assert partition_of(account, stat, 1, partitions) == home


def test_a_spread_account_uses_as_many_neighbours_evenly() -> None:
    home = partition_of(7, 1, 1, 16)
    places = [partition_of(7, stat, 4, 16) for stat in range(1, 4_001)]
    expected = {(home + step) % 16 for step in range(4)}
    assert set(places) == expected
    assert all(800 < places.count(place) < 1_200 for place in expected)


def test_places_never_move() -> None:
    # Stored data is found by them: other figures here mean that everything stored is lost.
    assert [partition_of(account, 5, 1, 16) for account in (1, 2, 3)] == [15, 5, 3]
    assert [partition_of(1, stat, 16, 16) for stat in (1, 2, 3)] == [14, 4, 2]
