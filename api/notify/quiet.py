"""A time in which messages are held back, as people ask for it. Pure.

The engine knows single silences only; what repeats is a silence for each of its times, made some
days ahead.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from api.notify.calendar import TEXT_LENGTH_MAX, CalendarFault, Repeats, read_repeats
from api.notify.rule_form import LABEL_LENGTH_MAX, LABELS_MAX
from api.query.times import parse_zone
from engine.silences import Silence
from storage.directory_search import QUERY_LENGTH_MAX

KIND: Final = "silence"
"""The kind of the documents."""

QUIETS_MAX: Final = 500
"""Silences and maintenance windows of one account."""

SILENCE_MS_MAX: Final = 30 * 86_400_000
"""A silence ends after thirty days at most; whoever wants more drops the alert."""

NAMED_MAX: Final = 1_000
"""Alerts, and stats, that a silence names one by one; a pattern has no such limit."""

NOTE_LENGTH_MAX: Final = 1_000

SAY_WHAT: Final = "say what: alerts, stats, match, severity, labels, or everything"

AHEAD_MS: Final = 2 * 86_400_000
"""Repeated windows are made so far ahead."""


class Quiet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept; times are epoch milliseconds.

    With a `rrule` it comes again, for `until_ms` - `from_ms` each time. `match` is a pattern of
    names of stats, besides the `stats` that are named.
    """

    id: str
    account: int
    kind: Literal["silence", "maintenance", "annotation"]
    from_ms: int
    until_ms: int
    created_ms: int
    rrule: str = ""
    tz: str = "UTC"
    alerts: tuple[str, ...] = ()
    stats: tuple[int, ...] = ()
    match: str = ""
    severity: str = ""
    labels: Mapping[str, str] = {}
    note: str = ""
    by: str = ""

    @property
    def repeats(self) -> Repeats | None:
        """When it comes again, if it does."""
        if not self.rrule:
            return None
        return read_repeats(self.rrule, self.from_ms, parse_zone(self.tz))

    def times(self, now_ms: int, ahead_ms: int = AHEAD_MS) -> list[tuple[int, int]]:
        """Its times that are not over, so far ahead: from, until."""
        length_ms, repeats = self.until_ms - self.from_ms, self.repeats
        if repeats is None:
            return [(self.from_ms, self.until_ms)] if self.until_ms > now_ms else []
        begins = repeats.between(now_ms - length_ms + 1, now_ms + ahead_ms)
        return [(begin_ms, begin_ms + length_ms) for begin_ms in begins]

    def over(self, now_ms: int) -> bool:
        """Whether it never comes again."""
        repeats = self.repeats
        if repeats is None:
            return self.until_ms <= now_ms
        return not self.times(now_ms) and repeats.next_after(now_ms) is None


def faults(quiet: Quiet) -> Iterator[tuple[str, str]]:
    """What it may not be: the field, and how it should be; its time zone is one."""
    if max(len(quiet.alerts), len(quiet.stats)) > NAMED_MAX:
        yield "stats", f"at most {NAMED_MAX} alerts and stats"
    if len(quiet.match) > QUERY_LENGTH_MAX:
        yield "match", f"1 to {QUERY_LENGTH_MAX} characters"
    texts = [text for pair in quiet.labels.items() for text in pair]
    if len(quiet.labels) > LABELS_MAX or any(len(text) > LABEL_LENGTH_MAX for text in texts):
        yield "labels", f"at most {LABELS_MAX}, of at most {LABEL_LENGTH_MAX} characters"
    if len(quiet.note) > NOTE_LENGTH_MAX:
        yield "note", f"at most {NOTE_LENGTH_MAX} characters"
    if not quiet.from_ms < quiet.until_ms <= quiet.from_ms + SILENCE_MS_MAX:
        yield "until", "after it begins, and at most 30 days"
    if len(quiet.rrule) > TEXT_LENGTH_MAX:
        yield "rrule", f"at most {TEXT_LENGTH_MAX} characters"
        return
    try:
        repeats = quiet.repeats
    except CalendarFault as fault:
        yield "rrule", f"{fault}"
        return
    if repeats is not None and quiet.kind == "silence" and not repeats.ends:
        yield "rrule", "a silence must end: add COUNT or UNTIL, or make it maintenance"


def silences_of(quiet: Quiet, fitting: Sequence[int], now_ms: int) -> Iterator[Silence]:
    """What the engine is told; `fitting` are the stats that its pattern means now."""
    stats = tuple(sorted({*quiet.stats, *fitting}))
    if quiet.match and not stats:
        # Without a stat it would hold back everything.
        return
    for from_ms, until_ms in quiet.times(now_ms):
        yield Silence(
            f"{quiet.id}:{from_ms // 1000}" if quiet.rrule else quiet.id, quiet.account, from_ms,
            until_ms, quiet.kind, quiet.alerts, stats, quiet.severity,
            tuple(sorted(quiet.labels.items())), quiet.note,
        )  # fmt: skip


def belongs(silence_id: str, quiet_id: str) -> bool:
    """Whether a silence of the engine is one of this quiet's times."""
    return silence_id.partition(":")[0] == quiet_id


def pack_quiet(quiet: Quiet) -> bytes:
    """The quiet as it is kept."""
    return msgspec.msgpack.encode(quiet)


def unpack_quiet(record: bytes) -> Quiet:
    """The quiet of a record."""
    return msgspec.msgpack.decode(record, type=Quiet)
