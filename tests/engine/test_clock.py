"""Wall time that follows trio's clock."""

import trio
from trio.testing import MockClock

from engine.clock import TrioClock


async def test_wall_time_passes_with_trios_time(autojump_clock: MockClock) -> None:
    clock = TrioClock(1_800_000_000_000)
    begun = clock.now_ms()
    await trio.sleep(1.25)
    assert clock.now_ms() - begun == 1250
    assert begun == 1_800_000_000_000 + int(1000 * (trio.current_time() - 1.25))
