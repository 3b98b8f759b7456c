"""What changed about an alert: the record that is kept, told outside and shown to people. Pure.

One record serves the history and the outbox: a transition that is told carries what kind of message
it is and whom it goes to; one that is held back says by what. A reminder and an escalation are
records too, from a status to the same.
"""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from engine.base62 import base62
from engine.ports import Message
from engine.position import Position


class Status(StrEnum):
    """Where one rule stands with one stat."""

    NEW = "NEW"
    OK = "OK"
    PENDING = "PENDING"
    FIRING = "FIRING"
    RECOVERING = "RECOVERING"
    NO_DATA = "NO_DATA"
    PAUSED = "PAUSED"


class Tells(StrEnum):
    """What kind of message a transition is."""

    FIRING = "firing"
    LEVEL = "level"
    NO_DATA = "no_data"
    RESOLVED = "resolved"
    REPEAT = "repeat"
    ESCALATION = "escalation"
    FLAPPING = "flapping"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of one instance; times are epoch milliseconds.

    `at_ms` is when it happened by the rule, `decided_ms` the append stamp of the log entry that
    made it known; `position` is that entry. `seq` counts the records of an instance up from 1,
    `episode` is empty outside of one and `began_ms` its beginning. `level` is `critical`,
    `warning` or empty. `value` is what was compared with `threshold` (for delta rules the change),
    `base` what it was compared from, `points` how many points the window had; None where there
    was none. `channels` are the channels it goes to; empty: those of the rule.
    """

    rule: str
    stat: int
    seq: int
    source: Status
    target: Status
    level: str
    at_ms: int
    decided_ms: int
    position: str
    episode: str = ""
    began_ms: int = 0
    value: float | None = None
    base: float | None = None
    threshold: float | None = None
    window_s: int = 0
    points: int = 0
    reason: str = ""
    tells: Tells | None = None
    channels: tuple[str, ...] = ()
    held: str | None = None

    @property
    def message_id(self) -> str:
        """The id of its message: the same whenever it is told, and of no other."""
        return f"msg_{self.episode}_{self.seq}"


def pack_transition(transition: Transition) -> bytes:
    """The record as JSON."""
    return _ENCODE({name: getattr(transition, name) for name in _NAMES}).encode()


def unpack_transition(record: bytes) -> Transition:
    """The transition of a record; fields that this release does not know are passed over."""
    found = json.loads(record)
    known = {field.name: found[field.name] for field in fields(Transition) if field.name in found}
    known["source"], known["target"] = Status(found["source"]), Status(found["target"])
    known["tells"] = Tells(found["tells"]) if found["tells"] else None
    known["channels"] = tuple(found["channels"])
    return Transition(**known)


def message_of(transition: Transition, record: bytes) -> Message:
    """What the outbox holds of a transition that is told, and of its record."""
    assert transition.tells is not None, "BUG: this transition is not told"
    return Message(transition.message_id, transition.episode, transition.at_ms, record)


def episode_id(rule: str, stat: int, position: Position, at_ms: int) -> str:
    """The id of the episode that begins here: whoever reads the log again finds the same."""
    told = f"{rule} {stat} {position} {at_ms}".encode()
    return f"ep_{base62(int.from_bytes(blake2b(told, digest_size=8).digest()))}"


_NAMES: Final = tuple(field.name for field in fields(Transition))
_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
