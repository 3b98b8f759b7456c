"""What goes wrong, and when."""

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

LEAPS_S = (600, 3_600, 3 * 3_600, 10 * 3_600, 86_400, 3 * 86_400, 9 * 86_400, 45 * 86_400,
           130 * 86_400, 500 * 86_400)  # fmt: skip


class Chaos:
    """Lets faults of the kinds of this run happen until it is stopped."""

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation
        self.world = simulation.world
        self.server = simulation.server
        self.forth = self.world.random.choice((-1, 1))

    def __repr__(self) -> str:
        return f"<Chaos {self.world.profile}>"

    async def run(self) -> None:
        """One fault after another, sometimes two at once."""
        profile = self.world.profile
        kinds = {
            self._kill: profile.kills,
            self._stop: profile.stops,
            self._zombie: profile.zombies,
            self._pause: profile.pauses,
            self._crash: profile.crashes,
            self._fill: profile.full,
            self._press: profile.pressure,
            self._set_clock: profile.steps,
            self._leap: profile.leaps,
        }
        if not any(kinds.values()):
            return
        async with trio.open_nursery() as nursery:
            while True:
                await self.world.wait(0.1, 3.0)
                kind = self.world.random.choices(list(kinds), list(kinds.values()))[0]
                self.world.note("chaos:", kind.__name__)
                if self.world.chance(0.3):
                    nursery.start_soon(kind)
                else:
                    await kind()

    async def _kill(self) -> None:
        process = self.simulation.some_process()
        if process is not None:
            process.kill()

    async def _stop(self) -> None:
        process = self.simulation.current
        if process is None:
            return
        process.stopping.set()
        with trio.move_on_after(self.world.random.choice((0.2, 3.0, 20.0))):
            await process.over.wait()
        process.kill()

    async def _zombie(self) -> None:
        process = self.simulation.current
        if process is not None:
            process.pause()
            self.simulation.start_process()
            await self.world.wait(0.1, 8.0)
            process.resume()

    async def _pause(self) -> None:
        process = self.simulation.current
        if process is not None:
            process.pause()
            await self.world.wait(0.05, 4.0)
            process.resume()

    async def _crash(self) -> None:
        self.server.crash()
        await self.server.recover()

    async def _fill(self) -> None:
        self.server.full = True
        await self.world.wait(0.1, 4.0)
        self.server.full = False

    async def _press(self) -> None:
        self.server.used_share = self.world.random.choice((0.75, 0.9))
        await self.world.wait(3.0, 25.0)
        self.server.used_share = 0.1

    async def _set_clock(self) -> None:
        self.world.step_clock(self.forth)

    async def _leap(self) -> None:
        """Let hours or years pass in which no client does anything."""
        if not self.simulation.day.is_set():
            return
        self.simulation.day = trio.Event()
        with trio.move_on_after(20):
            while self.simulation.owed.outstanding:
                await trio.sleep(0.05)
            if self.world.chance(0.3) and (process := self.simulation.current) is not None:
                process.kill()
            self.world.leapt_ms += self.world.random.choice(LEAPS_S) * 1000
            self.simulation.era += 1
        self.simulation.day.set()
