"""After kill -9, how soon does StatFlow serve again, by how much data it has?

Data is real: chunks of folded days, copied under further stats as the bytes that they are. Killed
are the program alone, whose store server lives on, or both; it serves when a point is accepted.
"""

import signal
import tempfile
import time
from itertools import count
from os import kill
from pathlib import Path
from typing import Final

import httpx
import trio

from bench.dense_year import COUNTER, LATENCY, fold_a_year
from bench.effort import RUNS, whole_or_quick
from bench.peers.statflow import command, headers, store_ended, store_pid, wait_ready
from bench.processes import started
from bench.report import Row, of_samples, once
from storage.keys import Keys
from storage.opening import open_store
from storage.scripts import Reply
from storage.server.testing import ThrowawayServer, embedded_server

MIB: Final = 2**20
SIZES_MIB: Final = (whole_or_quick(100, 10), whole_or_quick(500, 40))
DAYS: Final = whole_or_quick(60, 5)
GOAL_S: Final = 2.0
"""Up to 500 MB of data."""

ONE_PARTITION: Final = {"STATFLOW_PARTITIONS": "1", "STATFLOW_MAXMEMORY": "4gb"}
HISTORY: Final = Keys.of(0, 1).history
COPIES: Final = "bench:copies"
"""Where the store keeps the number of the next copy."""

POINT: Final = {"stat": "recovery", "value": 1, "type": "counter"}


def measure() -> list[Row]:
    """Fill, then kill and start again, for each size."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        for size_mib in SIZES_MIB:
            rows += _at(Path(place), size_mib)
    return rows


def _at(place: Path, size_mib: int) -> list[Row]:
    """Fill the data directory up to a size, and measure there."""
    used_mib = _fill(place / "data", size_mib)
    key = _key(place)
    name = f"{used_mib:.0f} MiB"
    alone = [_recovery_s(place, key, both=False) for _ in range(RUNS)]
    both = [_recovery_s(place, key, both=True) for _ in range(RUNS)]
    size = sum(file.stat().st_size for file in (place / "data").rglob("*") if file.is_file())
    return [
        once(f"{name}: on disk", size / MIB, "MiB"),
        of_samples(f"{name}: the program killed", alone, "s", GOAL_S),
        of_samples(f"{name}: the program and its store killed", both, "s", GOAL_S),
    ]


def _fill(data: Path, size_mib: int) -> float:
    """Chunks until the store uses so much memory, in MiB; returns how much it does."""
    data.mkdir(exist_ok=True)
    with embedded_server(data, maxmemory=4 * 2**30) as server:
        client = server.client(60.0)
        if not client.exists(f"{HISTORY}:{COUNTER}"):
            trio.run(_fold, server)
        used_mib = _copy(client, size_mib)
        server.terminate()
    return used_mib


def _copy(client: Reply, size_mib: int) -> float:
    """Put the folded chunks under further stats, as bytes, which the store's file then holds too.

    Were they copied by the store, it would read its file faster.
    """
    dumps = [client.dump(f"{HISTORY}:{stat}") for stat in (COUNTER, LATENCY)]
    for number in count(int(client.get(COPIES) or LATENCY + 1)):
        used_mib = float(client.info("memory")["used_memory"]) / MIB
        if used_mib >= size_mib:
            client.set(COPIES, number)
            return used_mib
        client.restore(f"{HISTORY}:{number}", 0, dumps[number % 2])
    raise AssertionError("BUG: numbers ended")


async def _fold(server: ThrowawayServer) -> None:
    async with open_store(server.url, partitions=1) as store:
        await fold_a_year(store, DAYS)


def _key(place: Path) -> str:
    """A key of this data directory; a start prints it once, and the file keeps it."""
    file = place / "key"
    if not file.exists():
        with started(*command(place, ONE_PARTITION)) as process:
            file.write_text(wait_ready(process, place)[1])
    return file.read_text()


def _recovery_s(place: Path, key: str, *, both: bool) -> float:
    """Seconds from a new start after kill -9 until a point is accepted."""
    with store_ended(place):
        with started(*command(place, ONE_PARTITION)) as process:
            port, _ = wait_ready(process, place)
            assert _accepts(port, key), "BUG: a server that is ready takes no point"
            store = store_pid(place)
            process.kill()
            process.wait()
            if both and store is not None:
                kill(store, signal.SIGKILL)
        began = time.perf_counter()
        with started(*command(place, ONE_PARTITION)) as process:
            port, _ = wait_ready(process, place)
            assert _accepts(port, key), "BUG: a server that is ready takes no point"
            return time.perf_counter() - began


def _accepts(port: int, key: str) -> bool:
    url = f"http://127.0.0.1:{port}/v1/ingest"
    return httpx.post(url, json=POINT, headers=headers(key), trust_env=False).status_code == 202
