"""What StatHat's addresses answer, be it kept in a file or just received. Pure.

`/statlist`, `/stat`, `/data/…` and `/alerts` of `/x/TOKEN`, and the data sets of `/a1`, which tell
how many points a bucket has. A refusal comes with status 200 and an object that has an `Error`.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from api.importing.faults import FileFault
from api.importing.found import FoundAlert, FoundStat, Table, stathat_alert
from api.importing.timeframes import width_of
from engine.stats import Kind


class ListedStat(Struct, frozen=True):
    """A stat of `/statlist`."""

    id: str
    name: str
    counter: bool = False
    unit: str | None = None


class Point(Struct, frozen=True):
    """A bucket of `/data`."""

    time: float
    value: float | None = None


class DataSet(Struct, frozen=True):
    """The buckets of one stat as `/data` has them."""

    name: str
    points: list[Point]
    timeframe: str = ""


class CountedPoint(
    Struct, frozen=True, rename={"time": "Time", "value": "Value", "count": "Rcount"}
):
    """A bucket of `/a1`; `count` is of the points in it."""

    time: float
    value: float | None = None
    count: int = 1


class CountedSet(
    Struct,
    frozen=True,
    rename={"name": "Name", "timeframe": "Timeframe", "kind": "Kind", "points": "Points"},
):
    """The buckets of one stat as `/a1` has them."""

    name: str
    points: list[CountedPoint]
    kind: str = ""
    timeframe: str = ""


class Answer(Struct):
    """All that a file or an answer says, whichever of them it is."""

    stats: list[FoundStat] = []
    tables: list[Table] = []
    alerts: list[FoundAlert] = []
    ids: list[str] = []


def read_json(data: bytes) -> Answer:
    """What an answer says; FileFault when it is none of them."""
    try:
        found = msgspec.json.decode(data)
        items = found if isinstance(found, list) else [found]
        return _understood(items)
    except msgspec.DecodeError as error:
        raise FileFault(f"it is no answer of StatHat: {error}") from None
    except (UnicodeDecodeError, RecursionError, ValueError, TypeError):
        raise FileFault("it is no JSON that StatHat would answer") from None


def refusal(data: bytes) -> str | None:
    """What the server says instead of an answer, although its status was good."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return str(found["Error"])[:200] if isinstance(found, dict) and "Error" in found else None


def _understood(items: Sequence[Any]) -> Answer:
    answer = Answer([], [], [], [])
    for item in items:
        if not isinstance(item, dict):
            raise FileFault("it is no list of objects")
        if "Error" in item:
            raise FileFault(f"the other server refused: {str(item['Error'])[:200]}")
        if "Points" in item:
            answer.tables.append(_counted(msgspec.convert(item, CountedSet)))
        elif "points" in item:
            answer.tables.append(_plain(msgspec.convert(item, DataSet)))
        elif "time_window" in item:
            answer.alerts.append(stathat_alert(item, str(item.get("stat_name", ""))))
        elif "counter" in item:
            stat = msgspec.convert(item, ListedStat)
            kind = Kind.COUNTER if stat.counter else Kind.VALUE
            answer.stats.append(FoundStat(stat.name, kind, stat.unit or None))
            answer.ids.append(stat.id)
        else:
            raise FileFault("an object in it is neither a stat, nor data, nor an alert")
    return answer


def _plain(found: DataSet) -> Table:
    points = [point for point in found.points if point.value is not None]
    start = [int(point.time) for point in points]
    width_s = _width(found.timeframe, start)
    return Table(found.name, None, width_s, start, [point.value or 0.0 for point in points])


def _counted(found: CountedSet) -> Table:
    points = [point for point in found.points if point.value is not None and point.count > 0]
    start = [int(point.time) for point in points]
    value = [point.value or 0.0 for point in points]
    kind = _COUNTED_KINDS.get(found.kind)
    width_s = _width(found.timeframe, [int(point.time) for point in found.points])
    return Table(found.name, kind, width_s, start, value, [point.count for point in points])


def _width(timeframe: str, start: Sequence[int]) -> int:
    width_s = width_of(timeframe, start)
    if not width_s and start:
        raise FileFault("nothing tells how wide its bucket is: it lacks a timeframe")
    return width_s


_COUNTED_KINDS: Final = {"count": Kind.COUNTER, "counter": Kind.COUNTER, "value": Kind.VALUE}
