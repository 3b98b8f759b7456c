"""One change for all who ask for the same: made once, never when something has moved since."""

import trio

from engine.stat_actor import TOLD_MAX
from engine.tiers import S1, S10
from tests.engine.model import BEGUN_S, told_of
from tests.engine.stat_home import running


async def test_listeners_who_ask_for_the_same_get_the_same(autojump_clock: object) -> None:
    async with running() as home:
        one, two = home.watch(), home.watch()
        home.apply((0, 1), (1, 2))
        (first,), (second,) = await anext(one), await anext(two)
        assert first is second
        first.shared["json"] = b"made once"
        assert second.shared == {"json": b"made once"}
        home.actor.mailbox.close()


async def test_nobody_gets_what_was_before_the_last_move(autojump_clock: object) -> None:
    async with running() as home:
        one, two = home.watch(), home.watch()
        home.apply((0, 1))
        (first,) = await anext(one)
        home.apply((1, 5))
        await trio.testing.wait_all_tasks_blocked()
        (second,) = await anext(two)
        assert second is not first
        assert told_of(second.rollups) == home.wanted(S10, 0)
        home.actor.mailbox.close()


async def test_who_comes_after_the_last_has_left_gets_nothing_old(autojump_clock: object) -> None:
    async with running() as home:
        one = home.watch(S1)
        home.apply((0, 1))
        await anext(one)
        one.close()
        home.apply((0, 2))
        await trio.testing.wait_all_tasks_blocked()
        home.watch(S1)
        change = await home.actor.change(S1, {BEGUN_S})
        assert told_of(change.rollups) == home.wanted(S1, 0)
        home.actor.mailbox.close()


async def test_few_are_kept(autojump_clock: object) -> None:
    async with running() as home:
        home.watch(S1)
        home.apply(*[(at_s, 1) for at_s in range(5)])
        await trio.testing.wait_all_tasks_blocked()
        for number in range(1, 32):
            starts = {BEGUN_S + bit for bit in range(5) if number >> bit & 1}
            await home.actor.change(S1, starts)
        assert len(home.actor._told) <= TOLD_MAX
        home.actor.mailbox.close()
