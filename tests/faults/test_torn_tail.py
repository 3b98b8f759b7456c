"""The append-only file ends in the middle of a write: the server cuts that off and goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from api.clock import WallClock
from engine.node import open_node
from storage.opening import open_store
from storage.server.log import lines_since, mark, torn_bytes
from storage.server.testing import embedded_server
from tests.crash.processes import last_append_only_file
from tests.faults.scene import check, senders

pytestmark = pytest.mark.real

PARTITIONS = 4

TORN = {
    "in a word": b"*3\r\n$3\r\nSET\r\n$3\r\nab",
    "in a length": b"*3\r\n$3\r\nSET\r\n$1",
    "in a step": b"*1\r\n$5\r\nMULTI\r\n*4\r\n$4\r\nHSET\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
}


@pytest.mark.parametrize("where", TORN)
async def test_a_torn_tail_is_cut(
    tmp_path: Path, where: str, record_property: Callable[[str, object], None]
) -> None:
    with embedded_server(tmp_path) as server:
        async with (
            open_store(server.url, PARTITIONS) as store,
            open_node(store, WallClock()) as node,
        ):
            await node.wait_ready()
            async with senders(node, seed=len(where), stats=12) as sending:
                await trio.sleep(0.5)
                server.kill()
                append(last_append_only_file(server.store), TORN[where])
                since = mark(server.store / "server.log")
                await trio.to_thread.run_sync(server.restart)
                cut = torn_bytes(lines_since(since), since)
                await trio.sleep(0.5)
            assert cut == len(TORN[where])
            await check(node, sending)
    record_property(
        "report",
        f"append-only file torn {where}: {cut} bytes cut, 0 of"
        f" {sending.ledger.acknowledged:,} points lost",
    )


def append(path: Path, data: bytes) -> None:
    """Write at the end of a file."""
    with open(path, "ab") as file:
        file.write(data)
