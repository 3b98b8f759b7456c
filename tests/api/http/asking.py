"""A server with a known history, and questions to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np

from engine.points import Batch, Points
from engine.stats import Kind, public_id
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


@asynccontextmanager
async def asking() -> AsyncGenerator[Asking]:
    """A server without any stats."""
    async with serving() as server:
        yield Asking(server)
