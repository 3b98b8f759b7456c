"""Slowing down those who guess."""

import pytest

from api.accounts import throttle
from api.accounts.throttle import DELAY_S_MAX, FORGET_S, FREE_FAILURES, Buckets, Delays


def test_a_bucket_is_emptied_and_fills_up_evenly() -> None:
    buckets = Buckets(20, 3600)
    assert [buckets.take("ann", 0.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take("ann", 0.0) == pytest.approx(180)
    assert buckets.take("ann", 100.0) == pytest.approx(80)
    assert not buckets.take("ann", 180.0)
    assert buckets.take("ann", 180.0) > 0
    assert [buckets.take("ann", 9_000.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take("ann", 9_000.0) > 0


def test_callers_do_not_share_a_bucket() -> None:
    buckets = Buckets(1, 60)
    assert not buckets.take("ann", 0.0)
    assert not buckets.take("bob", 0.0)
    assert buckets.take("ann", 0.0) > 0


def test_what_was_harmless_is_given_back() -> None:
    buckets = Buckets(1, 60)
    for _ in range(10):
        assert not buckets.take("ann", 0.0)
        buckets.give_back("ann")
    buckets.give_back("nobody")


def test_those_who_are_remembered_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PLACES_MAX", 3)
    buckets, delays = Buckets(1, 60), Delays()
    for name in "abcdefg":
        buckets.take(name, 0.0)
        delays.failed(name, 0.0)
    assert repr(buckets) == "<Buckets of 1: 3 callers>"
    assert repr(delays) == "<Delays 3 mailboxes>"


def test_after_some_failures_each_waits_twice_as_long() -> None:
    delays, now_s, waits = Delays(), 0.0, []
    for _ in range(FREE_FAILURES + 14):
        wait_s = delays.wait_s("ann", now_s)
        waits.append(wait_s)
        now_s += wait_s
        assert not delays.wait_s("ann", now_s)
        delays.failed("ann", now_s)
    assert waits[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert waits[FREE_FAILURES:] == [min(2.0**n, DELAY_S_MAX) for n in range(14)]
    assert not delays.wait_s("bob", now_s)


def test_failures_are_forgotten_after_a_success_or_an_hour() -> None:
    delays = Delays()
    for _ in range(FREE_FAILURES + 3):
        delays.failed("ann", 0.0)
    assert delays.wait_s("ann", 0.0) == pytest.approx(8)
    assert not delays.wait_s("ann", FORGET_S)
    delays.failed("ann", FORGET_S)
    assert not delays.wait_s("ann", FORGET_S)
    for _ in range(FREE_FAILURES):
        delays.failed("ann", FORGET_S)
    delays.succeeded("ann")
    assert not delays.wait_s("ann", FORGET_S)
