"""What rules have made since the last checkpoint, as the checkpoint will carry it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.alert_actor import AlertActor
from engine.alert_state import pack_state
from engine.ports import Judged, Message
from engine.transition import Transition, message_of, pack_transition


@dataclass(eq=False, slots=True)
class Unwritten:
    """What was judged since the last checkpoint."""

    documents: dict[str, bytes | None] = field(default_factory=dict)
    touched: dict[tuple[str, int], AlertActor] = field(default_factory=dict)
    transitions: list[bytes] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def judged(self) -> Judged:
        """All of it, for a checkpoint; states as they are now."""
        states = {state_key(*key): pack_state(actor.state) for key, actor in self.touched.items()}
        return Judged({**self.documents, **states}, tuple(self.transitions), tuple(self.messages))

    def note(self, transitions: Sequence[Transition]) -> None:
        """Keep records, and messages of those that are told."""
        for transition in transitions:
            self.transitions.append(pack_transition(transition))
            if transition.tells is not None:
                self.messages.append(message_of(transition))


def state_key(rule: str, stat: int) -> str:
    """Under which key the state of a rule at a stat is kept."""
    return f"state {rule} {stat}"
