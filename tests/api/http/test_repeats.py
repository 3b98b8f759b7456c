"""What names a request, and what its repeat is answered."""

import pytest

from api.http.problems import Problem
from api.http.repeats import (
    WINDOW_MS,
    Answer,
    Refusal,
    body_digest,
    checked_key,
    item_digest,
    request_digest,
)

CLAIM_BYTES = 64 * 1024
NOW_MS = 1_795_302_000_123


def uuid7(at_ms: int) -> str:
    """A UUIDv7 of that time."""
    digits = f"{at_ms:012x}"
    return f"{digits[:8]}-{digits[8:]}-7abc-8def-0123456789ab"


def ulid(at_ms: int) -> str:
    """A ULID of that time."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[at_ms >> 5 * n & 31] for n in reversed(range(10))) + "0" * 16


@pytest.mark.parametrize(
    "key", ["a", "x" * 255, "!~", uuid7(NOW_MS), uuid7(NOW_MS - WINDOW_MS), ulid(NOW_MS)]
)
def test_usable_keys(key: str) -> None:
    assert checked_key(key.encode(), NOW_MS) == key


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a b", b"a\x7f", b"a\n", "é".encode()])
def test_unusable_keys(key: bytes) -> None:
    with pytest.raises(Problem) as raised:
        checked_key(key, NOW_MS)
    assert raised.value.code == "idempotency_key_invalid"


@pytest.mark.parametrize("made", [uuid7, ulid])
def test_keys_that_are_older_than_what_is_remembered(made: object) -> None:
    assert callable(made)
    with pytest.raises(Problem) as raised:
        checked_key(made(NOW_MS - WINDOW_MS - 1).encode(), NOW_MS)
    assert (raised.value.code, raised.value.status) == ("idempotency_key_expired", 409)


def test_what_only_looks_like_a_ulid_is_no_old_one() -> None:
    assert checked_key(b"0" * 26, NOW_MS) == "0" * 26


def test_digests_tell_apart_what_differs() -> None:
    digests = {
        request_digest(account, route, key)
        for account in (1, 12)
        for route in ("/v1/ingest", "/v1/ingest/batch")
        for key in ("a", "2a")
    } | {item_digest(1, 2, "a"), item_digest(12, 2, "a"), item_digest(1, 2, "2a")}
    assert len(digests) == 11
    assert {len(digest) for digest in digests} == {16}
    assert body_digest(b"a", b"") != body_digest(b"a", b"atomic")
    assert len(body_digest(b"a", b"")) == 8


def test_an_answer_is_read_as_it_was_kept() -> None:
    answer = Answer(b"12345678", 3, 77, (Refusal(1, "value_type", "value"), Refusal(4, "t")))
    assert Answer.unpack(answer.pack()) == answer


def test_a_thousand_refusals_fit_into_a_claim() -> None:
    refused = [Refusal(n, "idempotency_key_expired", "ä" * 5000) for n in range(1000)]
    assert len(Answer.of(b"12345678", 2**40, 2**62, refused).pack()) <= CLAIM_BYTES


def test_refusals_are_told_in_the_order_of_the_items() -> None:
    answer = Answer.of(b"12345678", 0, 0, [Refusal(7, "a"), Refusal(3, "b", "x" * 99)])
    assert answer.refused == (Refusal(3, "b", "x" * 32), Refusal(7, "a"))
