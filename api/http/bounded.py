"""Do the same for many things, some at a time."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

import trio

from engine.ports import StoreError

AT_ONCE: Final = 8
"""Questions of one request that wait for the store at the same time."""

T = TypeVar("T")
R = TypeVar("R")


async def for_each(items: Sequence[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """What `ask` returns for each item, in their order; the first StoreError ends it."""
    answers: dict[int, R] = {}
    failed: list[StoreError] = []
    left = iter(enumerate(items))
    if len(items) <= 1:
        return [await ask(item) for item in items]
    async with trio.open_nursery() as nursery:

        async def work(mine: Iterator[tuple[int, T]]) -> None:
            # One iterator for all: whoever is free takes the next.
            for index, item in mine:
                try:
                    answers[index] = await ask(item)
                except StoreError as error:
                    failed.append(error)
                    nursery.cancel_scope.cancel()
                    return

        for _ in range(min(AT_ONCE, len(items))):
            nursery.start_soon(work, left)
    if failed:
        raise failed[0]
    return [answers[index] for index in range(len(items))]
