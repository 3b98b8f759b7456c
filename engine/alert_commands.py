"""The commands by which rules are put, watched, acknowledged and silenced. Pure.

They stand in the log with the points, so that whoever reads it applies both in the same order.
"""

import json
from typing import Any, Final

from engine.points import Command
from engine.rules import Rule, pack_rule
from engine.silences import Silence, pack_silence

PUT: Final = "alert.put"
DROP: Final = "alert.drop"
WATCH: Final = "alert.watch"
UNWATCH: Final = "alert.unwatch"
ARM: Final = "alert.arm"
ACK: Final = "alert.ack"
UNACK: Final = "alert.unack"
SNOOZE: Final = "alert.snooze"
RESUME: Final = "alert.resume"
FAIL: Final = "alert.fail"
SILENCE: Final = "alert.silence"
UNSILENCE: Final = "alert.unsilence"
TICK: Final = "alert.tick"


def put(rule: Rule) -> Command:
    """Make the rule what it says; the stats it watches stay."""
    return Command(PUT, 0, pack_rule(rule))


def drop(rule: str) -> Command:
    """Forget a rule, its states and what it would still tell."""
    return Command(DROP, 0, rule.encode())


def watch(rule: str, stat: int) -> Command:
    """Judge a rule at one more stat."""
    return Command(WATCH, stat, rule.encode())


def unwatch(rule: str, stat: int) -> Command:
    """Judge a rule at a stat no more."""
    return Command(UNWATCH, stat, rule.encode())


def arm(rule: str, stat: int) -> Command:
    """Begin to judge: its windows are loaded."""
    return Command(ARM, stat, rule.encode())


def acknowledge(
    rule: str, stat: int, episode: str, by: str, note: str = "", until_ms: int = 0
) -> Command:
    """Take an episode on: no reminders until it is resolved, or until a time."""
    return _with(
        ACK, stat, {"rule": rule, "episode": episode, "by": by, "note": note, "until_ms": until_ms}
    )


def unacknowledge(rule: str, stat: int, by: str) -> Command:
    """Give an episode back."""
    return _with(UNACK, stat, {"rule": rule, "by": by})


def snooze(rule: str, stat: int, until_ms: int, by: str) -> Command:
    """Hold every message back until a time; what is still so is told then."""
    return _with(SNOOZE, stat, {"rule": rule, "until_ms": until_ms, "by": by})


def resume(rule: str, stat: int, by: str) -> Command:
    """End a snooze."""
    return _with(RESUME, stat, {"rule": rule, "by": by})


def fail(rule: str, stat: int) -> Command:
    """A deadman's own word that it failed: it fires at once, until it hears a sign of life."""
    return Command(FAIL, stat, rule.encode())


def silence(one: Silence) -> Command:
    """Hold back what the silence covers."""
    return Command(SILENCE, 0, pack_silence(one))


def unsilence(number: str) -> Command:
    """End a silence."""
    return Command(UNSILENCE, 0, number.encode())


def tick() -> Command:
    """Let time pass where no points come."""
    return Command(TICK, 0)


def told_of(command: Command) -> dict[str, Any]:
    """The fields of a command that has several."""
    found: dict[str, Any] = json.loads(command.body)
    return found


def _with(kind: str, stat: int, fields: dict[str, object]) -> Command:
    return Command(kind, stat, json.dumps(fields, separators=(",", ":")).encode())
