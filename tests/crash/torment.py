"""A run: clients send and repeat until they are answered, while everything is killed under them.

    async with torment(tmp_path, shape, seed) as run:
        await run.through([Life(2.0), Life(65.0, server_kills=(3.0, 9.5))])
        await run.settle()
        difference = await compared(run)

Law: a batch that was not answered is sent again under the same key until it is; so at the end every
point must count exactly once.
"""

import os
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import trio

from api.clock import WallClock
from storage.server import ServerSettings
from tests.crash.accounts import found_accounts
from tests.crash.http import Client, Unanswered
from tests.crash.ledger import Ledger, Sent
from tests.crash.load import Shape, Source, endless
from tests.crash.processes import App, StoreServer, last_append_only_file
from tests.crash.waiting import until
from tests.faults.outside import Outside

SENDERS = 8
PACE_S = 0.05
"""A sender pauses up to so long between two batches."""

PATIENCE_S = 0.05
"""... and so long after a refusal or a broken connection."""

RESENT_SHARE = 0.02
"""Batches that are sent once more although they were acknowledged."""

START_S = 1.0
"""In so long the app starts on a machine for which lives are written."""

SLOWNESS_MAX = 4.0
"""On a machine that is slower still, many lives end before the app serves."""

SETTLE_LIMIT_S = 60.0
KILL_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Life:
    """How long the app lives, and when the server is killed meanwhile: seconds since its start.

    At the end the app is killed; if `both`, then the server too; if `power`, then both, and what
    no fsync has put on disk is gone.
    """

    seconds: float
    server_kills: Sequence[float] = ()
    both: bool = False
    power: bool = False


@dataclass(slots=True)
class Figures:
    """What happened; times in seconds."""

    app_kills: int = 0
    server_kills: int = 0
    cuts: int = 0
    cut_bytes: int = 0
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
            f" {self.app_kills} app kills, {self.server_kills} server kills, {self.cuts} power cuts"
            f" ({self.cut_bytes:,} bytes);"
            f" {self.unanswered} unanswered and repeated, {self.resent} repeated for nothing;"
            f" refused: {refused or 'none'}",
            f"first ack after a kill of the app: {_spread(self.app_recoveries)};"
            f" of the server: {_spread(self.server_recoveries)}",
        ]


class Torment:
    """One run over one data directory; `faults` are answers that should never come."""

    def __init__(
        self, app: App, keys: Sequence[str], shape: Shape, seed: int, outside: Outside | None = None
    ) -> None:
        self.app = app
        self.keys = keys
        self.shape = shape
        self.random = Random(seed)
        self.outside = outside
        self.server = StoreServer(app.data)
        self.url = self.server.url
        self.ledger = Ledger()
        self.figures = Figures()
        self.faults: list[str] = []
        self.slowness = 1.0
        self.keyed = True
        self.port: int | None = None
        self._serving = trio.Event()
        self._stopping = False
        self._senders = 0
        self._clients: list[Client] = []
        # Kills that nobody has got an answer after: when, and where to note how long it took.
        self._open_kills: list[tuple[float, list[float]]] = []

    def client(self, account: int) -> Client:
        """A client of the app as it serves now."""
        assert self.port is not None, "BUG: serving nowhere"
        client = Client(self.port, self.keys[account])
        self._clients.append(client)
        return client

    # Sending

    def start_senders(self, nursery: trio.Nursery, source: Source) -> None:
        """Send from several clients at once."""
        for _ in range(SENDERS):
            self._senders += 1
            nursery.start_soon(self._send_batches, source)

    async def _send_batches(self, source: Source) -> None:
        """Send batch after batch until there are no more, or until told to stop."""
        random = Random(self.random.getrandbits(64))
        clients: dict[int, Client] = {}
        while not self._stopping and (made := source(random, WallClock().now_ms())):
            account, sent = made
            self.ledger.batches.append(sent)
            await self._deliver(account, sent, clients)
            if random.random() < RESENT_SHARE:
                self.figures.resent += 1
                await self._deliver(account, sent, clients)
            await trio.sleep(random.uniform(0, PACE_S))
        self._senders -= 1

    async def _deliver(self, account: int, sent: Sent, clients: dict[int, Client]) -> None:
        body = {"items": items_of(sent, self.shape)}
        done = False
        while not done:
            port = await self._where()
            if account not in clients:
                clients[account] = self.client(account)
            client = clients[account]
            client.port = port
            done = await self._try(client, sent, body)
            if not done:
                await trio.sleep(PATIENCE_S)

    async def _where(self) -> int:
        """The port, once somebody serves."""
        while self.port is None:
            await self._serving.wait()
        return self.port

    async def _try(self, client: Client, sent: Sent, body: object) -> bool:
        """Whether there was an answer that is final."""
        began = trio.current_time()
        sent.tries += 1
        headers = {"Idempotency-Key": sent.key} if self.keyed else {}
        try:
            answer = await client.ask("POST", "/v1/ingest/batch", body, headers)
        except Unanswered:
            self.figures.unanswered += 1
            return False
        said = answer.json()
        if answer.status == 503:
            self.figures.refused[said["code"]] += 1
            return False
        if answer.status != 202 or said["rejected"]:
            self.faults.append(f"{answer.status} {said}")
        elif said["accepted"] + said["duplicates"] != len(sent) + len(sent.again):
            self.faults.append(f"{len(sent)} + {len(sent.again)} points: {said}")
        sent.acknowledged = True
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

    async def wait_sent(self, points: int, limit_s: float) -> None:
        """Wait until so many points are acknowledged."""
        await until(lambda: self.ledger.acknowledged >= points, limit_s)

    # Killing

    async def through(self, lives: Sequence[Life]) -> None:
        """Live and die as told; the last life goes on.

        Where the app takes longer to start, everything happens so much later; else it would always
        die before it serves.
        """
        began = trio.current_time()
        await self.begin()
        self.slowness = min(max(1.0, (trio.current_time() - began) / START_S), SLOWNESS_MAX)
        await self.kill_app()
        for life in lives:
            await self._live(life)
        await self.begin()

    async def _live(self, life: Life) -> None:
        await self.app.start()
        began = trio.current_time()

        async def reach(moment: float) -> None:
            late = (self.slowness - 1) * min(moment, 3 * START_S)
            await trio.sleep_until(began + moment + late)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._announce)
            for moment in life.server_kills:
                await reach(moment)
                await self.kill_server()
            await reach(life.seconds)
            nursery.cancel_scope.cancel()
        if life.power:
            await self.cut_power()
        else:
            await self.kill_app()
            if life.both:
                await self.kill_server()

    async def begin(self) -> None:
        """Start the app; returns when it serves."""
        await self.app.start()
        await self._announce()

    async def _announce(self) -> None:
        self.served_by(await self.app.wait_serving())

    def served_by(self, port: int | None) -> None:
        """Where the senders find the app from now on; None while they must wait."""
        self.port = port
        if port is not None:
            self._serving.set()
        elif self._serving.is_set():
            self._serving = trio.Event()

    async def kill_app(self) -> None:
        """Kill -9 the app."""
        if not self.app.alive:
            self.faults.append(f"the app ended by itself:\n{self.app.said().decode()[-3000:]}")
        self.served_by(None)
        await self.app.kill()
        self.figures.app_kills += 1
        self._open_kills.append((trio.current_time(), self.figures.app_recoveries))

    async def kill_server(self) -> None:
        """Kill -9 the store server, if one lives."""
        if await self.server.kill():
            self.figures.server_kills += 1
            self._open_kills.append((trio.current_time(), self.figures.server_recoveries))

    async def cut_power(self) -> None:
        """Kill both, and forget what was written and not synced."""
        assert self.outside is not None, "BUG: nobody noted what was synced"
        await self.kill_app()
        await self.kill_server()
        file = last_append_only_file(self.server.store)
        synced = self.outside.synced_bytes(file)
        self.figures.cut_bytes += max(0, file.stat().st_size - synced)
        self.figures.cuts += 1
        os.truncate(file, min(synced, file.stat().st_size))

    # Ending

    async def settle(self) -> None:
        """Send no more; returns when every batch is acknowledged."""
        self._stopping = True
        await self.finish(SETTLE_LIMIT_S)

    async def finish(self, limit_s: float) -> None:
        """Wait until there is no more to send and every batch is acknowledged."""
        await until(lambda: not self._senders, limit_s)

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()


@asynccontextmanager
async def torment(
    directory: Path,
    shape: Shape,
    seed: int,
    source: Source | None = None,
    outside: Outside | None = None,
    environment: Mapping[str, str] = {},
) -> AsyncGenerator[Torment, None]:
    """A run in a directory of its own; whatever still lives at the end is killed."""
    data = directory / "data"
    # What was there before is noted as synced, too: no cut of the power may take it.
    with outside.around_servers() if outside else nullcontext():
        keys = await found_accounts(ServerSettings(data), shape.accounts)
    app = App(data, {**environment, **(outside.environment if outside else {})})
    run = Torment(app, keys, shape, seed, outside)
    try:
        async with trio.open_nursery() as senders:
            run.start_senders(senders, source or endless(shape))
            yield run
            senders.cancel_scope.cancel()
    finally:
        run.close()
        with trio.move_on_after(KILL_LIMIT_S, shield=True):
            await app.kill()
            await run.server.kill()


def items_of(sent: Sent, shape: Shape) -> list[dict[str, object]]:
    """A batch as it is sent."""
    rows = [(sent, row) for row in range(len(sent))]
    return [_item(batch, row, shape) for batch, row in (*rows, *sent.again)]


def _item(sent: Sent, row: int, shape: Shape) -> dict[str, object]:
    stat = int(sent.stat[row])
    item: dict[str, object] = {
        "stat": stat_name(stat),
        "type": shape.kind_of(stat),
        "t": int(sent.at_ms[row]),
        "value": float(sent.value[row]),
    }
    if sent.named:
        item["id"] = f"{sent.key}.{row}"
    return item


def stat_name(stat: int) -> str:
    """What a stat is called."""
    return f"stat.{stat}"


def _spread(times: Sequence[float]) -> str:
    if not times:
        return "never"
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"p50 {ordered[len(ordered) // 2]:.2f} s, p99 {p99:.2f} s"
