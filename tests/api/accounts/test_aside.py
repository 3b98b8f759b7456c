"""The thread that lets everybody else go first."""

import os
import sys
import threading

import pytest
import trio
import trio.testing

from api.accounts.aside import NICENESS, Aside

pytestmark = pytest.mark.real


def priority() -> int:
    """That of the thread that asks."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def test_what_a_function_returns_or_raises_comes_back() -> None:
    aside = Aside()
    assert await aside(lambda: 6 * 7) == 42
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 / 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only there has a thread a priority of its own")
async def test_its_thread_is_the_last_to_compute_and_ours_is_not() -> None:
    ours = priority()
    assert await Aside()(priority) == NICENESS
    assert priority() == ours


async def test_what_nobody_waits_for_any_more_does_not_begin() -> None:
    aside, go, begun = Aside(), threading.Event(), list[str]()

    async def ask(name: str, until: threading.Event) -> None:
        def work() -> None:
            begun.append(name)
            until.wait(10)

        await aside(work)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "first", go)
        while not begun:
            await trio.testing.wait_all_tasks_blocked(0.001)
        with trio.move_on_after(0):
            await ask("given up", go)
        nursery.start_soon(ask, "last", go)
        await trio.testing.wait_all_tasks_blocked()
        go.set()
    assert begun == ["first", "last"]
