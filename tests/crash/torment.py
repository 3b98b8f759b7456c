"""A run: clients send and repeat until they are answered, while everything is killed under them.

    async with torment(tmp_path, shape, seed) as run:
        await run.through([Life(2.0), Life(65.0, server_kills=(3.0, 9.5))])
        await run.settle()
        difference = await compared(run)

Law: a batch that was not answered is sent again under the same key until it is; so at the end every
point must count exactly once.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import trio

from api.clock import WallClock
from tests.crash.accounts import found_accounts
from tests.crash.http import Client, Unanswered
from tests.crash.ledger import Ledger, Sent
from tests.crash.load import Shape, batch
from tests.crash.processes import App, StoreServer
from tests.crash.waiting import until

SENDERS = 8
PACE_S = 0.05
"""A sender pauses up to so long between two batches."""

PATIENCE_S = 0.05
"""... and so long after a refusal or a broken connection."""

RESENT_SHARE = 0.02
"""Batches that are sent once more although they were acknowledged."""

SETTLE_LIMIT_S = 60.0
KILL_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Life:
    """How long the app lives, and when the server is killed meanwhile: seconds since its start.

    `both` kills the server too when the app is killed.
    """

    seconds: float
    server_kills: Sequence[float] = ()
    both: bool = False


@dataclass(slots=True)
class Figures:
    """What happened; times in seconds."""

    app_kills: int = 0
    server_kills: int = 0
    unanswered: int = 0
    resent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    app_recoveries: list[float] = field(default_factory=list)
    server_recoveries: list[float] = field(default_factory=list)

    def lines(self, ledger: Ledger) -> list[str]:
        """For the report."""
        refused = ", ".join(f"{count} {code}" for code, count in sorted(self.refused.items()))
        return [
            f"{len(ledger.batches):,} batches, {ledger.acknowledged:,} points;"
            f" {self.app_kills} app kills, {self.server_kills} server kills;"
            f" {self.unanswered} unanswered and repeated, {self.resent} repeated for nothing;"
            f" refused: {refused or 'none'}",
            f"first ack after a kill of the app: {_spread(self.app_recoveries)};"
            f" of the server: {_spread(self.server_recoveries)}",
        ]


class Torment:
    """One run over one data directory; `faults` are answers that should never come."""

    def __init__(self, app: App, keys: Sequence[str], shape: Shape, seed: int) -> None:
        self.app = app
        self.keys = keys
        self.shape = shape
        self.random = Random(seed)
        self.server = StoreServer(app.data)
        self.ledger = Ledger()
        self.figures = Figures()
        self.faults: list[str] = []
        self.keyed = True
        self.port: int | None = None
        self._serving = trio.Event()
        self._stopping = False
        self._senders = 0
        # Kills that nobody has got an answer after: when, and where to note how long it took.
        self._open_kills: list[tuple[float, list[float]]] = []

    def client(self, account: int) -> Client:
        """A client of the app as it serves now."""
        assert self.port is not None, "BUG: serving nowhere"
        return Client(self.port, self.keys[account])

    # Sending

    async def send(self) -> None:
        """Send batch after batch until told to stop."""
        self._senders += 1
        random = Random(self.random.getrandbits(64))
        clients: dict[int, Client] = {}
        while not self._stopping:
            account, made = batch(random, self.shape, WallClock().now_ms())
            self.ledger.batches.append(made)
            await self._deliver(account, made, clients)
            if random.random() < RESENT_SHARE:
                self.figures.resent += 1
                await self._deliver(account, made, clients)
            await trio.sleep(random.uniform(0, PACE_S))
        for client in clients.values():
            client.close()
        self._senders -= 1

    async def _deliver(self, account: int, made: Sent, clients: dict[int, Client]) -> None:
        items = [
            {"stat": stat_name(stat), "type": self.shape.kind_of(stat), "t": at_ms, "value": value}
            for stat, at_ms, value in zip(
                made.stat.tolist(), made.at_ms.tolist(), made.value.tolist(), strict=True
            )
        ]
        done = False
        while not done:
            await self._serving.wait()
            client = clients.get(account)
            if client is None or client.port != self.port:
                client = clients[account] = self.client(account)
            done = await self._try(client, made, items)
            if not done:
                await trio.sleep(PATIENCE_S)

    async def _try(self, client: Client, made: Sent, items: list[dict[str, object]]) -> bool:
        """Whether there was an answer that is final."""
        began = trio.current_time()
        made.tries += 1
        headers = {"Idempotency-Key": made.key} if self.keyed else {}
        try:
            answer = await client.ask("POST", "/v1/ingest/batch", {"items": items}, headers)
        except Unanswered:
            self.figures.unanswered += 1
            return False
        said = answer.json()
        if answer.status == 503:
            self.figures.refused[said["code"]] += 1
            return False
        if answer.status != 202 or said["accepted"] != len(made) or said["rejected"]:
            self.faults.append(f"{answer.status} {said}")
        made.acknowledged = True
        self._note_recovery(began)
        return True

    def _note_recovery(self, began: float) -> None:
        still_open = []
        for killed, recoveries in self._open_kills:
            if began > killed:
                recoveries.append(trio.current_time() - killed)
            else:
                still_open.append((killed, recoveries))
        self._open_kills = still_open

    # Killing

    async def through(self, lives: Sequence[Life]) -> None:
        """Live and die as told; the last life goes on."""
        for life in lives:
            await self._live(life)
        await self._begin()

    async def _live(self, life: Life) -> None:
        await self.app.start()
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._announce)
            for moment in life.server_kills:
                await trio.sleep_until(began + moment)
                await self.kill_server()
            await trio.sleep_until(began + life.seconds)
            nursery.cancel_scope.cancel()
        await self.kill_app()
        if life.both:
            await self.kill_server()

    async def _begin(self) -> None:
        await self.app.start()
        await self._announce()

    async def _announce(self) -> None:
        self.port = await self.app.wait_serving()
        self._serving.set()

    async def kill_app(self) -> None:
        """Kill -9 the app."""
        if not self.app.alive:
            self.faults.append(f"the app ended by itself:\n{self.app.said().decode()[-3000:]}")
        if self._serving.is_set():
            self._serving = trio.Event()
        await self.app.kill()
        self.figures.app_kills += 1
        self._open_kills.append((trio.current_time(), self.figures.app_recoveries))

    async def kill_server(self) -> None:
        """Kill -9 the store server, if one lives."""
        if await self.server.kill():
            self.figures.server_kills += 1
            self._open_kills.append((trio.current_time(), self.figures.server_recoveries))

    # Ending

    async def settle(self) -> None:
        """Send no more; returns when every batch is acknowledged."""
        self._stopping = True
        await until(lambda: not self._senders, SETTLE_LIMIT_S)


@asynccontextmanager
async def torment(
    directory: Path, shape: Shape, seed: int, **environment: str
) -> AsyncGenerator[Torment, None]:
    """A run in a directory of its own; whatever still lives at the end is killed."""
    data = directory / "data"
    keys = await found_accounts(data, shape.accounts)
    app = App(data, **environment)
    run = Torment(app, keys, shape, seed)
    try:
        async with trio.open_nursery() as senders:
            for _ in range(SENDERS):
                senders.start_soon(run.send)
            yield run
            senders.cancel_scope.cancel()
    finally:
        with trio.move_on_after(KILL_LIMIT_S, shield=True):
            await app.kill()
            await run.server.kill()


def stat_name(stat: int) -> str:
    """What a stat is called."""
    return f"stat.{stat}"


def _spread(times: Sequence[float]) -> str:
    if not times:
        return "never"
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"p50 {ordered[len(ordered) // 2]:.2f} s, p99 {p99:.2f} s"
