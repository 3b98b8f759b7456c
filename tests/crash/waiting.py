"""Waiting for what a test can only see by looking: other processes tell nobody."""

from collections.abc import Callable

import trio

LOOK_EVERY_S = 0.01


async def until(condition: Callable[[], bool], limit_s: float) -> None:
    """Return once the condition holds; trio.TooSlowError when that takes longer than `limit_s`."""
    with trio.fail_after(limit_s):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(LOOK_EVERY_S)
