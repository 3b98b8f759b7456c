"""Time for rules: written into the log, where it is in order with the points.

Law: nobody judges by this clock; it only says when a tick is worth writing. While the store takes
nothing no tick is written either, and the gap in the log tells so.
"""

from contextlib import suppress

import trio

from engine.intake import Intake, NotAccepted
from engine.partition import Partition
from engine.points import Batch
from engine.ports import Clock
from engine.position import Position
from engine.turn import NO_POINTS

LOOK_S_MAX = 1.0
"""So often a partition is asked; what is due sooner is written sooner."""

LOOK_S_MIN = 0.005


async def keep_time(intake: Intake, partition: Partition, clock: Clock) -> None:
    """For ever: write into the log of a partition what its rules want to be there."""
    while True:
        await partition.ready.wait()
        commands = partition.alerting.wanted(clock.now_ms())
        if commands:
            # The next look asks again; who is refused waits no shorter for it.
            with suppress(NotAccepted):
                batch = Batch(NO_POINTS, commands=tuple(commands))
                receipt = await intake.submit(partition.number, batch)
                await _applied(partition, receipt.position)
        due_ms = partition.alerting.next_due_ms
        wait_s = (due_ms - clock.now_ms()) / 1000 if due_ms else LOOK_S_MAX
        with trio.move_on_after(min(LOOK_S_MAX, max(LOOK_S_MIN, wait_s))):
            await partition.rules_loaded.wait()
        partition.rules_loaded = trio.Event()


async def _applied(partition: Partition, position: Position) -> None:
    """Wait until the partition has come so far, but not for one that begins anew."""
    with trio.move_on_after(LOOK_S_MAX):
        while partition.position < position:
            await partition.progress.wait()
