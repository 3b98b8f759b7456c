"""Kill -9 of the app, the store server and the receiver while alerts flap: every one is told.

Real processes over HTTP. `CRASH_SEED=n` repeats the plan and the points of a run, not its timing.
"""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import trio

from tests.crash.flapping import all_told, committed, flips, held_against, put_alerts
from tests.crash.hook import Hook
from tests.crash.load import Shape
from tests.crash.torment import Life, Torment, torment

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="finds the server's process as Linux does"),
]

SHAPE = Shape(stats=500, accounts=4, points_max=1)
SHARE = 0.25
ALLOWED = {"STATFLOW_WEBHOOK_ALLOW": "127.0.0.0/8"}
KILL_HOOK_S = (2.0, 7.0)
HOOK_DOWN_S = (0.1, 1.0)
KILL_LIMIT_S = 10.0

Report = Callable[[str, object], None]


@pytest.fixture
def seed() -> int:
    """Another one each time, unless the environment says which."""
    return int(os.environ.get("CRASH_SEED") or secrets.randbits(32))


@pytest.mark.slow
@pytest.mark.timeout(1_500)
async def test_every_committed_transition_is_told(
    tmp_path: Path, seed: int, record_property: Report
) -> None:
    kills = await flap(tmp_path, seed, lives=16, record_property=record_property)
    assert kills >= 30


@pytest.mark.soak
async def test_every_committed_transition_is_told_for_long(
    tmp_path: Path, seed: int, record_property: Report
) -> None:
    kills = await flap(tmp_path, seed, lives=60, record_property=record_property)
    assert kills >= 100


async def flap(directory: Path, seed: int, lives: int, record_property: Report) -> int:
    """A run of so many lives of the app; returns how often something was killed."""
    random, hook = Random(seed), Hook(directory)
    await hook.start()
    try:
        async with torment(directory, SHAPE, seed, flips(SHAPE, SHARE), environment=ALLOWED) as run:
            await run.begin()
            await put_alerts(run, hook)
            await run.kill_app()
            kills = await _kill(run, hook, random, lives)
            await run.settle()
            await all_told(run)
            account = held_against(await committed(run), list(hook.got()))
            assert await run.app.stop() == 0
    finally:
        with trio.move_on_after(KILL_LIMIT_S, shield=True):
            await hook.kill()
    assert run.faults == []
    assert account.wrong == []
    assert account.alerts == SHAPE.stats
    assert account.told > SHAPE.stats
    figures = run.figures
    record_property(
        "report",
        f"alerts under kills, seed {seed}: {figures.app_kills} of the app,"
        f" {figures.server_kills} of the store, {kills} of the receiver;"
        f" {account.transitions:,} transitions, {account.told:,} told,"
        f" {account.again:,} again; 0 lost, 0 turned round, 0 phantom",
    )
    return figures.app_kills + figures.server_kills + kills


async def _kill(run: Torment, hook: Hook, random: Random, lives: int) -> int:
    """Live and die; meanwhile the receiver does so at moments of its own."""
    kills = 0

    async def kill_hook() -> None:
        nonlocal kills
        while True:
            await trio.sleep(random.uniform(*KILL_HOOK_S))
            await hook.kill()
            kills += 1
            await trio.sleep(random.uniform(*HOOK_DOWN_S))
            await hook.start()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_hook)
        await run.through([_life(random, number) for number in range(lives)])
        nursery.cancel_scope.cancel()
    await hook.kill()
    await hook.start()
    return kills


def _life(random: Random, number: int) -> Life:
    """One that ends while much is under way; now and then the store is killed in it."""
    seconds = random.uniform(2.5, 6.0)
    kills = [random.uniform(1.0, seconds)] if number % 2 == 0 else []
    return Life(seconds, kills, both=number % 5 == 4)
