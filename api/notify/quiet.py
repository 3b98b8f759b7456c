"""A time in which messages are held back, as people ask for it. Pure.

The engine knows single silences only; what repeats is a silence for each of its times, made some
days ahead.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from api.notify.calendar import Repeats, read_repeats
from api.query.times import parse_zone
from engine.silences import Silence

KIND: Final = "silence"
"""The kind of the documents."""

QUIETS_MAX: Final = 500
"""Silences and maintenance windows of one account."""

SILENCE_MS_MAX: Final = 30 * 86_400_000
"""A silence ends after thirty days at most; whoever wants more drops the alert."""

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
