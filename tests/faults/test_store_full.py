"""The store's memory or disk runs full: new points are refused, the rest works, and it heals."""

import os
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from random import Random

import pytest
import trio

from api.clock import WallClock
from engine.node import open_node
from engine.shedding import DISK_FREE_AGAIN, DISK_FREE_LEAST
from engine.tiers import D1, H1, M15, S10
from storage.opening import open_store
from storage.server import ServerSettings, open_server
from storage.server.testing import embedded_server
from tests.crash.ledger import Sent
from tests.crash.load import Shape, batch
from tests.crash.waiting import until
from tests.faults.scene import (
    ANSWER_S_MAX,
    Sending,
    any_ack,
    check,
    codes,
    first_ack_s,
    senders,
    slowest_s,
)

pytestmark = [pytest.mark.slow, pytest.mark.real]

PARTITIONS = 4
MIB = 2**20
FULL_BYTES = 8 * MIB
ROOMY_BYTES = 256 * MIB
DISK_BYTES = 24 * MIB
FLOOD_POINTS = 500
HEALED_LIMIT_S = 40.0
"""Memory and disk are looked at every 5 s; a server that ended is started again within 5 s."""

Report = Callable[[str, object], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path, None, None]:
    """A file system of 24 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"only root can mount a small disk: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


async def test_memory_is_full(tmp_path: Path, record_property: Report) -> None:
    with embedded_server(tmp_path, maxmemory=FULL_BYTES) as server, server.client() as client:
        async with (
            open_store(server.url, PARTITIONS) as store,
            open_node(store, WallClock()) as node,
        ):
            await node.wait_ready()
            sending = Sending(node, Shape(40, PARTITIONS, FLOOD_POINTS), WallClock())
            refused = await flood(sending)
            assert node.statistics().memory is not None
            points = sending.ledger.acknowledged
            await everything_is_read(sending)
            # What makes room must work where there is none.
            await node.checkpoint()
            await node.fold(WallClock().now_ms() // 1000 + 2 * S10.chunk_s + 60)
            assert [await store.frames(number) for number in range(PARTITIONS)] == [[]] * PARTITIONS
            await everything_is_read(sending)
            client.config_set("maxmemory", ROOMY_BYTES)
            began = trio.current_time()
            with trio.fail_after(HEALED_LIMIT_S):
                for partition, made in refused:
                    await sending.deliver(partition, made)
            healed_s = trio.current_time() - began
            # Before points are refused, old detail gives way.
            await check(node, sending, (M15, H1, D1))
    assert codes(sending.answers) <= {"read_only", "overloaded"}
    assert slowest_s(sending.answers) < ANSWER_S_MAX
    record_property(
        "report",
        f"memory full at {points:,} points: read_only, reads, checkpoint and fold went on; took"
        f" points again {healed_s:.1f} s after maxmemory was raised; 0 lost",
    )


async def flood(sending: Sending) -> list[tuple[int, Sent]]:
    """Send until every partition is read-only; returns what was refused."""
    random = Random(8)
    refused: dict[int, Sent] = {}
    while len(refused) < PARTITIONS:
        partition = random.choice(sorted(set(range(PARTITIONS)) - refused.keys()))
        made = batch(random, sending.shape, partition, FLOOD_POINTS, sending.clock.now_ms())
        sending.ledger.batches.append(made)
        while not await sending.tried(partition, made):
            if sending.answers[-1].code == "read_only":
                refused[partition] = made
                break
            await trio.sleep(0.01)
    return list(refused.items())


async def everything_is_read(sending: Sending) -> None:
    """The whole history of every stat has all that was acknowledged."""
    now_s = sending.clock.now_ms() // 1000
    counted = 0
    for stat in range(sending.shape.stats):
        partition = sending.shape.account_of(stat)
        reading = await sending.node.read(partition, stat, D1, 0, now_s + 60)
        counted += int(reading.rollups.count.sum())
    assert counted == sending.ledger.acknowledged


async def test_the_disk_is_full(small_disk: Path, record_property: Report) -> None:
    async with (
        open_server(ServerSettings(small_disk / "data")) as server,
        # As if nobody had looked how much is free: the server itself meets the end.
        open_store(server.url, PARTITIONS) as store,
        open_node(store, WallClock()) as node,
    ):
        await node.wait_ready()
        async with senders(node, seed=24) as sending:
            await trio.sleep(1)
            foreign = fill(small_disk, leaving=0)
            full = trio.current_time()
            down = "store_unavailable"
            await until(lambda: node.intake.refused.get(down, 0) > 10, HEALED_LIMIT_S)
            await trio.sleep(5)
            foreign.unlink()
            free = trio.current_time()
            await until(lambda: any_ack(sending.since(free)), HEALED_LIMIT_S)
        meanwhile = sending.since(full, free)
        assert slowest_s(meanwhile) < ANSWER_S_MAX
        assert codes(meanwhile) <= {"store_unavailable", "outcome_unknown", "overloaded"}
        await check(node, sending)
        restarts = server.restarts
    recovery_s = first_ack_s(sending.since(free), free)
    record_property(
        "report",
        f"disk full: the server ended and came back {restarts} times, the slowest answer after"
        f" {slowest_s(meanwhile):.2f} s; first ack {recovery_s:.1f} s after there was room; 0 lost",
    )


async def test_ingest_stops_before_the_disk_is_full(
    small_disk: Path, record_property: Report
) -> None:
    async with open_server(ServerSettings(small_disk / "data")) as server:
        # As if the disk were bigger, so that it is nearly full while there is room.
        share = DISK_FREE_AGAIN * 5 // 4 // DISK_BYTES
        async with (
            open_store(
                server.url, PARTITIONS, disk_free=lambda: (server.disk_free() or 0) * share
            ) as store,
            open_node(store, WallClock()) as node,
        ):
            await node.wait_ready()
            async with senders(node, seed=42) as sending:
                await trio.sleep(1)
                foreign = fill(small_disk, leaving=DISK_FREE_LEAST // share - MIB)
                full = trio.current_time()
                await until(lambda: "read_only" in codes(sending.answers), HEALED_LIMIT_S)
                noticed_s = trio.current_time() - full
                await everything_is_read(sending)
                foreign.unlink()
                free = trio.current_time()
                await until(lambda: any_ack(sending.since(free)), HEALED_LIMIT_S)
            await check(node, sending)
            assert codes(sending.answers) == {"read_only"}
            assert server.restarts == 0
    record_property(
        "report",
        f"disk nearly full: read_only after {noticed_s:.1f} s, points again"
        f" {first_ack_s(sending.since(free), free):.1f} s after there was room; 0 lost",
    )


def fill(disk: Path, leaving: int) -> Path:
    """A foreign file that takes all space but so many bytes."""
    foreign = disk / "foreign"
    with open(foreign, "wb", buffering=0) as file:
        try:
            while _free(disk) > leaving:
                file.write(bytes(min(MIB, _free(disk) - leaving)))
        except OSError:
            assert _free(disk) < 4096
    return foreign


def _free(disk: Path) -> int:
    facts = os.statvfs(disk)
    return facts.f_bavail * facts.f_frsize
