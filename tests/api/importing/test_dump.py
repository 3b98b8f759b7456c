"""Dumps of every form are read; what is wrong with a file is said, and adds nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from api.importing.archive import Archive
from api.importing.dump import Dump, open_dump
from api.importing.faults import DumpFault, Fault, FileFault
from api.importing.own_csv import read_buckets
from api.importing.series import layers_of
from engine.stats import Kind
from engine.tiers import DAY_S, HISTOGRAMS
from tests.api.importing.dumps import (
    DAY,
    a_dump,
    data_csv,
    data_json,
    days,
    kept,
    statlist,
    zipped,
)


def opened(tmp_path: Path, data: bytes, name: str | None = None, kind: Kind | None = None) -> Dump:
    return open_dump(Archive(kept(tmp_path, data), "upload.csv"), name, kind)


def sums(dump: Dump, name: str) -> dict[int, float]:
    """Sums of a stat by start, all tiers."""
    stat = next(one for one in dump.stats if one.name == name)
    contents = dump.read(stat, stat.kind or Kind.COUNTER)
    assert contents.faults == []
    found: dict[int, float] = {}
    for _, rows in layers_of(contents.series):
        found |= dict(zip(rows.start.tolist(), rows.sum.tolist(), strict=True))
    return found


def test_a_folder_of_stathat_export_is_read(tmp_path: Path) -> None:
    dump = opened(tmp_path, zipped(a_dump()))
    assert dump.faults == []
    assert {stat.name: stat.kind for stat in dump.stats} == {
        "page views": Kind.COUNTER, "größe · 温度": Kind.VALUE, "a~b": Kind.COUNTER,
        "never used": Kind.COUNTER,
    }  # fmt: skip
    assert sums(dump, "page views") == {
        DAY + DAY_S: 1618.1333, DAY + 2 * DAY_S: 12.0, DAY + 4 * DAY_S: 4.0,
    }  # fmt: skip
    assert sums(dump, "größe · 温度") == {DAY: 0.5, DAY + DAY_S: -2.25}
    assert sums(dump, "a~b") == {DAY: 1.0, DAY + DAY_S: 1e6}
    assert sums(dump, "never used") == {}
    assert [alert.form for alert in dump.alerts] == [
        {"name": "page views greater than 10.5", "stat": "page views", "kind": "value",
         "time_window": "1h", "operator": "greater than", "threshold": 10.5},
        {"name": "page views less than 20.0", "stat": "page views", "kind": "delta",
         "time_window": "1h", "operator": "less than", "percentage": 20.0, "time_delta": "1d"},
        {"name": "page views: no data", "stat": "page views", "kind": "data", "time_window": "1d"},
    ]  # fmt: skip


def test_saved_answers_are_read(tmp_path: Path) -> None:
    empty = {"Time": DAY + DAY_S, "Value": 0, "Rcount": 0}
    counted = {
        "Name": "load", "Timeframe": "1 year @ 1 day", "Kind": "value",
        "Points": [{"Time": DAY, "Value": 2.5, "Rcount": 4}, empty],
    }  # fmt: skip
    alert = {"id": "1", "stat_id": "id0", "stat_name": "hits", "kind": "data", "time_window": "1d"}
    dump = opened(
        tmp_path,
        zipped({
            "statlist.json": statlist("hits"), "data.json": data_json("hits", days(1.5, None, 3)),
            "a1.json": json.dumps(counted), "alerts.json": json.dumps([alert]),
        }),
    )  # fmt: skip
    assert sums(dump, "hits") == {DAY: 1.5, DAY + 2 * DAY_S: 3.0}
    assert sums(dump, "load") == {DAY: 10.0}
    assert [alert.form["stat"] for alert in dump.alerts] == ["hits"]


def test_our_own_csv_is_read(tmp_path: Path) -> None:
    text = "time,timestamp,value,count,sum,min,max\r\n" + "".join(
        f"2024-10-04T00:00:00+00:00,{at},9,3,9.5,1,{value}\r\n" for at, value in days(5, 6)
    )
    dump = opened(tmp_path, text.encode(), "page.views")
    (stat,) = dump.stats
    (part,) = dump.read(stat, Kind.COUNTER).series
    assert (stat.name, part.width_s) == ("page.views", DAY_S)
    assert [part.rows.count[0], part.rows.sum[0], part.rows.max[1]] == [3, 9.5, 6]
    several = "stat,time,timestamp,value\r\n'=a,x,60,1\r\n'=a,x,120,2\r\nb,x,60,3\r\nb,x,120,4\r\n"
    stats = opened(tmp_path, several.replace("x,", "2024-10-04T00:00:00Z,").encode()).stats
    assert sorted(one.name for one in stats) == ["=a", "b"]
    with pytest.raises(DumpFault, match="give its name"):
        opened(tmp_path, text.encode())


def test_our_own_export_is_read(tmp_path: Path) -> None:
    catalogue = {
        "format": "statflow-export/1",
        "stats": [
            {"id": "st_1", "name": "a", "type": "counter", "unit": "ms", "file": "data/1.csv"},
            {"id": "st_2", "name": "b", "type": "value", "unit": None, "file": "data/2.csv"},
        ],
        "channels": [{"id": "ch_1", "type": "webhook", "name": "ops"}],
        "alerts": [{"id": "al_1", "alert": {"name": "x", "kind": "data", "stat": "a",
                                            "channels": ["ch_1", "ch_9"]}}],
    }  # fmt: skip
    rows = (
        "resolution,t,count,sum,min,max,last,histogram,first,first_ms,last_ms,squares,rest\r\n"
        f"1d,{DAY},1440,1440,1,1,1,,1,{DAY}412,{DAY}413,0,0\r\n"
        f"1m,{DAY + DAY_S},3,7.5,1.5,4,2,,1.5,{DAY + DAY_S}250,{DAY + DAY_S + 50}000,3.5,0.25\r\n"
        f"1m,{DAY + DAY_S},,,,,,5 34419:1 34432:2,,,,,\r\n"
    )
    dump = opened(tmp_path, zipped({"catalogue.json": json.dumps(catalogue), "data/1.csv": rows}))
    assert dump.faults == [Fault("data/2.csv", "the catalogue names it, and it is not there")]
    stat = next(one for one in dump.stats if one.name == "a")
    contents = dump.read(stat, Kind.COUNTER)
    day, minute = contents.series
    assert (stat.unit, contents.faults, day.width_s, minute.width_s) == ("ms", [], DAY_S, 60)
    told = {name: getattr(minute.rows, name).tolist() for name in minute.rows.__slots__}
    assert told == {
        "stat": [0], "start": [DAY + DAY_S], "count": [3], "sum": [7.5], "rest": [0.25],
        "squares": [3.5], "min": [1.5], "max": [4], "first_ms": [(DAY + DAY_S) * 1000 + 250],
        "first": [1.5], "last_ms": [(DAY + DAY_S + 50) * 1000], "last": [2],
    }  # fmt: skip
    ((tier, spread),) = contents.spreads
    assert (tier, spread.scale, spread.start.tolist()) == (HISTOGRAMS[0], 5, [DAY + DAY_S] * 2)
    assert (spread.bin.tolist(), spread.count.tolist()) == ([34419, 34432], [1, 2])
    assert dump.alerts[0].channels == [("webhook", "ops")]
    assert "channels" not in dump.alerts[0].form
    assert dump.silences == [], "exports of earlier releases have none"


def test_silences_alone_are_worth_an_import(tmp_path: Path) -> None:
    silence = {"from": "2026-11-26T00:00:00Z", "until": "2026-11-27T00:00:00Z", "everything": True}
    entry = {"id": "si_1", "created_at": "2026-11-25T00:00:00Z", "silence": silence}
    catalogue = {"format": "statflow-export/1", "stats": [], "silences": [entry]}
    dump = opened(tmp_path, zipped({"catalogue.json": json.dumps(catalogue), "x.txt": ""}))
    assert (dump.silences, dump.stats, dump.faults) == ([silence], [], [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"1m,{DAY},,,,,,9 1:1", "there is no scale 9"),
        (f"1m,{DAY},,,,,,5", "at least one"),
        (f"1m,{DAY},,,,,,5 2:1 1:1", "ascending"),
        (f"1m,{DAY},,,,,,5 1:0", "1:0 is no bin and its count"),
        (f"1m,{DAY},,,,,,5 1", "invalid literal"),
        (f"1m,{DAY},,,,,,5 99999999999999999999:1", "is no bin and its count"),
        (f"1m,{DAY + 7},,,,,,5 1:1", "no start of 1m"),
        ("1m,-60,,,,,,5 1:1", "no start of 1m"),
        (f"10s,{DAY},,,,,,5 1:1", "10s"),
    ],
)
def test_a_histogram_that_is_none_is_named(line: str, says: str) -> None:
    head = "resolution,t,count,sum,min,max,last,histogram"
    with pytest.raises(FileFault, match=f"line 2 is no bucket: .*{says}"):
        read_buckets(f"{head}\r\n{line}\r\n".encode(), "a")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (data_csv("a", [(DAY, "x")]), "line 6: 'x' is no number"),
        (data_csv("a", [(DAY, "NaN")]), "line 6: 'NaN' is no number that can be counted"),
        (data_csv("a", [("now", 1)]), "line 6: 'now' is no number"),  # type: ignore[list-item]
        (data_csv("a", [(5, 1)]), "no epoch second"),
        (data_csv("a", days(1), timeframe="1 year @ 1 week"), "7 days wide"),
        (data_csv("a", days(1), timeframe=""), "nothing tells how wide"),
        (data_csv("a", days(1))[:-3] + b"\xff", "is not UTF-8"),
        (b"# stat_name: a\n", "it has no line timestamp,datetime,value"),
        (data_csv("a", days(1)) + b'5,"x\r\n', "it is no CSV"),
    ],
)
def test_a_file_that_is_wrong_is_named_and_adds_nothing(
    tmp_path: Path, data: bytes, says: str
) -> None:
    dump = opened(tmp_path, zipped({"data/a.csv": data, "data/b.csv": data_csv("a", days(7))}))
    (stat,) = dump.stats
    contents = dump.read(stat, Kind.COUNTER)
    assert [fault.what for fault in contents.faults] == ["data/a.csv"]
    assert says in contents.faults[0].message
    assert np.concatenate([one.rows.sum for one in contents.series]).tolist() == [7]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"readme.txt": "hello"}, "nothing in it that can be imported"),
        ({"x.json": '{"Error": "Rate limit exceeded."}'}, "refused: Rate limit exceeded"),
        ({"x.json": "[1]"}, "no list of objects"),
        ({"x.json": "[" * 5000}, "no JSON"),
        ({"x.json": '[{"a":1}]'}, "neither a stat, nor data, nor an alert"),
        ({"x.json": '[{"counter":true}]'}, "no answer of StatHat"),
        ({"stats.csv": "name,type\n"}, "its header lacks id"),
        ({"stats.csv": "id,name,type\n1,2\n"}, "line 2 has 2 cells, not 3"),
        ({"catalogue.json": '{"format":"other/1","stats":[]}'}, "only statflow-export/1"),
        ({"catalogue.json": "{"}, "no catalogue"),
    ],
)
def test_a_dump_without_anything_says_why(
    tmp_path: Path, files: dict[str, bytes | str], says: str
) -> None:
    with pytest.raises(DumpFault, match=says):
        opened(tmp_path, zipped(files | {"other.txt": "x"}))


def test_files_that_disagree_on_the_kind_are_named(tmp_path: Path) -> None:
    files = {"a.csv": data_csv("a", days(1)), "b.csv": data_csv("a", days(1), kind="value")}
    dump = opened(tmp_path, zipped(files))
    assert [(fault.what, fault.message) for fault in dump.faults] == [
        ("b.csv", "it calls a a value, others do not")
    ]
    assert dump.stats[0].files == ["a.csv"]


def test_a_name_with_commas_is_whole(tmp_path: Path) -> None:
    dump = opened(tmp_path, data_csv("a, b: c", days(1)))
    assert [stat.name for stat in dump.stats] == ["a, b: c"]
