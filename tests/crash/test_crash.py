"""Kill -9 of the app and of the store server, again and again: nothing is lost, nothing doubled.

Real processes over HTTP. `CRASH_SEED=n` repeats the plan and the batches of a run, not its timing.
"""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import trio

from api.clock import WallClock
from storage.opening import open_for_reading
from tests.crash.compare import check, compared
from tests.crash.load import Shape
from tests.crash.processes import statflow
from tests.crash.recount import audited
from tests.crash.torment import Life, Torment, torment
from tests.faults.outside import make_outside

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the server's process as Linux does"),
]

SHAPE = Shape(stats=120, accounts=4, points_max=60)
QUICK_SHAPE = Shape(stats=24, accounts=2, points_max=20)

SHORT_LIVES = 58
FOLD_S = 61.0
"""After so long the app folds for the first time."""

SOME_POINTS = 2_000
SEND_LIMIT_S = 120.0

RECOVERY_S_MAX = 5.0
"""Half of the kills are forgotten sooner than that; where the app starts slowly, so much later."""

Report = Callable[[str, object], None]


@pytest.fixture
def seed() -> int:
    """Another one each time, unless the environment says which."""
    return int(os.environ.get("CRASH_SEED") or secrets.randbits(32))


async def test_nothing_is_lost_or_doubled(
    tmp_path: Path, seed: int, record_property: Report
) -> None:
    async with torment(tmp_path, SHAPE, seed) as run:
        await run.through(plan(Random(seed)))
        await trio.sleep(1)
        await run.settle()
        await check(run)
        code, said = await statflow(run.app, "audit")
        assert code == 0, said
        async with open_for_reading(run.url) as store:
            assert any([await store.active(number, 0) for number in range(store.partitions)])
        assert await run.app.stop() == 0
    figures = run.figures
    assert figures.app_kills >= 60
    assert figures.server_kills >= 20
    half = sorted(figures.app_recoveries)[len(figures.app_recoveries) // 2]
    assert half < RECOVERY_S_MAX * run.slowness
    report(record_property, f"crash run, seed {seed}", run)


def plan(random: Random) -> list[Life]:
    """Short lives that end anywhere from the start on, then some that see the fold."""
    lives = [short_life(random, number) for number in range(SHORT_LIVES)]
    kills = sorted(random.uniform(3, FOLD_S - 5) for _ in range(4))
    return [
        *lives,
        Life(FOLD_S + random.uniform(0, 1), kills),
        Life(FOLD_S + random.uniform(0, 4), kills[:1], both=True),
        # The server is killed while the app folds.
        Life(FOLD_S + 4, (FOLD_S + random.uniform(0.2, 2),)),
    ]


def short_life(random: Random, number: int) -> Life:
    """One that ends while the app starts, or soon after."""
    seconds = random.uniform(0.1, 1.2) if number % 4 == 0 else random.uniform(1.2, 3.2)
    kills = [random.uniform(0, seconds)] if number % 3 == 0 else []
    return Life(seconds, kills, both=number % 10 == 5)


async def test_no_power_cut_loses_what_was_acknowledged(
    tmp_path: Path, seed: int, record_property: Report
) -> None:
    outside = make_outside(tmp_path / "outside")
    random = Random(seed)
    async with torment(tmp_path, QUICK_SHAPE, seed, outside=outside) as run:
        await run.through([Life(random.uniform(1.5, 4), power=True) for _ in range(10)])
        await run.settle()
        await check(run)
    assert run.figures.cuts == 10
    report(record_property, f"power cuts, seed {seed}", run)


# Tests of the test: it must see what it is made for.


async def test_a_loss_is_seen(tmp_path: Path, record_property: Report) -> None:
    outside = make_outside(tmp_path / "outside")
    relaxed = {"STATFLOW_DURABILITY": "relaxed"}
    async with torment(tmp_path, QUICK_SHAPE, 1, outside=outside, environment=relaxed) as run:
        for _ in range(3):
            await some_points(run)
            await run.cut_power()
        await run.begin()
        await run.settle()
        difference = await compared(run)
    assert run.figures.cut_bytes
    assert difference.lost
    assert not difference.equal
    record_property("report", f"everysec and power cuts: {difference.lost:,} lost points are seen")


async def test_a_double_is_seen(tmp_path: Path, record_property: Report) -> None:
    async with torment(tmp_path, QUICK_SHAPE, 2) as run:
        run.keyed = False
        for _ in range(3):
            await some_points(run)
            await run.kill_app()
        await run.begin()
        await run.settle()
        difference = await compared(run)
        async with open_for_reading(run.url) as store:
            audits = await audited(store, WallClock().now_ms() // 1000)
    assert difference.doubled
    assert not difference.lost
    # To the audit these are points like any other: only the ledger knows better.
    assert all(one.equal for one in audits)
    assert sum(one.appended for one in audits) > run.ledger.acknowledged
    record_property("report", f"no keys: {difference.doubled:,} points counted twice are seen")


async def some_points(run: Torment) -> None:
    """Start the app, and let it take some points: a busy machine needs longer for that."""
    await run.begin()
    await run.wait_sent(run.ledger.acknowledged + SOME_POINTS, SEND_LIMIT_S)


def report(record_property: Report, what: str, run: Torment) -> None:
    """Print the figures of a run that went well."""
    first, *rest = run.figures.lines(run.ledger)
    record_property("report", f"{what}: 0 lost, 0 double; {first}")
    for line in rest:
        record_property("report", f"    {line}")
