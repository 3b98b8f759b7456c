"""`audit`: says equal with numbers, or names the stat and the place."""

from pathlib import Path

import pytest

from api.cli.audit import recount, report
from engine.audit import PartitionAudit
from engine.node import open_node
from engine.points import Batch, Points
from engine.stats import Kind, Stat
from engine.tiers import S10
from storage.directory_record import put_command
from storage.keys import Keys, score
from storage.opening import open_store
from storage.server.testing import ThrowawayServer, embedded_server

NOW_MS = 1_795_302_000_000
NOW_S = NOW_MS // 1_000
OLD_S = NOW_S - 1_200
STAT = Stat(7, 1, 0, "orders", Kind.COUNTER, None, NOW_MS)


def fine(partition: int, points: int) -> PartitionAudit:
    return PartitionAudit(partition, points, 0, 0, points, 1, ())


def test_equal_comes_with_numbers() -> None:
    lines, equal = report([fine(0, 5), PartitionAudit(1, 9, 2, 3, 4, 2, ())], {})
    assert equal
    sums = "14 points appended = 9 counted + 2 set aside + 3 purged"
    assert lines == [f"equal: {sums}, in 3 stats and 2 partitions"]


def test_a_fault_names_the_stat_as_users_know_it() -> None:
    bad = PartitionAudit(3, 9, 0, 0, 9, 2, ("stat 7: the tiers 1m and 15m differ at 5",))
    lines, equal = report([fine(0, 5), bad], {7: "orders"})
    assert not equal
    assert lines[0] == "partition 3: stat st_7 (orders): the tiers 1m and 15m differ at 5"
    assert lines[-1].startswith("not equal: 14 points appended, 14 counted")
    assert report([bad], {})[0][0].startswith("partition 3: stat st_7: ")


@pytest.mark.parametrize(("counted", "said"), [(4, "1 points are missing"), (6, "counted twice")])
def test_a_number_that_differs_names_the_partition(counted: int, said: str) -> None:
    lines, equal = report([PartitionAudit(2, 5, 0, 0, counted, 1, ())], {})
    assert not equal
    assert lines[0].startswith("partition 2: ")
    assert said in lines[0]


class StandingClock:
    """It is always NOW."""

    def now_ms(self) -> int:
        return NOW_MS


async def fill(server: ThrowawayServer) -> None:
    """Points in chunks, in frames and in the log beyond the last checkpoint."""
    old = Points.of([7] * 60, [(OLD_S + n) * 1_000 for n in range(60)], [1.0] * 60)
    new = Points.of([7] * 3, [NOW_MS - 1_000] * 3, [1.0] * 3)
    async with (
        open_store(server.url, partitions=2) as store,
        open_node(store, StandingClock()) as node,
    ):
        await node.wait_ready()
        await node.submit(0, Batch(old, commands=(put_command(STAT),)))
        await node.checkpoint()
        await node.fold(NOW_S)
        await node.submit(0, Batch(new))


@pytest.mark.real
async def test_what_is_damaged_on_a_real_server_is_named(tmp_path: Path) -> None:
    keys = Keys.of(0, 2)
    with embedded_server(tmp_path) as server, server.client() as client:
        await fill(server)
        lines, equal = report(*await recount(server.url))
        assert (lines, equal) == (
            ["equal: 63 points appended = 63 counted, in 1 stats and 2 partitions"], True,
        )  # fmt: skip

        history = f"{keys.history}:7"
        place = score(S10.number, S10.chunk(OLD_S))
        ((chunk, found),) = client.zrange(history, place, place, byscore=True, withscores=True)
        client.zrem(history, chunk)
        client.zadd(history, {chunk[:-3] + bytes(255 - byte for byte in chunk[-3:]): found})
        lines, equal = report(*await recount(server.url))
        assert not equal
        assert any("stat st_7 (orders): a chunk of the 10s tier" in line for line in lines)

        client.zremrangebyscore(history, place, place)
        lines, equal = report(*await recount(server.url))
        assert not equal
        assert any("points are missing" in line or "differ" in line for line in lines)

        client.zadd(history, {chunk: found})
        (name, fields), *_ = client.xrange(keys.recent)
        client.xdel(keys.recent, name)
        client.xadd(keys.recent, {**fields, b"b": fields[b"b"][:-2]}, id="9999999999999-0")
        lines, equal = report(*await recount(server.url))
        assert not equal
        assert "the partials of the checkpoint at 9999999999999-0 are damaged" in lines[0]
