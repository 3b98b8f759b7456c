"""Mailboxes lose nothing, keep the order and wake their reader once."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.mailbox import Mailbox


async def read_all(mailbox: Mailbox[int], into: list[list[int]]) -> None:
    into.extend([items async for items in mailbox])


async def test_one_wake_up_hands_over_everything_that_has_arrived() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for item in (1, 2, 3):
        mailbox.put(item)
    assert len(mailbox) == 3
    assert await anext(mailbox) == [1, 2, 3]
    assert len(mailbox) == 0


async def test_a_waiting_reader_is_woken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    found: list[list[int]] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_all, mailbox, found)
        await wait_all_tasks_blocked()
        mailbox.put(1)
        mailbox.put(2)
        await wait_all_tasks_blocked()
        mailbox.put(3)
        await wait_all_tasks_blocked()
        mailbox.close()
    assert found == [[1, 2], [3]]


async def test_closing_lets_the_reader_finish() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close()
    found: list[list[int]] = []
    await read_all(mailbox, found)
    assert found == [[1]]
    await read_all(mailbox, found)
    assert found == [[1]]


async def test_nothing_is_put_into_a_closed_mailbox() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.close()
    with pytest.raises(AssertionError, match="BUG: a closed mailbox"):
        mailbox.put(1)
    assert repr(mailbox) == "<Mailbox closed, 0 waiting>"


async def test_a_reader_that_always_finds_mail_lets_others_run() -> None:
    mailbox: Mailbox[int] = Mailbox()
    turns = 0

    async def other() -> None:
        nonlocal turns
        for _ in range(5):
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for item in range(20):
            mailbox.put(item)
            assert await anext(mailbox) == [item]
        assert turns == 5


async def test_a_cancelled_reader_loses_nothing(autojump_clock: MockClock) -> None:
    mailbox: Mailbox[int] = Mailbox()
    with trio.move_on_after(1) as scope:
        await anext(mailbox)
    assert scope.cancelled_caught
    mailbox.put(7)
    assert repr(mailbox) == "<Mailbox open, 1 waiting>"
    assert await anext(mailbox) == [7]


async def test_only_one_reads_at_a_time() -> None:
    mailbox: Mailbox[int] = Mailbox()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_all, mailbox, [])
        await wait_all_tasks_blocked()
        with pytest.raises(AssertionError, match="BUG: two readers"):
            await anext(mailbox)
        mailbox.close()
