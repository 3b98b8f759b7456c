"""The store server hangs or its disk is slow: requests are answered in time, nothing is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from api.clock import WallClock
from engine.intake import ANSWER_WAIT_S_MAX, GROUP_AGE_S_MAX
from engine.node import open_node
from storage.opening import open_store
from storage.server.testing import embedded_server
from tests.crash.waiting import until
from tests.faults.outside import make_outside
from tests.faults.scene import (
    ANSWER_S_MAX,
    any_ack,
    check,
    check_histograms,
    codes,
    first_ack_s,
    senders,
    slowest_s,
    typical_s,
)

pytestmark = [pytest.mark.slow, pytest.mark.real]

PARTITIONS = 4
AT_ONCE_S = 1.0
"""What is refused at once is refused by then."""

RECOVERY_S_MAX = 10.0

Report = Callable[[str, object], None]


@pytest.mark.parametrize("seconds", [5, 30])
async def test_a_server_that_hangs(tmp_path: Path, seconds: int, record_property: Report) -> None:
    with embedded_server(tmp_path) as server:
        async with (
            open_store(server.url, PARTITIONS) as store,
            open_node(store, WallClock()) as node,
        ):
            await node.wait_ready()
            async with senders(node, seed=seconds) as sending:
                await trio.sleep(1)
                server.stop()
                stopped = trio.current_time()
                await trio.sleep(seconds)
                server.cont()
                went_on = trio.current_time()
                await until(lambda: any_ack(sending.since(went_on)), RECOVERY_S_MAX)
            meanwhile = sending.since(stopped, went_on)
            assert codes(meanwhile) <= {"store_unavailable", "outcome_unknown", "overloaded"}
            assert slowest_s(meanwhile) < ANSWER_S_MAX
            aware = sending.since(stopped + GROUP_AGE_S_MAX + 0.5, went_on - ANSWER_WAIT_S_MAX)
            assert codes(aware) == {"store_unavailable"}
            assert typical_s(aware) < AT_ONCE_S
            recovery_s = first_ack_s(sending.since(went_on), went_on)
            await check(node, sending)
            await check_histograms(node, sending)
    record_property(
        "report",
        f"server stopped {seconds} s: {len(meanwhile)} requests refused, the slowest after"
        f" {slowest_s(meanwhile):.2f} s, once it was noticed after {typical_s(aware):.3f} s;"
        f" first ack {recovery_s:.2f} s after it went on; 0 lost",
    )


async def test_a_disk_that_needs_400_ms_to_sync(tmp_path: Path, record_property: Report) -> None:
    outside = make_outside(tmp_path / "outside")
    with outside.around_servers(), embedded_server(tmp_path / "data") as server:
        async with (
            open_store(server.url, PARTITIONS) as store,
            open_node(store, WallClock()) as node,
        ):
            await node.wait_ready()
            async with senders(node, seed=400) as sending:
                await trio.sleep(1)
                outside.want(fsync_ms=400)
                slow = trio.current_time()
                await trio.sleep(12)  # With a checkpoint of every partition.
                outside.want()
                fast = trio.current_time()
                await until(lambda: any_ack(sending.since(fast)), RECOVERY_S_MAX)
            meanwhile = sending.since(slow + 1, fast - 1)
            acknowledged = [one for one in meanwhile if one.code is None]
            assert acknowledged
            assert slowest_s(meanwhile) < ANSWER_S_MAX
            assert min(one.took_s for one in acknowledged) > 0.2
            assert codes(meanwhile) <= {"overloaded", "store_unavailable", "outcome_unknown"}
            await check(node, sending)
    record_property(
        "report",
        f"fsync of 400 ms: {len(acknowledged)} of {len(meanwhile)} requests acknowledged, the"
        f" slowest answer after {slowest_s(meanwhile):.2f} s; 0 lost",
    )
