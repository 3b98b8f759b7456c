"""An export read back by nothing but what docs/export.md says."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zipfile import ZipFile

import numpy as np

from engine.histogram import Histograms
from engine.rollup import Rollups
from engine.tiers import BY_NAME

INTEGERS = ("count", "first_ms", "last_ms")


@dataclass(frozen=True)
class Export:
    """A zip, unpacked."""

    files: dict[str, bytes]

    @classmethod
    def of(cls, packed: bytes) -> "Export":
        """Check every checksum."""
        with ZipFile(io.BytesIO(packed)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            assert names[0] == "catalogue.json"
            assert len(set(names)) == len(names)
            return cls({name: archive.read(name) for name in names})

    @property
    def catalogue(self) -> Any:  # ruff: ignore[any-type]
        """What there is."""
        return json.loads(self.files["catalogue.json"])

    def rows(self, name: str) -> list[dict[str, str]]:
        """The lines of a stat by its name."""
        (file,) = (one["file"] for one in self.catalogue["stats"] if one["name"] == name)
        return list(csv.DictReader(io.StringIO(self.files[file].decode(), newline="")))

    def buckets(self, name: str, width_s: int) -> Rollups:
        """All points of a stat in buckets of one width."""
        rows = [row for row in self.rows(name) if row["count"]]
        columns: Any = {
            field: np.array(
                [int(row[field]) if field in INTEGERS else float(row[field]) for row in rows],
                np.int64 if field in INTEGERS else np.float64,
            )
            for field in Rollups.__dataclass_fields__
            if field not in {"stat", "start"}
        }
        start = np.array([int(row["t"]) for row in rows], np.int64)
        return Rollups.merged([Rollups(np.zeros(len(rows), np.int64), start, **columns)], width_s)

    def histograms(self, name: str, width_s: int, scale: int) -> Histograms:
        """All bins of a stat in buckets of one width."""
        return Histograms.merged(list(self._histograms(name)), width_s, scale)

    def _histograms(self, name: str) -> Iterator[Histograms]:
        for row in self.rows(name):
            if row["histogram"]:
                scale, *pairs = row["histogram"].split(" ")
                bins = [tuple(map(int, pair.split(":"))) for pair in pairs]
                stat = np.zeros(len(bins), np.int64)
                columns = (np.array(column, np.int64) for column in zip(*bins, strict=True))
                yield Histograms(int(scale), stat, stat + int(row["t"]), *columns)

    def spans(self, name: str, *, histograms: bool) -> list[tuple[int, int]]:
        """When each bucket begins and ends."""
        rows = [row for row in self.rows(name) if bool(row["histogram"]) == histograms]
        widths = [BY_NAME[row["resolution"]].width_s for row in rows]
        return [
            (int(row["t"]), int(row["t"]) + width)
            for row, width in zip(rows, widths, strict=True)
        ]  # fmt: skip
