"""From what was applied to a checkpoint that can be sent.

Law: sealing takes no time, so that nothing comes between; adding up takes a slice at a time and
gives the same whenever it is done again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import trio

from engine.alert_records import Taken, joined
from engine.points import Command
from engine.ports import Checkpoint, DeadLetter
from engine.turn import Turn
from engine.uncommitted import Uncommitted, joined_slices, merged_in_slices
from engine.usage import Owners, usage_of


@dataclass(eq=False, slots=True)
class Pending:
    """What was applied since the last checkpoint."""

    points: Uncommitted = field(default_factory=Uncommitted)
    commands: list[Command] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    command_bytes: int = 0

    def add(self, command: Command) -> None:
        """Note a command that was applied."""
        self.commands.append(command)
        self.command_bytes += len(command.body)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A checkpoint on its way: no longer pending, not yet history.

    `turns` are what it counts: many at first, one when `checkpoint` has its partials; `taken` is
    what rules made of them, until `checkpoint` has that too.
    """

    checkpoint: Checkpoint
    turns: Sequence[Turn]
    taken: Taken
    merged: bool = False


async def added_up(sealed: Sealed, fine: Collection[int], owners: Owners) -> Sealed:
    """With its partials, its usage and its alerts; the stats in `fine` keep their seconds."""
    slices = []
    for part in merged_in_slices(sealed.turns, fine):
        slices.append(part)
        await trio.lowlevel.checkpoint()
    turn, partials = joined_slices(slices)
    usage = usage_of(turn.seconds, owners)
    judged = []
    for piece in sealed.taken.packed_in_slices():
        judged.append(piece)
        await trio.lowlevel.checkpoint()
    checkpoint = replace(sealed.checkpoint, partials=partials, usage=usage, judged=joined(judged))
    return Sealed(checkpoint, [turn], Taken(), merged=True)
