"""A million points over five thousand stats: every bucket of every tier equals the model.

Out of order, some sent twice under one key, some with ids of their own sent twice under two; the
app and the server are killed in the middle, and the app again while it folds. Then a chunk and a
frame are corrupted, and the audit names both.
"""

import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from api.clock import WallClock
from engine.node import Node, open_node
from engine.points import Batch, Points
from engine.stats import public_id
from storage.directory import Directory
from storage.keys import Keys
from storage.opening import open_for_reading, open_store
from storage.server import ServerSettings, open_server
from storage.server.testing import embedded_server
from tests.crash.corrupt import corrupt_chunk, corrupt_frame
from tests.crash.ledger import Ledger, Sent
from tests.crash.load import Shape
from tests.crash.million import AGES_S, BATCH, finite
from tests.crash.processes import App, statflow
from tests.crash.recount import Place, audited, check_audits, histograms_recounted, recounted
from tests.crash.torment import Torment, stat_name, torment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the server's process as Linux does"),
]

POINTS = 1_000_000
PARTITIONS = 16
SHAPE = Shape(stats=5_000, accounts=4, points_max=BATCH, ages_s=AGES_S)
SEED = 1_000_000
SEND_LIMIT_S = 240.0
FOLD_LIMIT_S = 120.0

Report = Callable[[str, object], None]


async def test_a_million_points(tmp_path: Path, record_property: Report) -> None:
    began = time.monotonic()
    async with torment(tmp_path, SHAPE, SEED, finite(SHAPE, POINTS)) as run:
        await run.begin()
        await run.wait_sent(POINTS // 2, SEND_LIMIT_S)
        await run.kill_app()
        await run.kill_server()
        await run.begin()
        await run.finish(SEND_LIMIT_S)
        sent_s = time.monotonic() - began
        await until_folding(run)
        await run.kill_app()
        assert run.faults == []
        assert run.ledger.acknowledged == POINTS
        async with node_of(run.app) as (node, place):
            buckets = await check(node, run.ledger, place, "killed while it folded")
            check_audits(await audited(node.store, WallClock().now_ms() // 1000), run.ledger)
            await node.checkpoint()
            await node.fold(WallClock().now_ms() // 1000)
            await check(node, run.ledger, place, "folded")
            await put_one_more(node, run.ledger, place)
        await corrupt_and_audit(run.app)
    again = sum(len(sent.again) for sent in run.ledger.batches)
    record_property(
        "report",
        f"{POINTS:,} points over {SHAPE.stats:,} stats in {sent_s:.0f} s, {again:,} repeated by id,"
        f" {run.figures.resent + run.figures.unanswered} batches by key: {buckets:,} buckets equal"
        f" the model; {time.monotonic() - began:.0f} s in all",
    )


async def until_folding(run: Torment) -> None:
    """Wait until the app has begun to write chunks."""
    async with open_for_reading(run.url) as store:
        limit = time.monotonic() + FOLD_LIMIT_S
        while not any([await store.active(number, 0) for number in range(PARTITIONS)]):
            assert time.monotonic() < limit, "it does not fold"


@asynccontextmanager
async def node_of(app: App) -> AsyncGenerator[tuple[Node, Place], None]:
    """A node in this process over the data of an app that is dead."""
    clock = WallClock()
    async with (
        open_server(ServerSettings(app.data)) as server,
        open_store(server.url, PARTITIONS, seize=True) as store,
    ):
        directory = Directory(store, clock)
        await directory.load()
        async with open_node(store, clock, on_command=directory.apply) as node:
            await node.wait_ready()

            def place(name: int) -> tuple[int, int]:
                # Accounts count from 1.
                stat = directory.names(SHAPE.account_of(name) + 1)[stat_name(name)]
                return stat.partition, stat.id

            assert len(directory) == SHAPE.stats
            yield node, place


async def check(node: Node, ledger: Ledger, place: Place, when: str) -> int:
    """Everything is there once; returns the number of buckets."""
    now_s = WallClock().now_ms() // 1000
    difference = await recounted(node, ledger, place, now_s)
    assert difference.equal, (when, difference)
    return difference.buckets + await histograms_recounted(node, ledger, place, now_s, step=10)


async def put_one_more(node: Node, ledger: Ledger, place: Place) -> None:
    """Leave a frame behind: the fold has forgotten those whose chunks are written."""
    partition, stat = place(0)
    points = Points.of([stat], [WallClock().now_ms()], [1.0])
    await node.submit(partition, Batch(points))
    await node.checkpoint()
    row = Points.of([0], points.at_ms.tolist(), [1.0])
    ledger.batches.append(Sent("one more", row.stat, row.at_ms, row.value, acknowledged=True))


async def corrupt_and_audit(app: App) -> None:
    """`statflow audit` says equal; then it names what was corrupted, and ends with 1."""
    code, said = await statflow(app, "audit")
    assert code == 0, said
    assert "equal" in said
    with embedded_server(app.data) as server, server.client() as client:
        stat, partition = corrupt(client)
    code, said = await statflow(app, "audit")
    assert code == 1, said
    assert public_id(stat) in said
    assert "chunk" in said
    assert f"partition {partition}: the partials of the checkpoint" in said


def corrupt(client: redis.Redis) -> tuple[int, int]:
    """Damage a chunk and a frame; returns the stat of the one and the partition of the other."""
    keys = [Keys.of(number, PARTITIONS) for number in range(PARTITIONS)]
    frames = [client.xlen(mine.recent) for mine in keys]
    partition = next(number for number, amount in enumerate(frames) if amount)
    corrupt_frame(client, keys[partition])
    return corrupt_chunk(client, keys[partition]), partition
