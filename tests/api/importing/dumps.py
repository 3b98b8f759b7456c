"""Dumps as programs wrote them, made on the spot."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

from engine.tiers import DAY_S

DAY = 20_000 * DAY_S
"""The start of a day, in epoch seconds."""

UNALIGNED_S = 13 * 3600 + 420
"""StatHat's grids hang on the moment of the query."""


def data_csv(
    name: str,
    points: Sequence[tuple[int, object]],
    kind: str = "counter",
    timeframe: str = "1 year @ 1 day",
) -> bytes:
    """One file of `data/`."""
    head = [f"# stat_id: {crc32(name.encode())}", f"# stat_name: {name}"]
    head += [f"# stat_type: {kind}", f"# timeframe: {timeframe}", "timestamp,datetime,value"]
    rows = [f"{at},2024-10-04T00:00:00Z,{value}" for at, value in points]
    return ("\r\n".join([*head, *rows]) + "\r\n").encode()


def days(*values: object, begin: int = DAY, width_s: int = DAY_S) -> list[tuple[int, object]]:
    """One bucket after another."""
    return [(begin + place * width_s, value) for place, value in enumerate(values)]


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A zip of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def kept(tmp_path: Path, data: bytes, name: str = "upload") -> Path:
    """An upload on disk."""
    path = tmp_path / name
    path.write_bytes(data)
    return path


def a_dump() -> dict[str, bytes | str]:
    """A folder of `stathat-export` with every trap."""
    return {
        "export/stats.csv": "id,name,type,public\nVP6Z,page views,counter,false\n"
        "aaaa,größe · 温度,value,false\nbbbb,a~b,counter,true\ncccc,never used,counter,false\n",
        "export/alerts.csv": "id,stat_id,stat_name,kind,time_window,operator,threshold,percentage,"
        "time_delta\n1,VP6Z,page views,value,1h,greater than,10.5,,\n"
        "2,VP6Z,page views,delta,1h,less than,,20,1d\n3,VP6Z,page views,data,1d,,,,\n",
        "export/data/page views.csv": data_csv(
            "page views", days(1618.1333, 2, "", 4, begin=DAY + UNALIGNED_S)
        ),
        "export/data/page views (week).csv": data_csv(
            "page views",
            days(*[1.5] * 8, begin=DAY + 2 * DAY_S, width_s=3 * 3600),
            timeframe="1 week @ 3 hours",
        ),
        "export/data/gr__e.csv": data_csv("größe · 温度", days(0.5, -2.25), kind="value"),
        "export/data/a_b.csv": data_csv("a~b", days(1, 1e6)),
        "export/.DS_Store": b"\x00",
        "__MACOSX/export/._stats.csv": b"\x00",
    }


def statlist(*names: str) -> bytes:
    """An answer of `/statlist`."""
    stats = [
        {"id": f"id{n}", "name": name, "public": False, "counter": True}
        for n, name in enumerate(names)
    ]
    return json.dumps(stats).encode()


def data_json(name: str, points: Sequence[tuple[int, object]]) -> bytes:
    """An answer of `/data`."""
    found = [{"time": at, "value": value} for at, value in points]
    return json.dumps([{"name": name, "timeframe": "1 year @ 1 day", "points": found}]).encode()
