"""What a dump says of stats and alerts, whatever form it has. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.importing.series import Series, series_of
from engine.stats import Kind


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

    def series(self, kind: Kind) -> Sequence[Series]:
        """The buckets of a stat of this kind; FileFault says what is out of bounds."""
        if self.ready or not self.width_s:
            return self.ready
        return [series_of(self.width_s, self.start, self.value, kind, self.count)]


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

    `channels` are the type and the name of each channel that it had.
    """

    form: Mapping[str, Any]
    channels: Sequence[tuple[str, str]] = ()

    @property
    def what(self) -> str:
        """How people know it."""
        return f"alert {self.form.get('name', '')}"[:200]


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
