"""The lease rides out a store that is away, and ends whoever lost it."""

from collections import deque
from collections.abc import Callable
from typing import TypeVar

import pytest
import redis
import trio
from trio.testing import MockClock

from engine.ports import Refused, StoreError, Unavailable
from storage.lease import StoreHeld, hold_lease
from storage.link import Link

T = TypeVar("T")


class ScriptedLink(Link):
    """A link to nowhere: answers the lease's script as told, then says that the lease is ours."""

    def __init__(self, *answers: bytes | StoreError) -> None:
        super().__init__("unix:///nowhere")
        self.answers = deque(answers)
        self.asked = 0

    async def run(self, call: Callable[[redis.Redis], T]) -> T:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        answer = self.answers.popleft() if self.answers else b""
        if isinstance(answer, StoreError):
            raise answer
        return answer.decode()  # type: ignore[return-value]  # what the lease's step returns


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("the connection broke"),
        Refused("loading", "the store reads its data"),
        Refused("misconf", "the store cannot write"),
    ],
)
async def test_a_store_that_is_away_for_a_while_costs_nothing(
    autojump_clock: MockClock, error: StoreError
) -> None:
    link = ScriptedLink(b"", error, error, error)
    async with hold_lease(link, "me"):
        await trio.sleep(10)
        assert link.asked > 5


async def test_a_lease_that_ran_out_is_taken_again(autojump_clock: MockClock) -> None:
    link = ScriptedLink(b"", b"", b"nobody", b"")
    async with hold_lease(link, "me"):
        await trio.sleep(10)
        assert link.asked > 5


async def test_whoever_lost_the_lease_ends(autojump_clock: MockClock) -> None:
    link = ScriptedLink(b"", b"", b"somebody")
    with pytest.RaisesGroup(pytest.RaisesExc(StoreHeld, match="in use by somebody")):
        async with hold_lease(link, "me"):
            await trio.sleep_forever()


async def test_a_store_that_is_held_is_not_entered(autojump_clock: MockClock) -> None:
    with pytest.raises(StoreHeld, match="in use by somebody"):
        async with hold_lease(ScriptedLink(b"somebody"), "me"):
            pytest.fail("entered")
