"""What a dump says of stats, alerts and more, whatever form it has. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from api.importing.faults import Fault
from api.importing.series import Series, series_of
from api.notify.annotation import (
    LINK_LENGTH_MAX,
    STATS_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
    TITLE_LENGTH_MAX,
)
from engine.histogram import Histograms
from engine.stats import Kind
from engine.tiers import Tier

SECONDS_MAX: Final = 2**33
"""Epoch seconds of what happened, at most: some 240 years ahead."""


@dataclass(frozen=True, slots=True)
class Table:
    """The buckets of one stat in one file: either ready, or numbers that mean what the kind says.

    `kind` is None where the file does not tell it.
    """

    name: str
    kind: Kind | None
    width_s: int = 0
    start: Sequence[int] = ()
    value: Sequence[float] = ()
    count: Sequence[int] | None = None
    ready: Sequence[Series] = ()
    spreads: Sequence[tuple[Tier, Histograms]] = ()

    def series(self, kind: Kind) -> Sequence[Series]:
        """The buckets of a stat of this kind; FileFault says what is out of bounds."""
        if self.ready or not self.width_s:
            return self.ready
        return [series_of(self.width_s, self.start, self.value, kind, self.count)]


@dataclass(eq=False, slots=True)
class Contents:
    """What the files of one stat say: its buckets, its histograms, and which could not be read."""

    series: list[Series] = field(default_factory=list)
    spreads: list[tuple[Tier, Histograms]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class FoundStat:
    """A stat of a dump, and the files that have buckets of it."""

    name: str
    kind: Kind | None
    unit: str | None = None
    percentiles: bool = True
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FoundAlert:
    """An alert of a dump: as `POST /v1/alerts` takes it, its stats by name.

    `channels` are the type and the name of each channel that it had, `escalation` those of each
    step, and `id` is how others of the same dump name it in `depends_on`.
    """

    form: Mapping[str, Any]
    channels: Sequence[tuple[str, str]] = ()
    escalation: Sequence[tuple[str | int, Sequence[tuple[str, str]]]] = ()
    id: str = ""

    @property
    def what(self) -> str:
        """How people know it."""
        return f"alert {self.form.get('name', '')}"[:200]


Seconds = Annotated[float, Meta(ge=0, lt=SECONDS_MAX)]


class FoundNote(Struct, frozen=True, kw_only=True):
    """An annotation of a dump: as an export writes it, its stats by name, times in seconds."""

    title: Annotated[str, Meta(min_length=1, max_length=TITLE_LENGTH_MAX)]
    at: Seconds
    until: Seconds = 0.0
    text: Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)] = ""
    tags: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=TAG_LENGTH_MAX)], ...],
        Meta(max_length=TAGS_MAX),
    ] = ()
    stats: Annotated[tuple[str, ...], Meta(max_length=STATS_MAX)] = ()
    link: Annotated[str, Meta(max_length=LINK_LENGTH_MAX)] = ""


Moment = Annotated[datetime, Meta(tz=True)]


class FoundSilence(Struct, frozen=True, kw_only=True):
    """A silence of a dump: as an export writes it, its stats by name, its alerts by their ids."""

    from_: Moment = msgspec.field(name="from")
    until: Moment
    kind: Literal["silence", "maintenance"] | None = None
    rrule: str = ""
    tz: str = "UTC"
    alerts: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    stats: tuple[str, ...] = ()
    match: str = ""
    severity: Literal["", "warning", "critical"] = ""
    labels: dict[str, str] = {}
    everything: bool = False
    note: str = ""


def stathat_alert(fields: Mapping[str, Any], stat: str) -> FoundAlert:
    """An alert as StatHat wrote it, for a stat by name; its words are understood by ours."""
    kept = ("kind", "time_window", "operator", "threshold", "percentage", "time_delta")
    form: dict[str, Any] = {
        name: fields[name] for name in kept if fields.get(name) not in ("", None)
    }
    for name in ("threshold", "percentage"):
        if name in form:
            form[name] = float(form[name])
    words = [str(form[name]) for name in ("operator", "threshold", "percentage") if name in form]
    title = " ".join([stat, *words]) if words else f"{stat}: no data"
    return FoundAlert({"name": title[:200], "stat": stat, **form})
