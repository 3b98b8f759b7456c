"""Base 62: one spelling a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base62 import base62, from_base62

NUMBERS = st.integers(0, 2**64)


@pytest.mark.parametrize(
    ("number", "spelling"), [(0, "0"), (9, "9"), (10, "A"), (36, "a"), (61, "z"), (62, "10")]
)
def test_spellings(number: int, spelling: str) -> None:
    assert base62(number) == spelling


@given(NUMBERS)
def test_there_and_back(number: int) -> None:
    assert from_base62(base62(number)) == number


@given(NUMBERS, NUMBERS)
def test_filled_spellings_sort_like_their_numbers(one: int, other: int) -> None:
    assert (base62(one, 11) < base62(other, 11)) == (one < other)


@pytest.mark.parametrize("text", ["-", "a b", "é", "٣", "a\n"])
def test_other_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no base-62 digit"):
        from_base62(text)
