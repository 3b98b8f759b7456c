"""The client for trio: a block that takes points, and ends when they are sent or time is up."""

import pytest
import trio

from statflow_client import Statistics, Trouble
from statflow_client.on_trio import open_client
from tests.clients.lines import BUSY, ScriptedLine, answer

PATIENCE_S = 10.0


async def test_leaving_the_block_sends_what_is_queued() -> None:
    line = ScriptedLine([BUSY])
    with trio.fail_after(PATIENCE_S):
        async with open_client(line=line) as client:
            assert client.counter("a")
            with client.timer("b"):
                await trio.lowlevel.checkpoint()
    assert [posted.stats for posted in line.posted] == [["a", "b"]] * 2
    assert client.statistics() == Statistics(taken=2, stored=2, sent_again=1)
    assert not client.counter("late")
    assert line.closed == 1


async def test_a_flush_waits_until_all_is_settled() -> None:
    line, told = ScriptedLine([answer(401, {"code": "invalid_key"})]), list[Trouble]()
    async with open_client(line=line, on_trouble=told.append) as client:
        client.counter("a")
        assert await client.flush(PATIENCE_S)
        assert client.statistics() == Statistics(taken=1, lost=1)
    assert [trouble.code for trouble in told] == ["invalid_key"]


async def test_a_full_batch_leaves_without_being_asked() -> None:
    line = ScriptedLine()
    async with open_client(line=line) as client:
        for _ in range(1000):
            client.counter("a")
        with trio.fail_after(PATIENCE_S):
            assert await trio.to_thread.run_sync(line.arrived.acquire, True, PATIENCE_S)
        assert len(line.posted[0].items) == 1000


async def test_a_cancelled_block_still_sends() -> None:
    line = ScriptedLine()
    with trio.CancelScope() as scope:
        async with open_client(line=line) as client:
            client.counter("a")
            scope.cancel()
            await trio.sleep_forever()
    assert client.statistics() == Statistics(taken=1, stored=1)


async def test_an_exception_leaves_the_block_as_it_is() -> None:
    line = ScriptedLine()

    async def fail() -> None:
        async with open_client(line=line) as client:
            client.counter("a")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail()
    assert line.posted[0].stats == ["a"]


async def test_what_cannot_be_sent_in_time_is_told(autojump_clock: trio.abc.Clock) -> None:
    line, told = ScriptedLine(), list[Trouble]()
    line.gate.clear()
    async with open_client(line=line, on_trouble=told.append) as client:
        client.counter("a")
    line.gate.set()
    assert [(one.what, one.code) for one in told] == [("lost", "closed")]
