"""How many bytes does a dense year take? Goals: DESIGN of the stored formats."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import trio

from bench.dense_year import COUNTER, LATENCY, fold_a_year
from bench.report import Row, once
from engine.ports import Chunk
from engine.rollup import Rollups
from engine.tiers import BY_NUMBER, HISTOGRAMS
from storage.codec.chunk import decode_chunk, encode_chunk
from storage.keys import Keys
from storage.opening import open_store
from storage.redis_store import POSITION
from storage.scripts import Reply
from storage.server.testing import ThrowawayServer, embedded_server

KIB = 1024


def measure() -> list[Row]:
    """Fold a year into a server of its own and weigh what is there."""
    with (
        tempfile.TemporaryDirectory() as place,
        embedded_server(Path(place), appendfsync="no") as server,
    ):
        return trio.run(_weigh, server)


async def _weigh(server: ThrowawayServer) -> list[Row]:
    async with open_store(server.url, partitions=1) as store:
        year = await fold_a_year(store)
    client: Reply = server.client()
    history = Keys.of(0, 1).history
    figures: list[Row] = [
        once("dense counter, all tiers", _weight(client, history, COUNTER), "KiB", 170),
        once("dense value with histograms", _weight(client, history, LATENCY), "KiB", 1_200),
    ]
    for stat, name in ((COUNTER, "counter"), (LATENCY, "value")):
        members = client.zrange(f"{history}:{stat}", 0, -1, withscores=True)
        rollups = [m for m, score in members if BY_NUMBER[int(score) >> 40] not in HISTOGRAMS]
        buckets = _buckets(members)
        lean = [_lean(decode_chunk(stat, member[POSITION.size :])) for member in rollups]
        size = sum(POSITION.size + len(encode_chunk(chunk)) for chunk in lean) / buckets
        goal = 6.0 if stat == COUNTER else None
        figures += [
            once(f"a bucket of a dense {name}", sum(map(len, rollups)) / buckets, "B"),
            once("of it count, sum, least and greatest", size, "B", goal),
        ]
    written = year.fold.chunks_written
    figures.append(once("a chunk made and written", year.fold_s / written * 1e6, "µs"))
    return figures


def _lean(chunk: Chunk) -> Chunk:
    """The chunk without what the goal does not count."""
    rows = chunk.content
    assert isinstance(rows, Rollups), "BUG: a chunk of histograms"
    none, begun_ms = np.zeros(len(rows)), 1000 * rows.start
    content = replace(
        rows, first=rows.min, last=rows.min, squares=none, rest=none, first_ms=begun_ms,
        last_ms=begun_ms,
    )  # fmt: skip
    return replace(chunk, content=content)


def _weight(client: Reply, history: str, stat: int) -> float:
    return float(client.memory_usage(f"{history}:{stat}", samples=0)) / KIB


def _buckets(members: list[tuple[bytes, float]]) -> int:
    tiers = [BY_NUMBER[int(score) >> 40] for _, score in members]
    return sum(tier.chunk_s // tier.width_s for tier in tiers if tier not in HISTOGRAMS)
