"""Opaque tokens."""

import random

import pytest

from api.accounts.tokens import TOKEN_LENGTH, digest_of, new_id, new_token


def test_a_token_is_found_by_its_digest() -> None:
    token = new_token(random.Random(1))
    assert len(token) == TOKEN_LENGTH
    assert digest_of(token) == digest_of(token) != digest_of(new_token(random.Random(2)))
    assert new_id("us", random.Random(1)).startswith("us_")


@pytest.mark.parametrize("text", ["", "x", "x" * 44, "x" * 42 + "é", "x" * 42 + "\n", "x" * 9999])
def test_what_is_no_token(text: str) -> None:
    assert digest_of(text) is None
