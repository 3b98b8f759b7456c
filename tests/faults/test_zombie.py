"""An app is paused, another one takes its store over, and the first wakes up.

Real processes over one server that none of them owns. Whoever was paused must be refused whatever
it still tries, must not acknowledge anything that does not count, and must end.
"""

import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from storage.lease import LEASE_MS
from storage.server import ServerSettings
from storage.server.testing import embedded_server
from tests.crash.accounts import found_accounts
from tests.crash.compare import check
from tests.crash.load import Shape, endless
from tests.crash.processes import App
from tests.crash.torment import Torment
from tests.crash.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes as Linux does"),
]

SHAPE = Shape(stats=24, accounts=2, points_max=20)
ROUNDS = 3
TAKE_OVER_LIMIT_S = LEASE_MS / 1000 + 60
END_LIMIT_S = 60.0

Report = Callable[[str, object], None]


async def test_a_paused_owner_is_fenced(tmp_path: Path, record_property: Report) -> None:
    said = []
    with embedded_server(tmp_path / "store") as server:
        keys = await found_accounts(ServerSettings(tmp_path, url=server.url), SHAPE.accounts)
        apps = [App(tmp_path / f"app{n}", {"STATFLOW_REDIS_URL": server.url}) for n in range(2)]
        run = Torment(apps[0], keys, SHAPE, seed=3)
        run.url = server.url
        async with sending(run, apps):
            await run.begin()
            for number in range(ROUNDS):
                zombie, heir = apps[number % 2], apps[1 - number % 2]
                await trio.sleep(1)
                zombie.send(signal.SIGSTOP)
                paused = trio.current_time()
                run.served_by(await taken_over(heir))
                took_s = trio.current_time() - paused
                await trio.sleep(1)
                zombie.send(signal.SIGCONT)
                assert await ended(zombie) != 0
                said.append(zombie.said().decode().strip().splitlines()[-1])
                run.app = heir
                assert took_s < TAKE_OVER_LIMIT_S
            await trio.sleep(1)
            await run.settle()
            difference = await check(run)
    assert all("another" in line or "in use by" in line for line in said), said
    record_property(
        "report",
        f"{ROUNDS} paused owners, all fenced and ended: {said[0]!r}; {run.figures.unanswered}"
        f" requests unanswered and repeated, {run.ledger.acknowledged:,} points in"
        f" {difference.buckets:,} buckets: 0 lost, 0 double",
    )


@asynccontextmanager
async def sending(run: Torment, apps: list[App]) -> AsyncGenerator[None, None]:
    """Send while the block runs; whatever lives afterwards is killed."""
    try:
        async with trio.open_nursery() as senders:
            run.start_senders(senders, endless(SHAPE))
            yield
            senders.cancel_scope.cancel()
    finally:
        run.close()
        for app in apps:
            with trio.move_on_after(END_LIMIT_S, shield=True):
                await app.kill()


async def ended(zombie: App) -> int | None:
    """Its exit code, once it has one."""
    await until(lambda: not zombie.alive, END_LIMIT_S)
    assert zombie.process is not None, "BUG: never started"
    return zombie.process.returncode


async def taken_over(heir: App) -> int:
    """Start the other app until the lease has run out and it serves; returns its port."""
    with trio.fail_after(TAKE_OVER_LIMIT_S):
        while True:
            await heir.start()
            await until(lambda: heir.port() is not None or not heir.alive, TAKE_OVER_LIMIT_S)
            port = heir.port()
            if port is not None:
                return port
            assert b"in use by" in heir.said(), heir.said().decode()
            await trio.sleep(0.2)
