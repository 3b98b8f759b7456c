"""The clock is set forth and back by an hour: ours, and the server's."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from api.clock import WallClock
from engine.node import Node, open_node
from engine.tiers import HOUR_S
from storage.opening import open_store
from storage.server.testing import embedded_server
from tests.faults.outside import make_outside
from tests.faults.scene import Sending, check, codes, refused_share, senders, typical_s

pytestmark = [pytest.mark.slow, pytest.mark.real]

PARTITIONS = 4
LIVE_S = 1.0
REPEATED = 50
REFUSED_SHARE_MAX = 0.05
TYPICAL_S_MAX = 2.0

Report = Callable[[str, object], None]


@dataclass(slots=True)
class SetClock:
    """The wall clock, and how far it was set forth, in seconds."""

    ahead_s: int = 0

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return WallClock().now_ms() + 1000 * self.ahead_s


@pytest.mark.parametrize("jumps", [(HOUR_S, 0), (-HOUR_S, 0)])
async def test_our_clock(tmp_path: Path, jumps: tuple[int, ...], record_property: Report) -> None:
    clock = SetClock()
    with embedded_server(tmp_path) as server:
        async with open_store(server.url, PARTITIONS) as store, open_node(store, clock) as node:
            await node.wait_ready()
            async with senders(node, seed=1, clock=WallClock()) as sending:
                for ahead_s in (0, *jumps):
                    clock.ahead_s = ahead_s
                    await live_and_fold(node, clock)
                    await repeat_all(sending)
            await check(node, sending)
    record_property("report", told(f"our clock {jumps} s off", sending))


@pytest.mark.parametrize("jumps", [(HOUR_S, 0), (-HOUR_S, 0)])
async def test_the_clock_of_the_server(
    tmp_path: Path, jumps: tuple[int, ...], record_property: Report
) -> None:
    outside = make_outside(tmp_path / "outside")
    with outside.around_servers(), embedded_server(tmp_path / "data") as server:
        async with (
            open_store(server.url, PARTITIONS) as store,
            open_node(store, WallClock()) as node,
        ):
            await node.wait_ready()
            async with senders(node, seed=2) as sending:
                for ahead_s in (0, *jumps):
                    outside.want(clock_s=ahead_s)
                    await live_and_fold(node, WallClock())
                    await repeat_all(sending)
            await check(node, sending)
            server.kill()
            await trio.to_thread.run_sync(server.restart)
            await check(node, sending)
    record_property("report", told(f"the server's clock {jumps} s off", sending))


async def live_and_fold(node: Node, clock: SetClock | WallClock) -> None:
    """Some life, with a checkpoint and a fold in the middle, by the clock as it stands."""
    await trio.sleep(LIVE_S)
    await node.checkpoint()
    await node.fold(clock.now_ms() // 1000)
    await trio.sleep(LIVE_S)


async def repeat_all(sending: Sending) -> None:
    """Send again what was acknowledged, as whoever missed the answer would."""
    acknowledged = [made for made in sending.ledger.batches if made.acknowledged]
    for made in acknowledged[:: len(acknowledged) // REPEATED]:
        await sending.deliver(sending.shape.account_of(int(made.stat[0])), made)


def told(what: str, sending: Sending) -> str:
    """One line for the report; fails if senders noticed anything."""
    assert refused_share(sending.answers) < REFUSED_SHARE_MAX, codes(sending.answers)
    assert typical_s(sending.answers) < TYPICAL_S_MAX
    repeated = sum(made.tries > 1 for made in sending.ledger.batches)
    return (
        f"{what}: {sending.ledger.acknowledged:,} points, {repeated} batches repeated;"
        " 0 lost, 0 double"
    )
