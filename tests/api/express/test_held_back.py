"""Who asks too often is told so late, and nobody else waits for it."""

import pytest
import trio

from api.express import conversation, waiting
from tests.api.express.plainly import OFTEN, OTHER, PATIENCE_S, PLAIN, express, heard

pytestmark = pytest.mark.real


async def test_who_asks_too_often_is_told_so_late_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "HELD_BACK_S", 10 * PATIENCE_S)
    async with express() as (plain, at):
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OFTEN)
            async with await trio.open_tcp_stream("127.0.0.1", at.port) as other:
                await other.send_all(PLAIN)
                await heard(other, 1)
            # Whoever goes on all the same, or leaves, is not answered sooner.
            await client.send_all(PLAIN)
        monkeypatch.setattr(waiting, "HELD_BACK_S", 0.01)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OFTEN)
            with trio.fail_after(PATIENCE_S):
                told = await client.receive_some()
            assert told.startswith(b"HTTP/1.1 429 ")
            await client.send_all(PLAIN)
            await heard(client, 1)
    assert (plain.asked, plain.bundles) == ([], [1, 1])


async def test_an_answer_of_too_much_is_late_from_a_handler_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "HELD_BACK_S", 10 * PATIENCE_S)
    async with express() as (plain, at):
        plain.status = 429
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OTHER)
            async with await trio.open_tcp_stream("127.0.0.1", at.port) as other:
                await other.send_all(PLAIN)
                await heard(other, 1)
        monkeypatch.setattr(conversation, "HELD_BACK_S", 0.01)
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as client:
            await client.send_all(OTHER)
            with trio.fail_after(PATIENCE_S):
                assert (await client.receive_some()).startswith(b"HTTP/1.1 429 ")
