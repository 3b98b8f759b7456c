"""Who may begin, who waits, and who is turned away."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from api.express.entrance import WAIT_S_MAX, WORK_BYTES_MAX, Entrance

HALF = WORK_BYTES_MAX // 2


class Crowd:
    """Enters bodies one after the other; `begun` are those that were let in, in order."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.entrance = Entrance()
        self.begun: list[int] = []
        self.refused: list[int] = []
        self._nursery = nursery

    async def enter(self, *sizes: int) -> None:
        for size in sizes:
            self._nursery.start_soon(self._enter, size)
            await wait_all_tasks_blocked()

    async def _enter(self, size: int) -> None:
        came = self.begun if await self.entrance.enter(size) else self.refused
        came.append(size)


@pytest.fixture
def crowd(nursery: trio.Nursery) -> Crowd:
    return Crowd(nursery)


async def test_bodies_begin_as_long_as_there_is_room(crowd: Crowd) -> None:
    await crowd.enter(HALF, HALF, 1)
    assert crowd.begun == [HALF, HALF]
    crowd.entrance.leave(HALF)
    await wait_all_tasks_blocked()
    assert crowd.begun == [HALF, HALF, 1]
    assert crowd.entrance.bytes == HALF + 1


async def test_a_body_that_is_too_large_is_in_work_alone(crowd: Crowd) -> None:
    await crowd.enter(1, WORK_BYTES_MAX, 2)
    assert crowd.begun == [1]
    crowd.entrance.leave(1)
    await wait_all_tasks_blocked()
    assert crowd.begun == [1, WORK_BYTES_MAX]
    crowd.entrance.leave(WORK_BYTES_MAX)
    await wait_all_tasks_blocked()
    assert crowd.begun == [1, WORK_BYTES_MAX, 2]


async def test_nobody_overtakes(crowd: Crowd) -> None:
    await crowd.enter(HALF, WORK_BYTES_MAX, 2)
    assert crowd.begun == [HALF]
    crowd.entrance.leave(HALF)
    await wait_all_tasks_blocked()
    assert crowd.begun == [HALF, WORK_BYTES_MAX]
    crowd.entrance.leave(WORK_BYTES_MAX)
    await wait_all_tasks_blocked()
    assert crowd.begun == [HALF, WORK_BYTES_MAX, 2]


async def test_what_has_no_body_does_not_wait(crowd: Crowd) -> None:
    await crowd.enter(WORK_BYTES_MAX, 1, 0)
    assert crowd.begun == [WORK_BYTES_MAX, 0]


async def test_it_is_closed_while_the_first_has_waited_for_long(
    crowd: Crowd, autojump_clock: MockClock
) -> None:
    await crowd.enter(WORK_BYTES_MAX, 1)
    await trio.sleep(WAIT_S_MAX)
    await crowd.enter(2)
    assert not crowd.entrance.closed
    await trio.sleep(WAIT_S_MAX / 2)
    assert crowd.entrance.closed
    await crowd.enter(3)
    assert crowd.refused == [3]
    crowd.entrance.leave(WORK_BYTES_MAX)
    await wait_all_tasks_blocked()
    assert not crowd.entrance.closed
    await crowd.enter(4)
    assert sorted(crowd.begun) == [1, 2, 4, WORK_BYTES_MAX]


async def test_who_gives_up_makes_room_for_the_next(crowd: Crowd) -> None:
    await crowd.enter(HALF)
    async with trio.open_nursery() as impatient:
        impatient.start_soon(crowd.entrance.enter, WORK_BYTES_MAX)
        await wait_all_tasks_blocked()
        await crowd.enter(5)
        assert crowd.begun == [HALF]
        impatient.cancel_scope.cancel()
    await wait_all_tasks_blocked()
    assert crowd.begun == [HALF, 5]
    assert repr(crowd.entrance) == f"<Entrance {HALF + 5} bytes in work, 0 wait>"
