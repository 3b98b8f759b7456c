"""What each answer means for its batch, whatever a server or what is between makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statflow_client.answers import (
    Again,
    Answer,
    Expired,
    Lost,
    Refusal,
    Smaller,
    Stored,
    Verdict,
    Without,
    retry_after_s,
    verdict_on,
)
from tests.clients.lines import SILENCE, answer

BAD = {"index": 1, "code": "value_type", "message": "no number"}
UNNAMED = ("batch_rejected", "d")
REFUSAL = Refusal(1, "value_type", "no number")


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (answer(202, {"accepted": 3, "duplicates": 0, "rejected": []}), Stored(0, ())),
        (answer(202, {"accepted": 2, "duplicates": 1, "rejected": [BAD]}), Stored(1, (REFUSAL,))),
        (answer(207, {"accepted": 2, "rejected": [BAD, BAD]}), Stored(0, (REFUSAL,))),
        (answer(204), Stored(0, ())),
        (SILENCE, Again(None, "no_answer", "nobody there")),
        (answer(503, {"code": "overloaded", "detail": "d"}), Again(None, "overloaded", "d")),
        (answer(502), Again(None, "status_502", "HTTP 502")),
        (answer(429, retry_after="7"), Again(7.0, "status_429", "HTTP 429")),
        (answer(409, {"code": "idempotency_key_expired", "title": "t"}), Expired("t")),
        (answer(413, {"code": "body_too_large", "title": "t"}), Smaller("body_too_large", "t")),
        (answer(401, {"code": "invalid_key", "title": "t"}), Lost("invalid_key", "t")),
        (answer(422, {"code": "other", "errors": [BAD]}), Without((REFUSAL,))),
        (
            answer(422, {"code": "batch_rejected", "detail": "d", "errors": [BAD]}),
            Stored(0, (Refusal(0, *UNNAMED), REFUSAL, Refusal(2, *UNNAMED))),
        ),
        (
            answer(301, location="https://x/"),
            Lost("status_301", "the server is at https://x/: set STATFLOW_URL"),
        ),
    ],
)  # fmt: skip
def test_an_answer_has_one_meaning(given: Answer, verdict: Verdict) -> None:
    assert verdict_on(given, 3) == verdict


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 00:01:00 GMT"}, None),
        (
            {
                "retry-after": "Sun, 22 Nov 2026 00:01:00 GMT",
                "date": "Sun, 22 Nov 2026 00:00:00 GMT",
            },
            60.0,
        ),
    ],
)  # fmt: skip
def test_retry_after_is_read_by_the_clock_of_the_server(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers) == seconds


@given(st.integers(100, 599), st.binary(max_size=60))
def test_no_answer_is_too_strange(status: int, body: bytes) -> None:
    assert verdict_on(Answer(status, {}, body), 3)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["index", "code"]), inner),
    )
)
def test_no_list_of_refusals_is_too_strange(said: object) -> None:
    verdict = verdict_on(answer(202, {"duplicates": said, "rejected": said}), 2)
    assert isinstance(verdict, Stored)
    assert all(0 <= one.index < 2 for one in verdict.refused)
