"""What the intake makes of each kind of reply, and what it learns from them."""

import pytest
import trio
from trio.testing import MockClock

from engine.intake import RATE_BYTES_S_FIRST, RATE_SAMPLE_BYTES, OutcomeUnknown, ReadOnly
from engine.ports import Damaged, Refused, Unavailable
from tests.engine.desk import Desk, asking, batch, big, opened
from tests.engine.faults import FaultyStore


async def test_a_lost_reply_is_asked_for_again(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.lose_reply("append", 3)
    async with opened(store) as desk:
        receipt = await desk.intake.submit(0, batch(1.0))
    assert desk.stored() == [1.0]
    assert [group.serial for group in store.groups] == [1] * 4
    assert [entry.position for entry in desk.delivered[0]] == [receipt.position]


async def test_a_full_store_is_told_at_once(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.fail_lane(0, Refused("oom", "the memory is full"))
    async with opened(store) as desk:
        with pytest.raises(ReadOnly, match="the memory is full"):
            await desk.intake.submit(0, batch(1.0))
        await desk.intake.submit(0, batch(2.0))
        assert desk.stored() == [2.0]
        assert desk.intake.refused == {"read_only": 1}


async def test_refused_requests_keep_their_place(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s["append"] = 0.1
    store.fail("append", Refused("loading", "it reads its data"))
    async with opened(store) as desk, trio.open_nursery() as nursery:
        for number in range(10):
            asking(nursery, desk, batch(float(number)))
            await trio.sleep(0.02)
    assert desk.stored() == [float(number) for number in range(10)]


async def test_one_partition_fails_and_the_other_does_not(autojump_clock: MockClock) -> None:
    store = FaultyStore(2)
    store.fail_lane(0, Unavailable("no answer"), Refused("loading", "it reads its data"))
    async with opened(store) as desk, trio.open_nursery() as nursery:
        (slow,) = asking(nursery, desk, batch(1.0), number=0)
        (fast,) = asking(nursery, desk, batch(2.0), number=1)
    assert slow.receipt is not None
    assert fast.receipt is not None
    assert fast.after_s < slow.after_s < 1
    assert (desk.stored(0), desk.stored(1)) == ([1.0], [2.0])


async def test_another_owner_ends_the_partition_and_its_requests_wait(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with opened(store) as desk, trio.open_nursery() as nursery:
        await store.acquire(0)  # Somebody else.
        (asked,) = asking(nursery, desk, batch(1.0))
        await trio.sleep(0.5)
        assert (desk.lost, asked.receipt) == ([0], None)
        await desk.own()
    assert asked.receipt is not None
    assert desk.stored() == [1.0]


async def test_a_group_from_before_a_restart_goes_again_for_the_new_epoch(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    store.slow_s["append"] = 0.5
    async with opened(store) as desk, trio.open_nursery() as nursery:
        (asked,) = asking(nursery, desk, batch(1.0))
        await trio.sleep(0.1)
        await desk.own()
    assert asked.receipt is not None
    assert [(group.epoch, group.serial) for group in store.groups] == [(1, 1), (2, 1)]
    assert (desk.stored(), desk.lost) == ([1.0], [])


async def test_damage_ends_the_intake(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.fail_lane(0, Damaged("the log is unreadable"))
    desk = Desk(store)
    await desk.own()
    async with trio.open_nursery() as nursery:
        (asked,) = asking(nursery, desk, batch(1.0))
        with pytest.raises(Damaged):
            await desk.intake.run()
    assert isinstance(asked.error, OutcomeUnknown)


async def test_big_groups_tell_how_fast_the_store_is(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with opened(store) as desk:
        store.slow_s["append"] = 0.1
        for size, changes in ((1_000, False), (RATE_SAMPLE_BYTES, True)):
            before = desk.intake.rate_bytes_s
            await desk.intake.submit(0, big(size))
            assert (desk.intake.rate_bytes_s < before) == changes
        assert RATE_BYTES_S_FIRST > desk.intake.rate_bytes_s > RATE_BYTES_S_FIRST / 2
        assert desk.intake.commits == 2
        assert desk.intake.commit_s == pytest.approx(0.2)
