"""A server with a known history, and questions to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import urlencode

import numpy as np

from api.http.context import Context
from api.http.messages import RawRequest
from engine.histogram import Histograms
from engine.node import Node
from engine.points import Batch, Points
from engine.ports import Unavailable
from engine.queries import Reading
from engine.rollup import Rollups
from engine.stats import Kind, public_id
from engine.tiers import Tier
from tests.api.http.harness import NOW_MS, Answer, Server, serving

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Asking:
    """Questions with the read key; stats go by their names."""

    server: Server

    def id(self, name: str) -> str:
        """The public id of a stat."""
        return public_id(self.server.stat(name).id)

    async def get(
        self, path: str, *, key: str = "read", accept: str | None = None, **query: object
    ) -> Answer:
        """GET with these parameters; `from_` is `from`, and lists are given several times."""
        text = urlencode({name.rstrip("_"): v for name, v in query.items()}, doseq=True)
        headers = {} if accept is None else {"accept": accept}
        return await self.server.send(
            "GET", f"{path}?{text}" if text else path, key=key, headers=headers
        )

    async def data(self, name: str, **query: object) -> Answer:
        """The data of a stat."""
        return await self.get(f"/v1/stats/{self.id(name)}/data", **query)  # type: ignore[arg-type]

    async def export(self, name: str, **query: object) -> Answer:
        """The export of a stat."""
        return await self.get(f"/v1/stats/{self.id(name)}/export", **query)  # type: ignore[arg-type]

    async def query(self, **query: object) -> Answer:
        """A question about several stats."""
        return await self.get("/v1/query", **query)  # type: ignore[arg-type]

    async def put(self, name: str, kind: Kind, points: list[tuple[int, float]]) -> None:
        """Points as (milliseconds from the start of the test, value), of any age."""
        directory, node = self.server.context.directory, self.server.context.node
        if name not in directory.names(1):
            await directory.register(1, {name: kind})
        stat = self.server.stat(name)
        at_ms = np.array([NOW_MS + at for at, _ in points], np.int64)
        columns = Points(
            np.full(len(points), stat.id), at_ms, np.array([value for _, value in points], float)
        )
        await node.submit(stat.partition, Batch(columns))

    async def count(self, name: str, points: list[tuple[int, float]]) -> None:
        """Points of a counter."""
        await self.put(name, Kind.COUNTER, points)

    async def measure(self, name: str, points: list[tuple[int, float]]) -> None:
        """Points of a value stat."""
        await self.put(name, Kind.VALUE, points)


class BreakingNode:
    """A node whose store stops answering questions after `reads` of them."""

    def __init__(self, node: Node, reads: int) -> None:
        self.node = node
        self.reads = reads

    async def read(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Rollups]:
        """What the node reads, as long as it does."""
        self._count()
        return await self.node.read(partition, stat, tier, from_s, to_s)

    async def read_with_imports(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Rollups]:
        """Likewise, with what was imported."""
        self._count()
        return await self.node.read_with_imports(partition, stat, tier, from_s, to_s)

    async def read_histograms_with_imports(
        self, partition: int, stat: int, tier: Tier, from_s: int, to_s: int
    ) -> Reading[Histograms]:
        """Likewise, how values were spread."""
        self._count()
        return await self.node.read_histograms_with_imports(partition, stat, tier, from_s, to_s)

    def has_imports(self, partition: int, stat: int) -> bool:
        """What the node knows."""
        return self.node.has_imports(partition, stat)

    def _count(self) -> None:
        self.reads -= 1
        if self.reads < 0:
            raise Unavailable("the link broke")


def breaking(ask: Asking, reads: int) -> Context:
    """What a server works with whose store answers only so many questions more."""
    node = BreakingNode(ask.server.context.node, reads)
    return replace(ask.server.context, node=cast("Node", node))


def request(ask: Asking, path: str, query: bytes = b"") -> RawRequest:
    """A request with the read key."""
    token = f"Bearer {ask.server.keys['read']}".encode()
    headers = ((b"authorization", token),)
    return RawRequest("GET", path, query, headers, b"", "id", "127.0.0.1")


@asynccontextmanager
async def asking() -> AsyncGenerator[Asking]:
    """A server without any stats."""
    async with serving() as server:
        yield Asking(server)
