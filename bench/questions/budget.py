"""Where the time of a point goes: each step of its path by itself, in the process."""

import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Final

import numpy as np

from api.express.answers import Answers
from api.express.head import read_head
from api.express.inbox import Inbox
from api.http.codecs import JSON
from api.http.decode import decode_batch, decode_plain
from api.http.ingest import IngestReply
from api.http.messages import PLACE_OF_ID, SharedReply, json_reply
from api.http.request_ids import new_request_id
from bench.cores import APP, only_on
from bench.effort import whole_or_quick
from bench.report import Row, of_samples
from bench.words import (
    batches,
    put_in,
    singles,
    statflow_batch,
    statflow_batch_mixed,
    statflow_batch_timeless,
    statflow_single,
    timed,
)
from engine.points import Batch, Points
from engine.ports import Entry
from engine.position import Position
from engine.sealing import Pending
from engine.stats import Kind, Stat
from engine.turn import compute
from engine.uncommitted import FAN_IN
from engine.window import WindowTable
from storage.codec import encode_log
from storage.directory_batches import NamedBatches
from storage.directory_table import StatTable

SAMPLES: Final = whole_or_quick(300, 30)
OTHERS: Final = 256
"""Batches of which each has its stats in another order."""

GROUP: Final = 8
"""Batches in one append, and in one turn, as under load."""

HEAD: Final = (
    b"POST /v1/ingest HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 74\r\n"
    b"Content-Type: application/json\r\nAuthorization: Bearer sf_%b\r\n\r\n" % (b"a" * 46)
)
ROUTE: Final = (b"POST /v1/ingest",)


def measure() -> list[Row]:
    """A batch of 1,000 points step by step, then a single one."""
    with only_on(APP):
        return [*_batch_steps(), *_single_steps()]


def _batch_steps() -> Iterator[Row]:
    now_ms = int(time.time() * 1000)
    groups = batches()
    body = timed(put_in(statflow_batch, groups)[0].body, now_ms)
    timeless = timed(put_in(statflow_batch_timeless, groups)[0].body, now_ms)
    columns = decode_batch(body, JSON, now_ms)
    size = len(columns)
    points = Points(np.arange(1, size + 1), columns.at_ms, columns.value)
    # More than are remembered.
    mixed = cycle([timed(r.body, now_ms) for r in put_in(statflow_batch_mixed, batches(OTHERS))])
    yield _per_point("JSON to columns", size, lambda: decode_batch(next(mixed), JSON, now_ms))
    yield _per_point("JSON as in the batch before", size, lambda: decode_batch(body, JSON, now_ms))
    yield _per_point(
        "JSON as in the batch before, no times", size,
        lambda: decode_batch(timeless, JSON, now_ms),
    )  # fmt: skip
    table = StatTable()
    for number, name in enumerate(dict.fromkeys(columns.names), 1):
        table.put(Stat(number, 1, 0, name, Kind.COUNTER, None, now_ms))
    # Texts of their own, as those of every request are.
    known, names = NamedBatches(table), decode_batch(body, JSON, now_ms).names

    def anew() -> None:
        NamedBatches(table).find(1, names)

    yield _per_point("names to stats, looked up", size, anew)
    yield _per_point("names as in the batch before", size, lambda: known.find(1, names))
    group = [Batch(points)] * GROUP
    yield _per_point("columns to a log frame", GROUP * size, lambda: encode_log(group))
    entries = [Entry(Position(now_ms, n), points, (), size) for n in range(GROUP)]
    yield _per_point("a turn: seconds and histograms", GROUP * size, lambda: compute(entries))
    turn, _ = compute(entries)
    windows, pending = WindowTable(), Pending()

    def apply() -> None:
        windows.add(turn.seconds, now_ms)
        pending.points.add(turn, GROUP * size)

    yield _per_point("a turn: windows and what is not committed", GROUP * size, apply, FAN_IN)


def _single_steps() -> Iterator[Row]:
    now_ms = int(time.time() * 1000)
    body = timed(put_in(statflow_single, singles())[0].body, now_ms)
    inbox, answers = Inbox(ROUTE, ROUTE), Answers(lambda: [(b"date", b"now")])
    shared = SharedReply(json_reply(PLACE_OF_ID, 202, IngestReply(1, 0, "st_7Gk", durable=True)))

    def ask() -> None:
        inbox.put(HEAD + b" " * 74)
        inbox.next()

    yield _each("a head that is new", lambda: read_head(HEAD, ROUTE))
    yield _each("a request like the one before, cut from what came", ask)
    yield _each("JSON to a point", lambda: decode_plain(body, now_ms))
    yield _each("a reply kept ready", lambda: answers.shared(shared, new_request_id()))


def _per_point(name: str, points: int, step: Callable[[], object], times: int = 1) -> Row:
    samples = [1e9 * seconds / points for seconds in _times_s(step, times)]
    return of_samples(f"batch: {name}", samples, "ns/point")


def _each(name: str, step: Callable[[], object]) -> Row:
    return of_samples(f"single: {name}", [1e6 * seconds for seconds in _times_s(step, 100)], "µs")


def _times_s(step: Callable[[], object], times: int) -> list[float]:
    """How long a step takes, in seconds: the mean of so many, again and again."""
    step()
    samples = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        for _ in range(times):
            step()
        samples.append((time.perf_counter() - began) / times)
    return samples
