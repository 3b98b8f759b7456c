"""What the server says of itself: a heartbeat while all is well, and a word when it is not."""

from dataclasses import replace

import trio
from trio.testing import MockClock

from api.notify.outgoing import Answered, Failed
from api.notify.watchman import (
    CHECKPOINT_MS_MAX,
    Watch,
    Watchman,
    faults_of,
    is_committing,
)
from engine.ports import Memory
from tests.api.http.harness import Server, serving
from tests.api.notify.scene import a_channel

GIB = 2**30


async def test_it_knows_what_is_amiss(autojump_clock: MockClock) -> None:
    async with serving() as server:
        well = server.context.node.statistics()
        now_ms = server.context.clock.now_ms()
        assert is_committing(well, now_ms)
        first = well.partitions[0]
        behind = replace(first, uncommitted_bytes=9, checkpoint_ms=now_ms - CHECKPOINT_MS_MAX)
        late = replace(well, partitions=(behind, *well.partitions[1:]))
        assert not is_committing(late, now_ms)
        starting = replace(well, partitions=(replace(first, ready=False),))
        assert not is_committing(starting, now_ms)
        far = replace(well, partitions=(replace(first, points_ahead=2_000_000),))
        full = replace(well, memory=Memory(9 * GIB, 10 * GIB, disk_free=GIB), read_only="disk")
        for bad, words in ((late, "checkpoints"), (far, "log"), (full, "memory disk taken")):
            said = " ".join(faults_of(bad, now_ms))
            assert all(word in said for word in words.split()), said


def watching(server: Server, watch: Watch, amiss: list[str]) -> Watchman:
    means = server.context.office.means
    carriers = server.context.office.carriers
    return Watchman(means.node, carriers, means.clock, watch, lambda: amiss)


async def test_the_heartbeat_is_sent_each_minute(autojump_clock: MockClock) -> None:
    async with serving() as server, trio.open_nursery() as nursery:
        watchman = watching(server, Watch("https://beat.example/x"), [])
        nursery.start_soon(watchman.run)
        await trio.sleep(150)
        assert [sent.url for sent in server.post.sent] == ["https://beat.example/x"] * 3
        server.post.answer = Failed("connection", "refused")
        await trio.sleep(60)
        assert watchman.warnings() == ["the heartbeat does not arrive: refused"]
        nursery.cancel_scope.cancel()


async def test_the_operator_is_told_once_and_when_it_is_over(autojump_clock: MockClock) -> None:
    amiss: list[str] = []
    async with serving() as server, trio.open_nursery() as nursery:
        watch = Watch(channel=a_channel("ch_operator", account=0))
        nursery.start_soon(watching(server, watch, amiss).run)
        await trio.sleep(100)
        assert server.post.sent == []
        amiss.append("channel ch_1 fails: status 500")
        await trio.sleep(200)
        amiss[0] = "channel ch_1 fails: status 502"
        await trio.sleep(100)
        assert [sent.json["type"] for sent in server.post.sent] == ["alert.firing"]
        assert "status 500" in server.post.sent[0].json["alerts"][0]["text"]
        amiss.clear()
        server.post.answer = Answered(500)
        await trio.sleep(40)
        server.post.answer = Answered(200)
        await trio.sleep(400)
        assert server.post.sent[-1].json["type"] == "alert.resolved"
        nursery.cancel_scope.cancel()
