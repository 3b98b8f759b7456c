"""Server-Sent Events, read as they come. Pure.

Lines in, whole events out. Comments are ignored; an event without data is none, as the standard
says, but its id counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is the last id that was told up to and including it."""

    name: str
    data: str
    id: str | None


@dataclass(slots=True)
class EventReader:
    """Puts lines together; `retry_ms` is how long to wait before coming back, if it was said."""

    last_id: str | None = None
    retry_ms: int | None = None
    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, line: str) -> Iterator[Event]:
        """The event that this line completes, if any; the line comes without its end."""
        if line:
            self._field(*_parted(line))
            return
        if self._data:
            yield Event(self._name or "message", "\n".join(self._data), self.last_id)
        self._name, self._data = "", []

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self.last_id = value or None
        elif name == "retry" and value.isdigit():
            self.retry_ms = int(value)


def _parted(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")
