"""The machine of the store: what a crash leaves, and a network that loses, delays and repeats.

Law: a step happens whole or not at all, and whoever is told that it was done finds it done after
any crash: a reply leaves after the disk has it. (`everysec` breaks that on purpose: a crash takes
away what the last sync did not have.) What a caller gave up on may still arrive, once.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from engine.ports import (
    Appended,
    Chunk,
    Group,
    Memory,
    Ownership,
    Refused,
    Span,
    StoreError,
    Unavailable,
)
from storage.memory import MemoryStore, PartitionState, acquire, append
from tests.simulation.ledger import Ledger
from tests.simulation.world import Injected, World

if TYPE_CHECKING:
    from tests.simulation.process import Process

T = TypeVar("T")

SYNC_EVERY_S: Final = 1.0

LATE_S_MAX: Final = 5.0
"""So long a request may wander about after its sender gave it up."""

UNREPEATED: Final = ("write_chunks", "write_fold_state")
"""Steps that a live process repeats only a minute later, when no copy is on its way any more."""


class Server:
    """The state that outlives processes, and what can happen to it."""

    def __init__(self, world: World, partitions: int, everysec: bool) -> None:
        self.world = world
        self.everysec = everysec
        self.state = [PartitionState() for _ in range(partitions)]
        self.ledger = Ledger()
        self.owners: dict[int, Process] = {}
        self.up = True
        self.loading = False
        self.full = False
        self.used_share = 0.1
        self.crashes = 0
        self.wandering = 0
        self.nursery: trio.Nursery
        self._synced = [state.copy() for state in self.state]
        self._synced_at = 0.0

    def __repr__(self) -> str:
        return f"<Server up: {self.up}, {self.crashes} crashes, {self.ledger!r}>"

    def execute(self, step: Callable[[], T]) -> T:
        """Do a step now."""
        if self.loading:
            raise Refused("loading", "the data is being read")
        if self.everysec and trio.current_time() - self._synced_at > SYNC_EVERY_S:
            self._synced = [state.copy() for state in self.state]
            self._synced_at = trio.current_time()
        return step()

    def crash(self) -> None:
        """Lose what is on its way, and what is not on the disk."""
        self.crashes += 1
        self.up = False
        if self.everysec:
            self.state[:] = [state.copy() for state in self._synced]
            self.ledger.cut([state.tail for state in self.state])

    def heal(self) -> None:
        """Let nothing be wrong any more."""
        self.up, self.loading, self.full, self.used_share = True, False, False, 0.1

    def later(self, step: Callable[[], Any], crashes: int) -> None:
        """Let a request arrive although nobody waits for it any more."""
        self.wandering += 1
        self.nursery.start_soon(self._later, step, crashes)

    async def _later(self, step: Callable[[], Any], crashes: int) -> None:
        await self.world.wait(0.001, LATE_S_MAX)
        self.wandering -= 1
        if self.up and crashes == self.crashes:
            self.world.note("late", name_of(step))
            try:
                self.execute(step)
            except StoreError as error:
                self.world.note("late, refused:", error)

    async def recover(self) -> None:
        """Come back after a while."""
        await self.world.wait(0.05, 3.0)
        self.up = True
        if self.world.mishap(0.5):
            self.loading = True
            await self.world.wait(0.05, 2.0)
            self.loading = False


class Link(MemoryStore):
    """The store as one process sees it: every step travels, and may be lost either way."""

    def __init__(self, server: Server, process: "Process") -> None:
        super().__init__(len(server.state))
        self.server = server
        self.world = server.world
        self.process = process
        self.state = server.state
        self.held: trio.Event | None = None
        self._held: trio.Event | None = None

    async def _step(self, step: Callable[[], T]) -> T:
        await self.process.awake()
        server, world, name = self.server, self.world, name_of(step)
        crashes = server.crashes
        try:
            await self._travel(name)
        except trio.Cancelled:
            if world.mishap(0.5):
                server.later(step, crashes)
            raise
        await self._accident(name, "before")
        gone = not server.up or crashes != server.crashes
        if gone or world.mishap(0.02 * world.profile.losses):
            if not gone and name not in UNREPEATED and world.chance(0.5):
                server.later(step, crashes)
            await self._give_up(name, "was not delivered")
        answer = self._execute(step)
        world.note(self.process.name, name, "failed" if isinstance(answer, StoreError) else "")
        await self._accident(name, "after")
        if world.mishap(0.5):
            await self._travel(name)
        if crashes != server.crashes or world.mishap(0.02 * world.profile.losses):
            await self._give_up(name, "was not answered")
        await self.process.awake()
        if isinstance(answer, StoreError):
            raise answer
        return answer

    def _execute(self, step: Callable[[], T]) -> T | StoreError:
        try:
            return self.server.execute(step)
        except StoreError as error:
            return error

    async def _accident(self, name: str, when: str) -> None:
        """What may happen just before or after a step is done."""
        world, server, process = self.world, self.server, self.process
        if world.mishap(0.005 * world.profile.kills):
            world.note(process.name, "is killed", when, name)
            process.kill()
            await process.awake()
        if world.mishap(0.002 * world.profile.crashes) and server.up:
            world.note("store crash", when, name)
            server.crash()
            server.nursery.start_soon(server.recover)
        if world.mishap(0.004 * world.profile.failures):
            raise Injected(f"{when} {name}")

    async def _travel(self, name: str) -> None:
        world = self.world
        slow = 0.1 if name == "chunks" else 0.03  # Long answers take long.
        if not world.faults:
            await trio.lowlevel.checkpoint()
        elif world.chance(slow * world.profile.slowness):
            await world.wait(0.02, 0.6)
        else:
            await world.wait(0.0, 0.003)

    async def _give_up(self, name: str, why: str) -> None:
        self.world.note(self.process.name, name, why)
        await self.world.wait(0.0, 0.7)
        await self.process.awake()
        raise Unavailable(f"{name} {why}")

    async def chunks(self, partition: int, spans: Sequence[Span]) -> list[list[Chunk]]:
        """The next request after `held` was set travels until it is released."""
        if self.held is not None:
            self._held, self.held = self.held, None
            await self._held.wait()
        return await super().chunks(partition, spans)

    def release(self) -> None:
        """Let the request that is held travel on."""
        for event in (self.held, self._held):
            if event is not None:
                event.set()
        self.held = self._held = None

    async def acquire(self, partition: int) -> Ownership:
        seen = await self._step(lambda: self.state[partition].epoch)

        def step() -> Ownership:
            own = acquire(self.state[partition], partition, seen)
            self.server.owners[partition] = self.process
            return own

        return await self._step(step)

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        whole = len(groups) < 2 or not self.world.mishap(0.02 * self.world.profile.losses)
        through = len(groups) if whole else self.world.random.randrange(len(groups))

        def step() -> list[Appended | StoreError]:
            replies = [self._append(group) for group in groups[:through]]
            if not whole:
                raise Unavailable("the link broke between two groups")
            return replies

        step.__qualname__ = "Link.append"
        try:
            return await self._step(step)
        except StoreError as error:
            return [error] * len(groups)

    def _append(self, group: Group) -> Appended | StoreError:
        state = self.state[group.partition]
        before, serial = state.tail, state.serial
        # A full server still recognises a group that it has.
        if self.server.full and serial != (group.epoch, group.serial):
            return Refused("oom", "the memory of the store is full")
        try:
            reply = self._appended(state, group)
        except StoreError as error:
            return error
        if state.tail != before:
            self.server.ledger.append(group.partition, state.log[-1])
        if state.serial != serial:
            for batch in group.batches:
                if not batch.claims:
                    self.server.ledger.bare.setdefault(id(batch), []).append(batch)
        return reply

    def _appended(self, state: PartitionState, group: Group) -> Appended:
        return append(state, group)

    async def memory(self) -> Memory:
        return await self._step(lambda: Memory(int(1e6 * self.server.used_share), 1_000_000))


def name_of(step: Callable[[], Any]) -> str:
    """The name of the store's method that a step belongs to."""
    return str(step.__qualname__).split(".")[1]
