"""Circles of failure: a few restarts, never too many, none after what is fatal."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from engine.ports import Damaged, Fenced, Refused, Unavailable
from engine.supervision import (
    RESTARTS_LIMIT,
    RESTARTS_PERIOD_S,
    STORE_PAUSE_S_MAX,
    Restarts,
    keep_running,
    patiently,
)


class Flaky:
    """Fails as it is told, once for each of `errors`, then works; notes when it was called."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.called_at: list[float] = []

    async def __call__(self) -> None:
        self.called_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error

    @property
    def pauses(self) -> list[float]:
        times = self.called_at
        return [round(after - before, 6) for before, after in pairwise(times)]


async def test_what_fails_is_started_again_after_ever_longer_pauses(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    run = Flaky(*[RuntimeError("broken")] * RESTARTS_LIMIT)
    await keep_running("the part", run, Restarts())
    assert run.pauses == [1, 2, 4, 8, 16]
    assert "the part failed; starting it again in 16 s" in caplog.text


async def test_one_failure_too_many_goes_upwards(autojump_clock: MockClock) -> None:
    run = Flaky(*[RuntimeError("broken")] * (RESTARTS_LIMIT + 1))
    with pytest.raises(RuntimeError, match="broken"):
        await keep_running("the part", run, Restarts())
    assert run.errors == []


async def test_old_failures_are_forgiven(autojump_clock: MockClock) -> None:
    calls = 0

    async def run() -> None:
        nonlocal calls
        calls += 1
        await trio.sleep(RESTARTS_PERIOD_S)
        if calls <= 3 * RESTARTS_LIMIT:
            raise RuntimeError("broken")

    await keep_running("the part", run, Restarts())
    assert calls == 3 * RESTARTS_LIMIT + 1


@pytest.mark.parametrize(
    "error",
    [
        Fenced("another owner"),
        ExceptionGroup("", [ValueError(), ExceptionGroup("", [Fenced("another owner")])]),
    ],
)
async def test_what_is_fatal_is_not_started_again(
    autojump_clock: MockClock, error: Exception
) -> None:
    run = Flaky(error)
    with pytest.raises(type(error)):
        await keep_running("the part", run, Restarts(), (Fenced,))
    assert len(run.called_at) == 1


async def test_a_group_of_other_failures_is_not_fatal(autojump_clock: MockClock) -> None:
    run = Flaky(ExceptionGroup("", [ValueError()]))
    await keep_running("the part", run, Restarts(), (Fenced,))
    assert len(run.called_at) == 2


async def test_a_cancelled_part_is_not_started_again(autojump_clock: MockClock) -> None:
    with trio.move_on_after(1) as scope:
        await keep_running("the part", trio.sleep_forever, Restarts())
    assert scope.cancelled_caught


def test_restarts_are_counted_in_a_sliding_period() -> None:
    restarts = Restarts(limit=2, period_s=10)
    assert [restarts.allow(now) for now in (0, 1, 2)] == [True, True, False]
    assert restarts.allow(11.5)
    assert repr(restarts) == "<Restarts 2 of 2 in 10 s>"


async def test_the_store_is_asked_until_it_answers(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    call = Flaky(*[Unavailable("no answer"), Refused("loading", "it loads")] * 4)
    await patiently("partition 3", call)
    assert call.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, *[STORE_PAUSE_S_MAX] * 3]
    assert "partition 3: the store does not answer: it loads" in caplog.text


async def test_patience_hands_the_answer_over() -> None:
    async def call() -> int:
        await trio.lowlevel.checkpoint()
        return 7

    assert await patiently("partition 3", call) == 7


@pytest.mark.parametrize("error", [Fenced("another owner"), Damaged("unreadable"), ValueError()])
async def test_other_failures_need_no_patience(error: Exception) -> None:
    call = Flaky(error)
    with pytest.raises(type(error)):
        await patiently("partition 3", call)
