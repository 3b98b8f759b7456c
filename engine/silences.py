"""What holds messages back for a while: silences and maintenance. Pure.

A repeated maintenance is a silence for each of its times, made by whoever knows the calendar. All
that a silence names must be true of an alert; what it does not name may be anything.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from engine.rules import Rule


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds messages back from `from_ms` until `until_ms`, epoch milliseconds."""

    id: str
    account: int
    from_ms: int
    until_ms: int
    kind: str = "silence"
    rules: tuple[str, ...] = ()
    stats: tuple[int, ...] = ()
    severity: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def covers(self, rule: Rule, stat: int, now_ms: int) -> bool:
        """Whether messages of this alert are held back now."""
        return (
            self.from_ms <= now_ms < self.until_ms
            and self.account == rule.account
            and (not self.rules or rule.id in self.rules)
            and (not self.stats or stat in self.stats)
            and self.severity in ("", rule.severity)
            and set(self.labels) <= set(rule.labels)
        )


def covering(silences: Iterable[Silence], rule: Rule, stat: int, now_ms: int) -> Silence | None:
    """The silence that holds an alert back longest; maintenance before others."""
    found = [one for one in silences if one.covers(rule, stat, now_ms)]
    return max(found, key=lambda one: (one.kind == "maintenance", one.until_ms), default=None)


def pack_silence(silence: Silence) -> bytes:
    """The silence as JSON."""
    return json.dumps(asdict(silence), separators=(",", ":")).encode()


def unpack_silence(record: bytes) -> Silence:
    """The silence of a record; fields that this release does not know are passed over."""
    found = json.loads(record)
    known = {one.name: found[one.name] for one in fields(Silence) if one.name in found}
    for name in ("rules", "stats"):
        known[name] = tuple(known.get(name, ()))
    known["labels"] = tuple((name, value) for name, value in known.get("labels", ()))
    return Silence(**known)
