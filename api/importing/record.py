"""One import as it is kept: where it stands, what it found, and what was wrong. Pure."""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from api.importing.faults import Fault
from engine.base62 import base62
from engine.stats import Kind

State = Literal["waiting", "running", "done", "failed", "undoing", "undone"]

UNDER_WAY: Final = frozenset({"waiting", "running", "undoing"})
"""In these states somebody works on it, also after a restart."""

FAULTS_KEPT: Final = 200
"""Faults that are kept one by one; the rest is counted."""

TEXT_MAX: Final = 500


class Tally(Struct, frozen=True):
    """What an import did, or in a dry run would do.

    `stats_done` of `stats` were looked at, `pulled` of `to_pull` answers of another server are
    here. `buckets_same` were there already; `buckets_out` lie before what the plan keeps, or in the
    future.
    """

    stats: int = 0
    stats_done: int = 0
    stats_new: int = 0
    buckets_new: int = 0
    buckets_same: int = 0
    buckets_out: int = 0
    histograms_new: int = 0
    histograms_same: int = 0
    alerts_new: int = 0
    alerts_same: int = 0
    annotations_new: int = 0
    annotations_same: int = 0
    dashboards_new: int = 0
    dashboards_same: int = 0
    silences_new: int = 0
    silences_same: int = 0
    pulled: int = 0
    to_pull: int = 0
    faults: int = 0

    def plus(self, **more: int) -> "Tally":
        """With so many more of each."""
        return msgspec.structs.replace(
            self, **{name: getattr(self, name) + amount for name, amount in more.items()}
        )


class Pull(Struct, frozen=True):
    """Another server to ask: its token is sealed, and forgotten when the import ends."""

    url: str
    token: bytes
    timeframes: tuple[str, ...]


def import_id(number: int) -> str:
    """How the world names an import."""
    return f"im_{base62(number)}"


class ImportRecord(Struct, frozen=True, kw_only=True):
    """An import of an account; times are epoch ms.

    `number` is that of its buckets in the engine. `stat` and `kind` belong to a file that does not
    say it itself; `reason` says why it failed.
    """

    number: int
    account: int
    name: str
    dry_run: bool = False
    state: State = "waiting"
    created_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    stat: str | None = None
    kind: Kind | None = None
    pull: Pull | None = None
    tally: Tally = Tally()
    faults: tuple[Fault, ...] = ()
    reason: str | None = None

    @property
    def id(self) -> str:
        """How the world names it."""
        return import_id(self.number)

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it, or soon will."""
        return self.state in UNDER_WAY

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        if self.state in ("done", "undone"):
            return 1.0
        tally = self.tally
        imported = tally.stats_done / tally.stats if tally.stats else 0.0
        if self.pull is None:
            return imported
        return (imported + (tally.pulled / tally.to_pull if tally.to_pull else 0.0)) / 2

    def noting(self, *faults: Fault) -> "ImportRecord":
        """With more faults."""
        room = FAULTS_KEPT - len(self.faults)
        kept = tuple(Fault(f.what[:TEXT_MAX], f.message[:TEXT_MAX]) for f in faults[: max(0, room)])
        return msgspec.structs.replace(
            self, faults=self.faults + kept, tally=self.tally.plus(faults=len(faults))
        )

    def ended(self, state: State, now_ms: int, reason: str | None = None) -> "ImportRecord":
        """As it ended; how to ask the other server is forgotten."""
        short = None if reason is None else reason[:TEXT_MAX]
        return msgspec.structs.replace(self, state=state, ended_ms=now_ms, reason=short, pull=None)
