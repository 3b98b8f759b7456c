"""How long does an import take? Two years of days of many stats, as `stathat-export` wrote them.

The dump is made first. Measured is from the upload until the import says that it is done, then the
same dump once more, of which nothing is new.
"""

import tempfile
import time
import zipfile
from pathlib import Path
from typing import Final

import httpx

from bench.effort import whole_or_quick
from bench.peers.statflow import serving
from bench.report import Row, once
from engine.tiers import DAY_S

STATS: Final = whole_or_quick(10_000, 300)
DAYS: Final = 730
GOAL_S: Final = 60.0

BEGIN_S: Final = 19_700 * DAY_S + 47_220
"""Grids of days hang on the moment of the export, not on midnight."""

ANSWER_S: Final = 120.0
LOOK_S: Final = 0.1
PATH: Final = "/v1/import/stathat"


def measure() -> list[Row]:
    """Import, and import again."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        dump = make_dump(place / "dump.zip", STATS)
        with (
            serving(place) as server,
            httpx.Client(
                base_url=f"http://127.0.0.1:{server.port}", headers=server.headers,
                timeout=ANSWER_S, trust_env=False,
            ) as http,
        ):  # fmt: skip
            first_s = _import_s(http, dump, new=STATS * DAYS)
            again_s = _import_s(http, dump, new=0)
    what = f"{STATS:,} stats, {DAYS} days each"
    return [
        once(f"{what}: imported", first_s, "s", GOAL_S),
        once(f"{what}: once more, nothing new", again_s, "s"),
    ]


def make_dump(path: Path, stats: int) -> Path:
    """A zip of the folder of `stathat-export`: every second stat is a value, with fractions."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(stats):
            kind = ("counter", "value")[number % 2]
            head = (
                f"# stat_id: {number}\n# stat_name: host {number} · größe\n# stat_type: {kind}\n"
                "# timeframe: 2 years @ 1 day\ntimestamp,datetime,value\n"
            )
            rows = "".join(
                f"{BEGIN_S + day * DAY_S},2025-01-01T00:00:00Z,{_value(number, day)}\n"
                for day in range(DAYS)
            )
            archive.writestr(f"data/{number}.csv", head + rows)
    return path


def _value(number: int, day: int) -> float:
    seen = (number * 7_919 + day * 104_729) % 10_007
    return seen / 8 if number % 2 else float(seen)


def _import_s(http: httpx.Client, dump: Path, new: int) -> float:
    """Seconds until a dump is imported, which has so many new buckets."""
    began = time.perf_counter()
    with dump.open("rb") as file:
        begun = http.post(PATH, content=file, headers={"content-type": "application/zip"})
    assert begun.status_code == 202, f"BUG: the import was refused: {begun.text}"
    while True:
        found = http.get(f"{PATH}/status").json()
        if found["state"] not in ("waiting", "running"):
            break
        time.sleep(LOOK_S)
    spent_s = time.perf_counter() - began
    assert (found["state"], found["errors"]) == ("done", []), f"BUG: it ended as {found}"
    assert found["tally"]["buckets_new"] == new, f"BUG: it brought {found['tally']}"
    return spent_s
