"""Stores and clients that do it wrong, each in one way: the simulation has to find every one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.node import Node
from engine.points import Batch, Receipt
from engine.ports import Appended, Checkpoint, Chunk, Frame, Group, Judged, Span
from engine.position import START, Position
from engine.turn import NO_POINTS, Turn
from engine.uncommitted import partials_of
from storage.memory import PartitionState, append, commit, keep, owned
from tests.simulation.server import Link

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

Send = Callable[["Simulation", Node, int, Batch], Awaitable[Receipt]]


async def send(simulation: "Simulation", node: Node, partition: int, batch: Batch) -> Receipt:
    """Answered when it is in the log."""
    return await node.submit(partition, batch)


@dataclass(frozen=True, slots=True)
class Bug:
    """One way to do it wrong; the default is none."""

    link: type[Link] = Link
    send: Send = send
    everysec: bool = False


class SplitCheckpoint(Link):
    """Writes what was counted in one step, and up to where in another."""

    async def commit(self, checkpoint: Checkpoint) -> None:
        def count() -> None:
            state = self.state[checkpoint.partition]
            owned(state, checkpoint.epoch)
            if state.number == checkpoint.number - 1 and len(checkpoint.partials.rollups):
                state.frames.append(Frame(checkpoint.position, checkpoint.partials))

        await self._step(count)
        await super().commit(replace(checkpoint, partials=partials_of(Turn.of(NO_POINTS))))


class NoClaims(Link):
    """Takes every claim for a new one."""

    def _appended(self, state: PartitionState, group: Group) -> Appended:
        bare = tuple(replace(batch, claims=()) for batch in group.batches)
        reply = append(state, replace(group, batches=bare))
        return replace(reply, claims=tuple((None,) * len(b.claims) for b in group.batches))


class NoSerial(Link):
    """Appends a group again that it has already."""

    def _appended(self, state: PartitionState, group: Group) -> Appended:
        state.serial, state.reply = (0, 0), None
        return append(state, group)


class NoFence(Link):
    """Compares no epochs."""

    def _appended(self, state: PartitionState, group: Group) -> Appended:
        return append(state, replace(group, epoch=state.epoch))

    async def commit(self, checkpoint: Checkpoint) -> None:
        def step() -> None:
            state = self.state[checkpoint.partition]
            commit(state, replace(checkpoint, epoch=state.epoch))

        await self._step(step)


class EarlyTrim(Link):
    """Forgets frames that no chunk holds yet."""

    async def trim_frames(self, partition: int, epoch: int, through: Position) -> None:
        frames = self.state[partition].frames
        await super().trim_frames(partition, epoch, frames[-1].position if frames else through)


class NoPositions(Link):
    """Tells of no chunk up to where it counts."""

    async def chunks(self, partition: int, spans: Sequence[Span]) -> list[list[Chunk]]:
        found = await super().chunks(partition, spans)
        return [[replace(chunk, position=START) for chunk in part] for part in found]


class NoNumber(Link):
    """Takes a checkpoint that it has already for the next one."""

    async def commit(self, checkpoint: Checkpoint) -> None:
        def step() -> None:
            state = self.state[checkpoint.partition]
            state.number = checkpoint.number - 1
            commit(state, checkpoint)

        await self._step(step)


class TransitionsApart(Link):
    """Writes transitions in a step of their own, before the one with the data."""

    async def commit(self, checkpoint: Checkpoint) -> None:
        judged = checkpoint.judged

        def tell() -> None:
            state = self.state[checkpoint.partition]
            owned(state, checkpoint.epoch)
            if state.number == checkpoint.number - 1:
                keep(state, Judged({}, judged.transitions, judged.messages))

        if judged.transitions:
            await self._step(tell)
        await super().commit(replace(checkpoint, judged=Judged(judged.documents)))


class MessagesWithoutState(Link):
    """Writes what is told, but not the states it came from."""

    async def commit(self, checkpoint: Checkpoint) -> None:
        kept = {k: d for k, d in checkpoint.judged.documents.items() if not k.startswith("state")}
        # Whoever is watched at all must be known, or nothing would be told.
        new = {
            key: document
            for key, document in checkpoint.judged.documents.items()
            if key not in self.state[checkpoint.partition].alerts
        }
        judged = replace(checkpoint.judged, documents={**new, **kept})
        await super().commit(replace(checkpoint, judged=judged))


async def send_early(simulation: "Simulation", node: Node, partition: int, batch: Batch) -> Receipt:
    """Answered when it is on its way to the log."""
    simulation.server.nursery.start_soon(simulation.quietly, node.submit, partition, batch)
    return Receipt(START, (None,) * len(batch.claims))


NONE = Bug()

BUGS = {
    "split checkpoint": Bug(SplitCheckpoint),
    "no claims": Bug(NoClaims),
    "no serial": Bug(NoSerial),
    "no fence": Bug(NoFence),
    "answer before the log": Bug(send=send_early),
    "everysec": Bug(everysec=True),
    "frames trimmed early": Bug(EarlyTrim),
    "chunks without position": Bug(NoPositions),
    "checkpoint without number": Bug(NoNumber),
    "transitions outside the checkpoint": Bug(TransitionsApart),
    "messages without state": Bug(MessagesWithoutState),
}
