"""When which rule looks again although no point came. Pure."""

from heapq import heappop, heappush
from itertools import count

from engine.alert_actor import AlertActor


class Agenda:
    """Actors by the moments at which they look again, epoch ms; each knows its next one."""

    def __init__(self) -> None:
        self._due: list[tuple[int, str, int, int, AlertActor]] = []
        self._order = count()

    def __repr__(self) -> str:
        return f"<Agenda of {len(self._due)}, next at {self.next_ms}>"

    @property
    def next_ms(self) -> int:
        """When something is due, about; 0 for never."""
        return self._due[0][0] if self._due else 0

    def note(self, actor: AlertActor, noted_ms: int) -> None:
        """An actor looks again when it says; `noted_ms` stands here already, 0 for nothing."""
        if actor.due_ms and actor.due_ms != noted_ms:
            # Of what is due at one moment the order is the same whenever the log is read.
            place = (actor.due_ms, actor.rule.id, actor.stat, next(self._order), actor)
            heappush(self._due, place)

    def take(self, now_ms: int) -> AlertActor | None:
        """The next one that is due by now, or None; it still says when."""
        while self._due and self._due[0][0] <= now_ms:
            at_ms, *_, actor = heappop(self._due)
            if actor.due_ms == at_ms:
                return actor
        return None
