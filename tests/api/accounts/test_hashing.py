"""Hashes of passwords, beside the event loop and within a queue."""

from collections.abc import Callable
from functools import partial

import pytest
import trio
from argon2 import PasswordHasher

from api.accounts.faults import AccountFault
from api.accounts.hashing import (
    LANES,
    MEMORY_KIB,
    PASSES,
    QUEUE_MAX,
    QUEUE_RESERVE,
    Hasher,
    at_once,
)

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_password_fits_its_own_hash_only() -> None:
    hasher = Hasher(CHEAP, at_once)
    kept = await hasher.hash("correct horse")
    assert await hasher.fits(kept, "correct horse")
    assert not await hasher.fits(kept, "correct house")
    assert not await hasher.fits("no hash at all", "correct horse")
    assert "correct" not in kept


async def test_nobody_has_a_password_and_asking_takes_as_long() -> None:
    worked = 0

    async def counted(work: Callable[[], object]) -> object:
        nonlocal worked
        worked += 1
        return await at_once(work)

    hasher = Hasher(CHEAP, counted)
    assert not await hasher.fits(None, "nobody has this one")
    assert worked == 1


async def test_a_cheaper_hash_is_outdated() -> None:
    kept = await Hasher(CHEAP, at_once).hash("correct horse")
    assert not Hasher(CHEAP, at_once).is_outdated(kept)
    assert Hasher(PasswordHasher(PASSES, MEMORY_KIB, LANES), at_once).is_outdated(kept)


async def test_whoever_finds_the_queue_full_is_sent_away() -> None:
    go, done = trio.Event(), 0
    refused: list[AccountFault] = []

    async def slow(work: Callable[[], object]) -> object:
        await go.wait()
        return work()

    hasher = Hasher(CHEAP, slow)

    async def ask() -> None:
        nonlocal done
        try:
            await hasher.fits(None, "x")
            done += 1
        except AccountFault as fault:
            refused.append(fault)

    async with trio.open_nursery() as nursery:
        for _ in range(QUEUE_MAX + 11):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        go.set()
    assert (done, len(refused)) == (QUEUE_MAX + 1, 10)
    assert refused[0].code == "overloaded"
    assert refused[0].retry_after_s is not None
    assert repr(hasher) == "<Hasher 0 in work>"


async def test_people_whose_browser_is_known_may_wait_when_others_may_not() -> None:
    go = trio.Event()

    async def slow(work: Callable[[], object]) -> object:
        await go.wait()
        return work()

    hasher = Hasher(CHEAP, slow)
    async with trio.open_nursery() as nursery:
        for _ in range(QUEUE_MAX + 1):
            nursery.start_soon(hasher.fits, None, "x")
        await trio.testing.wait_all_tasks_blocked()
        assert hasher.full
        for refused in (hasher.fits(None, "x"), hasher.hash("x")):
            with pytest.raises(AccountFault, match="too many"):
                await refused
        for _ in range(QUEUE_RESERVE):
            nursery.start_soon(partial(hasher.fits, None, "x", known=True))
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(AccountFault, match="too many"):
            await hasher.fits(None, "x", known=True)
        go.set()


@pytest.mark.real
async def test_the_real_cost_in_a_real_thread() -> None:
    hasher = Hasher()
    kept = await hasher.hash("correct horse")
    assert kept.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
    assert await hasher.fits(kept, "correct horse")
