"""What rules have made since the last checkpoint, as the checkpoint will carry it. Pure.

Law: taking it takes no time, however many rules moved at once: states never change, so that what
was taken is as it was then whatever comes later. Packing it takes a slice at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.alert_actor import AlertActor
from engine.alert_state import State, pack_state
from engine.ports import Judged
from engine.rules import Rule
from engine.transition import Transition, message_of, pack_transition

RECORDS_A_SLICE = 200
"""States and transitions that are packed in one step: some 2 ms."""


class Gone(NamedTuple):
    """A rule that was dropped, and when: what it still has to tell names it."""

    at_ms: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Taken:
    """What rules had made at a moment: documents, states by their keys, transitions in order."""

    documents: Mapping[str, bytes | None] = field(default_factory=dict)
    states: Sequence[tuple[str, State]] = ()
    transitions: Sequence[Transition] = ()

    def packed_in_slices(self) -> Iterator[Judged]:
        """All of it for a checkpoint, in parts of which each is one step."""
        yield Judged(self.documents)
        for place in range(0, len(self.states), RECORDS_A_SLICE):
            part = self.states[place : place + RECORDS_A_SLICE]
            yield Judged({key: pack_state(state) for key, state in part})
        for place in range(0, len(self.transitions), RECORDS_A_SLICE):
            told = self.transitions[place : place + RECORDS_A_SLICE]
            records = tuple(map(pack_transition, told))
            pairs = zip(told, records, strict=True)
            messages = tuple(message_of(one, record) for one, record in pairs if one.tells)
            yield Judged({}, records, messages)


@dataclass(eq=False, slots=True)
class Unwritten:
    """What was judged since the last checkpoint."""

    documents: dict[str, bytes | None] = field(default_factory=dict)
    touched: dict[tuple[str, int], AlertActor] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)

    def taken(self) -> Taken:
        """All of it; states as they are now."""
        states = [(state_key(*place), actor.state) for place, actor in self.touched.items()]
        return Taken(self.documents, states, self.transitions)


def joined(parts: Sequence[Judged]) -> Judged:
    """The parts of a checkpoint as one."""
    documents = {key: value for part in parts for key, value in part.documents.items()}
    transitions = tuple(record for part in parts for record in part.transitions)
    return Judged(documents, transitions, tuple(one for part in parts for one in part.messages))


def gone_key(gone: Gone) -> str:
    """Under which key a rule that was dropped is kept: they are read in this order."""
    return f"gone {gone.at_ms:013d} {gone.rule.id}"


def state_key(rule: str, stat: int) -> str:
    """Under which key the state of a rule at a stat is kept."""
    return f"state {rule} {stat}"
