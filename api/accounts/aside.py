"""A thread for what may take its time: it computes only while nobody else wants the processor.

Law: one piece of work at a time, in the order in which it came. What nobody waits for any more does
not begin; what has begun ends by itself.
"""

import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

import trio

NICENESS: Final = 19
"""The least: on a full core its share is one in seventy, on an idle one everything."""

T = TypeVar("T")

Runner = Callable[[Callable[[], object]], Awaitable[object]]


class Aside:
    """Runs functions in its thread, which begins with the first of them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "aside", initializer=_step_back)

    async def __call__(self, work: Callable[[], T]) -> T:
        """What the function returns or raises."""
        ended, token = trio.Event(), trio.lowlevel.current_trio_token()

        def tell(_: Future[T]) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(ended.set)

        future = self._threads.submit(work)
        future.add_done_callback(tell)
        try:
            await ended.wait()
        finally:
            future.cancel()
        return future.result()


def _step_back() -> None:
    """Let everybody else go first, where a thread can say so."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
