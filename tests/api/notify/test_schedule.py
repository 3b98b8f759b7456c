"""When a delivery is tried again."""

import pytest

from api.notify.breaker import ALARM_AT, COOL_MS, COOL_MS_MAX, OPENS_AT, Breaker
from api.notify.outgoing import Answered, Failed
from api.notify.schedule import Again, Delivered, GivenUp, Verdict, verdict

NOW = 1_795_302_000_000
DOWN = Failed("connection", "refused")


def judged(outcome: Answered | Failed, attempt: int = 1, age_s: float = 0) -> Verdict:
    return verdict(outcome, "msg_1", attempt, NOW - int(age_s * 1000), NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_what_was_taken_is_delivered(status: int) -> None:
    assert judged(Answered(status)) == Delivered()


def test_gone_is_the_last_word() -> None:
    assert judged(Answered(410)) == GivenUp(
        "the receiver answered 410: it wants no more", gone=True
    )


@pytest.mark.parametrize(
    ("attempt", "wait_s"),
    [(1, 1), (2, 5), (3, 30), (4, 120), (5, 600), (6, 1800), (7, 3600), (20, 3600)],
)
@pytest.mark.parametrize("outcome", [DOWN, Answered(500), Answered(302), Answered(404)])
def test_the_waits_grow(outcome: Answered | Failed, attempt: int, wait_s: int) -> None:
    again = judged(outcome, attempt)
    assert isinstance(again, Again)
    assert 0.79 * wait_s <= (again.at_ms - NOW) / 1000 <= 1.21 * wait_s


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7), ("0", 1), ("86400", 86_400), ("Sat, 21 Nov 2026 23:00:09 GMT", 9),
        ("Sat, 21 Nov 2026 22:00:00 GMT", 1),
    ],
)  # fmt: skip
def test_what_the_receiver_asks_for_is_obeyed(text: str, wait_s: int) -> None:
    assert judged(Answered(429, text)) == Again(NOW + wait_s * 1000, busy=True)


@pytest.mark.parametrize("text", ["soon", "-5", "", "1e3", "Sat, 99 Nov 2026"])
def test_what_cannot_be_read_changes_nothing(text: str) -> None:
    assert judged(Answered(503, text)) == judged(Answered(503))


def test_after_a_day_it_is_given_up() -> None:
    assert isinstance(judged(DOWN, 30, 86_400 - 4_400), Again)
    assert isinstance(judged(DOWN, 30, 86_400 - 2_800), GivenUp)
    assert isinstance(judged(Answered(429, "99999999999"), 2, 10), GivenUp)


def test_a_dead_endpoint_is_probed_with_growing_pauses() -> None:
    breaker, now = Breaker(), NOW
    for _ in range(OPENS_AT):
        assert breaker.may_try(now)
        breaker.fail(now)
    assert not breaker.may_try(now + COOL_MS - 1)
    now += COOL_MS
    assert breaker.may_try(now)
    breaker.begin()
    assert not breaker.may_try(now)
    breaker.fail(now)
    assert not breaker.may_try(now + 2 * COOL_MS - 1)
    for _ in range(20):
        now += COOL_MS_MAX
        assert breaker.may_try(now)
        breaker.fail(now)
    breaker.succeed()
    assert breaker.may_try(now)


def test_somebody_is_told_once() -> None:
    breaker = Breaker()
    assert [breaker.fail(NOW) for _ in range(ALARM_AT + 5)].index(True) == ALARM_AT - 1
    assert not breaker.fail(NOW)


def test_an_endpoint_that_asks_for_patience_is_left_alone() -> None:
    breaker = Breaker()
    breaker.fail(NOW, NOW + 5_000)
    assert not breaker.may_try(NOW + 4_999)
    assert breaker.may_try(NOW + 5_000)
