"""A process: one life of a node, from its start until it stops, dies or is killed.

Law: a killed process asks the store nothing any more, and its clients hear nothing. A paused one
does not notice: what it was about to ask or to hear it asks and hears when it goes on.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import trio

from engine.node import Node, open_node
from engine.points import Command
from engine.ports import Fenced
from tests.simulation.world import Injected, World

if TYPE_CHECKING:
    from tests.simulation.server import Link


T = TypeVar("T")


class Process:
    """One node over the simulated store."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"p{number}"
        self.link: Link
        self.skew_ms = world.random.randrange(-200, 200)
        self.node: Node | None = None
        self.scope = trio.CancelScope()
        self.calls: set[trio.CancelScope] = set()
        self.stopping = trio.Event()
        self.over = trio.Event()
        self.ended = ""
        self.killed = False
        self.commands: set[bytes] = set()
        self._resumed = trio.Event()
        self._resumed.set()

    def __repr__(self) -> str:
        return f"<Process {self.name} {self.ended or 'alive'}>"

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self.over.is_set()

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return not self._resumed.is_set()

    def now_ms(self) -> int:
        """Its clock, a little off the right time."""
        return self.world.now_ms() + self.skew_ms

    async def run(self) -> None:
        """Live once."""
        try:
            with self.scope:
                async with open_node(self.link, self, on_command=self._on_command) as node:
                    self.node = node
                    await self.stopping.wait()
            self.ended = "killed" if self.killed else "stopped"
        except Exception as error:
            self.ended = " ".join(sorted({type(leaf).__name__ for leaf in leaves(error)}))
            if not all(isinstance(leaf, Fenced | Injected) for leaf in leaves(error)):
                self.world.fail(f"{self.name} died: {list(leaves(error))!r}")
        finally:
            self.world.note(self.name, self.ended)
            self.node = None
            self.over.set()
            for call in tuple(self.calls):
                call.cancel()

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.killed = True
        self.scope.cancel()
        for call in tuple(self.calls):
            call.cancel()

    def pause(self) -> None:
        """Let it stand still: SIGSTOP."""
        if not self.paused:
            self._resumed = trio.Event()

    def resume(self) -> None:
        """Let it go on: SIGCONT."""
        self._resumed.set()

    async def awake(self) -> None:
        """Return when it is not paused; never when it is killed."""
        if self.killed:
            await trio.sleep_forever()
        await self._resumed.wait()

    async def call(self, ask: Callable[[Node], Awaitable[T]]) -> T | None:
        """Ask the node something; None when the process ended before there was an answer."""
        with trio.CancelScope() as scope:
            self.calls.add(scope)
            try:
                if self.node is not None:
                    return await ask(self.node)
            finally:
                self.calls.discard(scope)
        return None

    def _on_command(self, command: Command) -> None:
        # There are many of rules in one entry: if each could fail, the entry would never pass.
        rules = command.kind.startswith("alert.")
        if not rules and self.world.mishap(0.1 * self.world.profile.failures):
            raise Injected(command.kind)
        self.commands.add(command.body)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group of groups of errors."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
