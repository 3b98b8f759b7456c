"""The intake: many requests a group, one answer each, and a refusal before any work is done."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.intake import (
    ANSWER_WAIT_S_MAX,
    GROUP_AGE_S_MAX,
    GROUP_BYTES_MAX,
    LAG_POINTS_MAX,
    QUEUE_BYTES_MAX,
    QUEUE_WAIT_S_MAX,
    NotAccepted,
    OutcomeUnknown,
    Overloaded,
    ReadOnly,
    StoreDown,
)
from engine.points import Batch, Claim, Command, Points, Receipt
from engine.ports import Refused
from tests.engine.desk import Desk, asking, batch, big, opened
from tests.engine.faults import FaultyStore

# Groups


async def test_a_batch_is_answered_when_it_is_in_the_log() -> None:
    async with opened(FaultyStore()) as desk:
        receipt = await desk.intake.submit(0, batch(1.0, 2.0))
        assert desk.stored() == [1.0, 2.0]
        assert receipt == Receipt(desk.store.state[0].tail, ())
        (entry,) = desk.delivered[0]
        assert (entry.position, entry.size) == (receipt.position, 2)
        assert desk.intake.lanes[0].acknowledged == receipt.position
        assert repr(desk.intake) == "<Intake 1 lanes, 0 bytes waiting>"


async def test_what_comes_while_a_group_is_on_its_way_shares_the_next(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    store.slow_s["append"] = 0.1
    async with opened(store) as desk, trio.open_nursery() as nursery:
        asked = asking(nursery, desk, batch(0.0))
        await wait_all_tasks_blocked()
        asked += asking(nursery, desk, *(batch(float(n)) for n in range(1, 50)))
    assert [(group.serial, len(group.batches)) for group in store.groups] == [(1, 1), (2, 49)]
    assert sorted(desk.stored()) == [float(n) for n in range(50)]
    assert {one.receipt.position for one in asked[1:] if one.receipt} == {store.state[0].tail}


async def test_a_group_has_a_limit_but_any_batch_fits(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with opened(store, owned=False) as desk, trio.open_nursery() as nursery:
        asking(nursery, desk, *[big(GROUP_BYTES_MAX // 2)] * 5, big(2 * GROUP_BYTES_MAX - 100))
        await wait_all_tasks_blocked()
        await desk.own()
    sizes = [sum(one.size for one in group.batches) for group in store.groups]
    assert max(sizes) < 4 * GROUP_BYTES_MAX
    assert 2 <= len(sizes) <= 4
    assert all(len(group.batches) <= 3 for group in store.groups)


async def test_groups_of_several_partitions_go_together(autojump_clock: MockClock) -> None:
    store = FaultyStore(3)
    async with opened(store, owned=False) as desk, trio.open_nursery() as nursery:
        for number in range(3):
            asking(nursery, desk, batch(float(number)), number=number)
        await wait_all_tasks_blocked()
        # In one step, before the committer looks again.
        for lane in desk.intake.lanes.values():
            lane.owned((await store.acquire(lane.partition)).epoch)
    assert [desk.stored(number) for number in range(3)] == [[0.0], [1.0], [2.0]]
    assert store.calls.count("append") <= 3


async def test_commands_travel_with_the_points() -> None:
    store = FaultyStore()
    command = Command("stat.put", 7, b"record")
    async with opened(store) as desk:
        await desk.intake.submit(0, Batch(Points.of((), (), ()), (), (command,)))
    (entry,) = desk.delivered[0]
    assert (entry.commands, entry.size) == ((command,), 0)
    assert store.state[0].log[0].commands == (command,)


async def test_a_claim_that_was_used_before_masks_its_rows() -> None:
    def claims(answer: bytes) -> tuple[Claim, ...]:
        return Claim(b"a" * 16, answer, 0, 2), Claim(answer * 16, answer, 3, 4)

    async with opened(FaultyStore()) as desk:
        first = await desk.intake.submit(0, batch(1.0, 2.0, 3.0, 4.0, claims=claims(b"1")))
        again = await desk.intake.submit(0, batch(5.0, 6.0, 7.0, 8.0, claims=claims(b"2")))
        assert (first.claims, again.claims) == ((None, None), (b"1", None))
        assert desk.delivered[0][1].points.value.tolist() == [7.0, 8.0]
        assert desk.delivered[0][1].size == 2
        assert desk.stored() == [1.0, 2.0, 3.0, 4.0, 7.0, 8.0]


# Limits


async def refused(desk: Desk, one: Batch | None = None) -> NotAccepted:
    began = trio.current_time()
    with pytest.raises(NotAccepted) as caught:
        await desk.intake.submit(0, one or batch(1.0))
    assert trio.current_time() == began, "refused before any work"
    assert desk.intake.refused == {caught.value.code: 1}
    assert caught.value.retry_after_s >= 1
    return caught.value


async def test_no_more_waits_than_the_queue_holds(autojump_clock: MockClock) -> None:
    async with opened(FaultyStore(), owned=False) as desk, trio.open_nursery() as nursery:
        quarter = big(QUEUE_BYTES_MAX // 4 - 100)
        asking(nursery, desk, *[quarter] * 4)
        await wait_all_tasks_blocked()
        error = await refused(desk, big(1_000))
        assert isinstance(error, Overloaded)
        await desk.own()


async def test_nothing_waits_longer_than_it_may(autojump_clock: MockClock) -> None:
    async with opened(FaultyStore(), owned=False) as desk, trio.open_nursery() as nursery:
        desk.intake.rate_bytes_s = 100_000
        asking(nursery, desk, big(int(100_000 * QUEUE_WAIT_S_MAX) + 100))
        await wait_all_tasks_blocked()
        assert isinstance(await refused(desk), Overloaded)
        await desk.own()


async def test_whoever_is_next_is_taken_however_slow_the_store_was(
    autojump_clock: MockClock,
) -> None:
    async with opened(FaultyStore()) as desk:
        desk.intake.rate_bytes_s = 10_000
        await desk.intake.submit(0, big(100_000))
        assert desk.intake.rate_bytes_s > 10_000, "and shows that it is fast again"


@pytest.mark.parametrize("lag", [LAG_POINTS_MAX, LAG_POINTS_MAX + 1])
async def test_a_partition_may_not_fall_too_far_behind_its_log(
    autojump_clock: MockClock, lag: int
) -> None:
    async with opened(FaultyStore()) as desk:
        desk.lag = lag
        if lag <= LAG_POINTS_MAX:
            await desk.intake.submit(0, batch(1.0))
        else:
            assert isinstance(await refused(desk), Overloaded)


async def test_while_a_group_is_unanswered_nothing_more_is_taken(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    store.slow_s["append"] = GROUP_AGE_S_MAX + 0.5
    async with opened(store) as desk, trio.open_nursery() as nursery:
        (asked,) = asking(nursery, desk, batch(1.0))
        await trio.sleep(GROUP_AGE_S_MAX + 0.1)
        error = await refused(desk)
        assert isinstance(error, StoreDown)
        assert "not answered for a second" in str(error)
    assert asked.receipt is not None
    assert desk.stored() == [1.0]


async def test_the_reason_of_the_store_is_told(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.fail("append", *[Refused("loading", "it reads its data")] * 100)
    async with opened(store) as desk, trio.open_nursery() as nursery:
        (asked,) = asking(nursery, desk, batch(1.0))
        await trio.sleep(GROUP_AGE_S_MAX + 0.1)
        assert "it reads its data" in str(await refused(desk))
    assert isinstance(asked.error, StoreDown)
    assert "it reads its data" in str(asked.error)
    assert asked.after_s == pytest.approx(ANSWER_WAIT_S_MAX)


async def test_a_read_only_store_takes_nothing(autojump_clock: MockClock) -> None:
    async with opened(FaultyStore()) as desk:
        desk.intake.read_only = "the disk is full"
        error = await refused(desk)
        assert isinstance(error, ReadOnly)
        assert (str(error), error.retry_after_s) == ("the disk is full", 30)


async def test_refusals_are_counted_by_code(autojump_clock: MockClock) -> None:
    async with opened(FaultyStore()) as desk:
        for reason, kind in (("full", ReadOnly), (None, None), ("full", ReadOnly)):
            desk.intake.read_only = reason
            if kind is None:
                await desk.intake.submit(0, batch(1.0))
            else:
                with pytest.raises(kind):
                    await desk.intake.submit(0, batch(1.0))
        assert desk.intake.refused == {"read_only": 2}


# Waiting


async def test_whoever_leaves_before_the_append_is_surely_not_stored(
    autojump_clock: MockClock,
) -> None:
    async with opened(FaultyStore(), owned=False) as desk:
        with trio.move_on_after(0.5):
            await desk.intake.submit(0, batch(1.0))
        with pytest.raises(StoreDown):
            await desk.intake.submit(0, batch(2.0))
        assert len(desk.intake.lanes[0].queue) == 0, "nobody's requests take no room"
        await desk.own()
        await desk.intake.submit(0, batch(3.0))
        assert desk.stored() == [3.0]
        assert desk.intake.bytes_waiting == 0


async def test_whoever_leaves_after_the_append_may_be_stored(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s["append"] = ANSWER_WAIT_S_MAX + 1
    async with opened(store) as desk:
        with pytest.raises(OutcomeUnknown):
            await desk.intake.submit(0, batch(1.0))
        await trio.sleep(2)
        assert desk.stored() == [1.0]
        assert [entry.size for entry in desk.delivered[0]] == [1], "counted all the same"


async def test_whoever_left_is_not_put_back_into_the_queue(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s["append"] = 0.5
    store.fail("append", Refused("loading", "it reads its data"))
    async with opened(store) as desk, trio.open_nursery() as nursery:
        with trio.move_on_after(0.1):
            await desk.intake.submit(0, batch(1.0))
        (asked,) = asking(nursery, desk, batch(2.0))
    assert asked.receipt is not None
    assert desk.stored() == [2.0]


async def test_what_was_taken_before_closing_is_committed(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    store.slow_s["append"] = 0.2
    async with opened(store) as desk, trio.open_nursery() as nursery:
        asked = asking(nursery, desk, batch(1.0), batch(2.0))
        await wait_all_tasks_blocked()
        desk.intake.close()
        error = await refused(desk, batch(3.0))
        assert isinstance(error, StoreDown)
        assert "stopping" in str(error)
    assert all(one.receipt for one in asked)
    assert sorted(desk.stored()) == [1.0, 2.0]
