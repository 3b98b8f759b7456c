"""Every point is settled once: stored, refused, or lost and told so, whatever is answered."""

import itertools
import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from statflow_client.answers import Answer, NoAnswer
from statflow_client.batches import TIMELESS
from statflow_client.outbox import (
    AGE_S_MAX,
    PAUSE_S_MAX,
    RETRY_AFTER_S_MAX,
    Outbox,
    Statistics,
)
from statflow_client.points import Point
from statflow_client.troubles import Trouble
from tests.clients.lines import BUSY, SILENCE, answer

STORED = answer(202, {"accepted": 1, "duplicates": 0, "rejected": []})
EXPIRED = answer(409, {"code": "idempotency_key_expired"})
TOO_LARGE = answer(413, {"code": "body_too_large"})
SECOND_BAD = answer(422, {"code": "x", "errors": [{"index": 1, "code": "y", "message": "z"}]})


def outbox(points: int = 0, points_max: int = 5000) -> Outbox:
    """An outbox with so many points, put at 0 s; its keys are k1, k2 and so on."""
    keys = map("k{}".format, itertools.count(1))
    box = Outbox(lambda: next(keys), lambda: 0.0, points_max)
    for n in range(points):
        assert box.put(Point(f"s{n}", 1.0, "counter", n), 0.0) is None
    return box


def send(box: Outbox, given: Answer | NoAnswer, now_s: float = 0.0) -> tuple[str, Sequence[str]]:
    """Send the next batch and answer it: its key and the stats in it."""
    batch = box.begin(now_s)
    box.settle(given, now_s)
    return batch.key, [item["stat"] for item in json.loads(batch.body)["items"]]


def wait_ms(box: Outbox, now_s: float) -> int:
    """When there is something to send."""
    wait_s = box.wait_s(now_s)
    assert wait_s is not None
    return round(wait_s * 1000)


def test_nothing_waits_for_nothing() -> None:
    assert outbox().wait_s(0.0) is None


def test_a_point_lingers_for_others_and_a_full_batch_does_not() -> None:
    assert wait_ms(outbox(1), 0.25) == 750
    assert wait_ms(outbox(1000), 0.0) == 0


def test_whoever_waits_is_served_at_once() -> None:
    box = outbox(3)
    assert box.hurry(0.0) == 3
    assert wait_ms(box, 0.0) == 0
    send(box, STORED)
    box.put(Point("later", 1.0, "counter", 1), 0.0)
    assert wait_ms(box, 0.0) == 1000


def test_a_batch_keeps_its_key_over_all_tries() -> None:
    box = outbox(2)
    sent = [send(box, said) for said in (BUSY, SILENCE, BUSY, STORED)]
    assert sent == [("k1", ["s0", "s1"])] * 4
    assert box.statistics == Statistics(taken=2, stored=2, sent_again=3)


def test_what_comes_meanwhile_waits_behind_it() -> None:
    box = outbox(1)
    send(box, BUSY)
    box.put(Point("next", 1.0, "counter", 1), 0.1)
    assert send(box, STORED, 1.0) == ("k1", ["s0"])
    assert send(box, STORED, 2.0) == ("k2", ["next"])


def test_pauses_grow_to_half_a_minute() -> None:
    box = outbox(1)
    pauses = []
    for _ in range(12):
        send(box, SILENCE)
        pauses.append(wait_ms(box, 0.0))
    assert pauses[:4] == [250, 500, 1000, 2000]
    assert pauses[-1] == PAUSE_S_MAX * 500


def test_retry_after_is_obeyed_even_in_a_hurry() -> None:
    box = outbox(1)
    send(box, answer(429, {"code": "rate_limited"}, retry_after="20"))
    box.hurry(1.0)
    assert wait_ms(box, 1.0) == 19000
    send(box, answer(503, retry_after="999999999"), 20.0)
    assert wait_ms(box, 20.0) == RETRY_AFTER_S_MAX * 1000


def test_a_hurry_ends_a_pause_of_our_own_once() -> None:
    box = outbox(1)
    for _ in range(6):
        send(box, SILENCE)
    box.hurry(1.0)
    assert wait_ms(box, 1.0) == 0
    send(box, SILENCE, 1.0)
    assert wait_ms(box, 1.0) == 250


def test_a_batch_is_given_up_before_its_key_is_forgotten() -> None:
    box = outbox(2)
    send(box, SILENCE)
    send(box, SILENCE, AGE_S_MAX)
    box.begin(AGE_S_MAX + 1)
    troubles = box.settle(SILENCE, AGE_S_MAX + 1)
    assert troubles == [Trouble("lost", 2, "no_answer", "given up after 3 tries: nobody there")]
    assert box.statistics == Statistics(taken=2, lost=2, sent_again=3)


def test_bad_items_are_told_and_their_neighbours_stay_stored() -> None:
    box = outbox(3)
    box.begin(0.0)
    bad = {"index": 1, "code": "stat_type_conflict", "message": "it is a value"}
    assert box.settle(answer(202, {"duplicates": 1, "rejected": [bad]}), 0.0) == [
        Trouble("refused", 1, "stat_type_conflict", "it is a value", "s1")
    ]
    assert box.statistics == Statistics(taken=3, stored=2, duplicates=1, refused=1)
    assert box.wait_s(0.0) is None


def test_what_is_named_in_a_refusal_of_all_is_left_out_and_the_rest_sent_under_another_key() -> (
    None
):
    box = outbox(3)
    assert send(box, SECOND_BAD) == ("k1", ["s0", "s1", "s2"])
    assert send(box, STORED) == ("k2", ["s0", "s2"])
    assert box.statistics == Statistics(taken=3, stored=2, refused=1)


def test_a_batch_that_is_too_large_travels_in_halves() -> None:
    box = outbox(3)
    sent = [send(box, said) for said in (TOO_LARGE, STORED, TOO_LARGE, TOO_LARGE, STORED)]
    assert sent == [
        ("k1", ["s0", "s1", "s2"]), ("k3", ["s0"]), ("k2", ["s1", "s2"]), ("k5", ["s1"]),
        ("k4", ["s2"]),
    ]  # fmt: skip
    assert box.statistics == Statistics(taken=3, stored=2, refused=1)


def test_a_clock_that_is_late_gets_keys_without_a_time() -> None:
    box = outbox(1)
    assert send(box, EXPIRED)[0] == "k1"
    assert send(box, EXPIRED)[0] == f"{TIMELESS}k1"
    assert box.statistics == Statistics(taken=1, lost=1)


def test_a_key_that_expired_over_tries_is_never_renewed() -> None:
    box = outbox(1)
    send(box, SILENCE)
    box.begin(1.0)
    (trouble,) = box.settle(EXPIRED, 1.0)
    assert (trouble.what, trouble.code) == ("lost", "idempotency_key_expired")


def test_a_full_queue_takes_nothing_and_says_so() -> None:
    box = outbox(2, points_max=2)
    assert box.put(Point("x", 1.0, "counter", 1), 0.0) == Trouble(
        "full", 1, "queue_full", "2 points wait"
    )
    # What is under way counts too.
    box.begin(0.0)
    assert box.put(Point("x", 1.0, "counter", 1), 0.0)
    box.settle(STORED, 0.0)
    assert box.put(Point("x", 1.0, "counter", 1), 0.0) is None
    assert box.statistics == Statistics(taken=3, stored=2, full=2)


def test_what_is_given_up_is_counted_once() -> None:
    box = outbox(3)
    box.begin(0.0)
    assert box.give_up("closed", "no time") == [Trouble("lost", 3, "closed", "no time")]
    assert box.settle(STORED, 0.0) == []
    assert box.give_up("closed", "no time") == []
    assert box.statistics == Statistics(taken=3, lost=3)


ANSWERS = st.sampled_from([STORED, BUSY, SILENCE, EXPIRED, TOO_LARGE, SECOND_BAD, answer(401)])


@given(st.lists(ANSWERS, max_size=30), st.integers(1, 1500))
def test_every_point_is_settled_once(script: list[Answer | NoAnswer], points: int) -> None:
    box = outbox(points)
    box.hurry(0.0)
    told = 0
    now_s = 0.0
    for said in (*script, *[STORED] * 1500):
        if (wait_s := box.wait_s(now_s)) is None:
            break
        now_s += wait_s
        box.begin(now_s)
        told += sum(trouble.points for trouble in box.settle(said, now_s))
    figures = box.statistics
    assert (figures.taken, figures.waiting) == (points, 0)
    assert figures.stored + figures.refused + figures.lost == points
    assert figures.refused + figures.lost == told
