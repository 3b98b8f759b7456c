"""A step that holds the loop is told with the task's name; one that does not is not."""

import logging

import pytest
import trio

from api.slow_steps import QUIET_S, STEP_S_MAX, SlowSteps, watched_steps


class Watch:
    """A clock that stands until a step takes time."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def now(self) -> float:
        return self.now_s


async def run_steps(watch: Watch, *steps_s: float) -> None:
    """One task whose steps take so long."""

    async def greedy() -> None:
        for step_s in steps_s:
            watch.now_s += step_s
            await trio.lowlevel.checkpoint()

    # Only for its name.
    async with trio.open_nursery() as nursery:  # noqa: ASYNC112
        nursery.start_soon(greedy, name="greedy")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "statflow.serve"]


def simulated(watch: Watch, *steps_s: float) -> SlowSteps:
    instrument = SlowSteps(watch.now)
    trio.run(run_steps, watch, *steps_s, instruments=[instrument])
    return instrument


def test_a_step_that_holds_the_loop_is_told(caplog: pytest.LogCaptureFixture) -> None:
    instrument = simulated(Watch(), STEP_S_MAX / 2, 2 * STEP_S_MAX, STEP_S_MAX / 2)
    (said,) = warnings(caplog)
    assert "greedy held everything up for 0.20 s" in said
    assert "in checkpoint" in said
    assert repr(instrument) == "<SlowSteps 1 seen>"


def test_many_short_steps_are_not_a_slow_one(caplog: pytest.LogCaptureFixture) -> None:
    simulated(Watch(), *[STEP_S_MAX / 2] * 10)
    assert warnings(caplog) == []


def test_the_last_step_of_a_task_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()

    async def main() -> None:
        async def short() -> None:
            watch.now_s += 1

        async with trio.open_nursery() as nursery:  # noqa: ASYNC112
            nursery.start_soon(short, name="short")

    trio.run(main, instruments=[SlowSteps(watch.now)])
    (said,) = warnings(caplog)
    assert "short held everything up for 1.00 s" in said
    assert said.endswith("it ended")


def test_while_nobody_works_nobody_holds_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()

    class Passing(trio.abc.Instrument):
        """Time passes while the loop waits for its sockets."""

        def after_io_wait(self, timeout: float) -> None:
            watch.now_s += 1

    instruments = [SlowSteps(watch.now), Passing()]
    trio.run(run_steps, watch, 0.0, 0.0, instruments=instruments)
    assert warnings(caplog) == []


def test_many_slow_steps_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    instrument = simulated(Watch(), 1.0, 1.0, 1.0, QUIET_S, 1.0)
    assert instrument.seen == 5
    one, two = warnings(caplog)
    assert "0 such steps untold" in one
    assert "2 such steps untold" in two


async def test_the_watch_ends_with_its_block(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with watched_steps():
        await trio.lowlevel.checkpoint()
    await trio.lowlevel.checkpoint()
    assert warnings(caplog) == []
