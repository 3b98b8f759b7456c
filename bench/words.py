"""The same points in the words of each server. Pure.

Where a protocol has a time, it stands as `TIME_MS` or `TIME_S`, and whoever sends puts the time of
sending there: thirteen or ten digits.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

TIME_MS: Final = "@MS@"
TIME_S: Final = "@S@"

STATS: Final = 1_000
BATCH: Final = 1_000
"""Points of a batch, one of each stat."""

BODIES: Final = 64
"""Bodies that differ from each other; after the last comes the first, at another time."""


@dataclass(frozen=True, slots=True)
class Point:
    """An increment or a value of a stat."""

    stat: str
    value: int | float


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and where to."""

    path: str
    body: str


Wording = Callable[[Sequence[Point]], Request]
"""Puts some points into one request."""


def batches(count: int = BODIES, first: int = 0) -> list[list[Point]]:
    """Batches of one point for each of 1,000 stats; stats are numbered from `first` on."""
    values = np.random.default_rng(1).integers(1, 1_000, (count, BATCH)).tolist()
    return [[Point(name_of(first + at), value) for at, value in enumerate(row)] for row in values]


def singles() -> list[list[Point]]:
    """One point for each stat, each alone."""
    (batch,) = batches(1)
    return [[point] for point in batch]


def name_of(number: int) -> str:
    """The name of a stat."""
    return f"bench.stat{number:06d}"


def put_in(wording: Wording, groups: Iterable[Sequence[Point]]) -> list[Request]:
    """A request for each group of points."""
    return [wording(points) for points in groups]


def statflow_batch(points: Sequence[Point]) -> Request:
    """StatFlow: `/v1/ingest/batch`."""
    items = ",".join(_statflow_item(point, f',"t":{TIME_MS}') for point in points)
    return Request("/v1/ingest/batch", f'{{"items":[{items}]}}')


def statflow_batch_mixed(points: Sequence[Point]) -> Request:
    """StatFlow: `/v1/ingest/batch`, the stats in another order in each body."""
    order = np.random.default_rng([int(point.value) for point in points]).permutation(len(points))
    return statflow_batch([points[at] for at in order.tolist()])


def statflow_batch_timeless(points: Sequence[Point]) -> Request:
    """StatFlow: `/v1/ingest/batch`, at the server's time."""
    items = ",".join(_statflow_item(point, "") for point in points)
    return Request("/v1/ingest/batch", f'{{"items":[{items}]}}')


def statflow_single(points: Sequence[Point]) -> Request:
    """StatFlow: `/v1/ingest`."""
    (point,) = points
    return Request("/v1/ingest", _statflow_item(point, f',"t":{TIME_MS}'))


def _statflow_item(point: Point, time: str) -> str:
    return f'{{"stat":"{point.stat}","value":{point.value},"type":"counter"{time}}}'


def victoria_json(points: Sequence[Point]) -> Request:
    """VictoriaMetrics: a JSON line for each series."""
    lines = (
        f'{{"metric":{{"__name__":"{_underscored(point.stat)}"}}'
        f',"values":[{point.value}],"timestamps":[{TIME_MS}]}}\n'
        for point in points
    )
    return Request("/api/v1/import", "".join(lines))


def influx_lines(points: Sequence[Point]) -> Request:
    """The line protocol of InfluxDB."""
    lines = (f"{point.stat} value={point.value} {TIME_MS}\n" for point in points)
    return Request("/write?db=bench&precision=ms", "".join(lines))


def graphite_lines(points: Sequence[Point]) -> Request:
    """Carbon's plaintext; there is no path."""
    return Request("", "".join(f"{p.stat} {p.value} {TIME_S}\n" for p in points))


def statsd_lines(points: Sequence[Point]) -> Request:
    """StatsD's counters; there is no path and no time."""
    return Request("", "".join(f"{point.stat}:{point.value}|c\n" for point in points))


def pushed(points: Sequence[Point]) -> Request:
    """The Pushgateway: a group of metrics for each stat or batch; it takes no time."""
    group = points[0].stat if len(points) == 1 else "all"
    lines = (f"{_underscored(point.stat)} {point.value}\n" for point in points)
    return Request(f"/metrics/job/{group}", "".join(lines))


def _underscored(name: str) -> str:
    return name.replace(".", "_")


def timed(body: str, now_ms: int) -> bytes:
    """The body with the time of sending."""
    stamped = body.replace(TIME_MS, str(now_ms)).replace(TIME_S, str(now_ms // 1000))
    return stamped.encode()


def pieces(request: Request) -> str:
    """A request as a file of them holds it: the path, the length of the body, the body."""
    return f"{request.path or '/'}\n{len(request.body)}\n{request.body}"
