"""A whole server in memory: the real node, keyring, directory and application on a mock clock."""

import random
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import trio
from argon2 import PasswordHasher
from werkzeug.datastructures import Headers

from api.accounts.addresses import read_network
from api.accounts.desk import Desk
from api.accounts.hashing import Hasher, at_once
from api.accounts.keyring import Keyring
from api.accounts.keys import Scope
from api.accounts.sessions import Sessions
from api.accounts.vault import Vault
from api.http.app import create_app
from api.http.context import Context
from api.http.site import Site
from api.importing.jobs import Importing
from api.importing.jobs import Means as ImportMeans
from api.importing.kept import Kept
from api.notify.addresses import Address, read_target
from api.notify.cron import next_ms
from api.notify.guard import Guard
from api.notify.mail import Mail
from api.notify.office import Ear, Means, Preferences, office_of
from api.notify.outgoing import Answered, Failed
from api.plans.allowances import Allowances
from api.plans.meter import Meter
from api.plans.plan import BUILT_IN, UNLIMITED, Plan
from engine.clock import TrioClock
from engine.node import Node, open_node
from engine.ports import Appended, Group, StoreError
from engine.rollup import Rollups
from engine.stats import Stat
from engine.tiers import S1
from storage.directory import Directory
from storage.memory import MemoryStore
from storage.memory_catalog import MemoryCatalog
from storage.memory_documents import MemoryDocuments

NOW_MS = 1_795_302_000_000
NOW_S = NOW_MS // 1000

CLIENT = "192.0.2.7"
"""Where requests come from."""

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes that take no time."""


class FailingStore(MemoryStore):
    """A store that answers every append with `failure`, once there is one."""

    failure: StoreError | None = None

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        if self.failure is not None:
            await trio.lowlevel.checkpoint()
            return [self.failure] * len(groups)
        return await super().append(groups)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # ruff: ignore[any-type]
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The problem code; the answer must be a whole problem."""
        problem = self.json
        assert self.headers["content-type"] == "application/problem+json"
        assert problem["status"] == self.status
        assert problem["type"].endswith(f"/problems/{problem['code']}")
        assert problem["request_id"] == self.headers["x-request-id"]
        assert b"Traceback" not in self.body
        return str(problem["code"])


@dataclass(frozen=True)
class Sent:
    """One webhook that left the server."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # ruff: ignore[any-type]
        """The body, decoded."""
        return msgspec.json.decode(self.body)


@dataclass(eq=False)
class Post:
    """Everything that leaves the server: webhooks, which get `answer` unless `dead`, and mails."""

    sent: list[Sent] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    answer: Answered | Failed = field(default_factory=lambda: Answered(200))
    fetched: list[str] = field(default_factory=list)
    answers: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    dead: str | None = None

    async def receive(
        self, guard: Guard, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answered | Failed:
        """Take a webhook."""
        await trio.lowlevel.checkpoint()
        self.sent.append(Sent(url, headers, body))
        return Failed("connection", "refused") if url == self.dead else self.answer

    async def send(self, mail: Mail) -> None:
        """Take a mail."""
        await trio.lowlevel.checkpoint()
        self.mails.append(mail)

    def take(self, mail: Mail) -> bool:
        """Take a mail that nobody waits for."""
        self.mails.append(mail)
        return True

    async def fetch(self, guard: Guard, url: str) -> tuple[int, bytes]:
        """Answer for another server: the next of the answers to the URL, the last for ever."""
        await guard.check(read_target(url))
        self.fetched.append(url)
        found = self.answers.get(url, [(404, b"")])
        return found.pop(0) if len(found) > 1 else found[0]

    async def resolve(self, host: str) -> list[Address]:
        """Every name is public, but for those that say that they are not."""
        await trio.lowlevel.checkpoint()
        return [ip_address("10.0.0.1" if host.startswith("inside") else "8.8.8.8")]


@dataclass(eq=False)
class Server:
    """A server in memory, and requests to it."""

    context: Context
    store: FailingStore
    app: Any
    posted: list[Mail]
    post: Post
    keys: dict[str, str] = field(default_factory=dict)

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        key: str | None = "all",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; `key` names one of `keys`."""
        sent = Headers(list(headers.items() if isinstance(headers, Mapping) else headers))
        if key is not None:
            sent.add("authorization", f"Bearer {self.keys[key]}")
        return (await self.send_raw(method, path, json=json, body=body, headers=sent, query=query))[
            0
        ]

    async def send_raw(
        self,
        method: str,
        path: str,
        *,
        headers: Headers,
        json: object = None,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[Answer, list[str]]:
        """Send one request as it is; also answers which cookies are set."""
        sent = headers
        if json is not None:
            body = msgspec.json.encode(json)
        if body is not None:
            sent.setdefault("content-type", "application/json")
        if sent.get("content-type") == "none":
            del sent["content-type"]
        client = self.app.test_client(use_cookies=False)
        response = await client.open(
            path, method=method, data=body, headers=sent, query_string=query,
            scope_base={"client": (CLIENT, 4711)},
        )  # fmt: skip
        got = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, got, await response.get_data())
        return answer, response.headers.getlist("set-cookie")

    async def new_key(
        self, name: str, scopes: Iterable[Scope], account: int = 1, prefix: str | None = None
    ) -> None:
        """Make a key that `send` knows by name."""
        made = await self.context.keyring.create(account, name, list(scopes), prefix)
        self.keys[name] = made.secret

    def stat(self, name: str, account: int = 1) -> Stat:
        """A stat by name."""
        return self.context.directory.names(account)[name]

    async def buckets(self, name: str, account: int = 1) -> Rollups:
        """The seconds of a stat's last quarter of an hour."""
        stat = self.stat(name, account)
        now_s = self.context.clock.now_ms() // 1000
        reading = await self.context.node.read(stat.partition, stat.id, S1, now_s - 800, now_s + 61)
        return reading.rollups

    async def stored(self) -> dict[str, tuple[int, float]]:
        """Count and sum of every stat of account 1 in the last quarter of an hour."""
        found = {}
        for name in self.context.directory.names(1):
            rollups = await self.buckets(name)
            if len(rollups):
                found[name] = int(rollups.count.sum()), float(rollups.sum.sum())
        return found


@asynccontextmanager
async def serving(
    partitions: int = 4,
    spread: int = 1,
    plan: Plan = UNLIMITED,
    folder: Path = Path("not-there"),
    store: FailingStore | None = None,
    documents: MemoryDocuments | None = None,
) -> AsyncGenerator[Server]:
    """A server with the keys `all`, `read`, `write` of account 1 and `other` of account 2."""
    store, documents = store or FailingStore(partitions), documents or MemoryDocuments()
    clock = TrioClock(NOW_MS - int(trio.current_time() * 1000))
    catalog = MemoryCatalog()
    directory = Directory(store, clock, lambda account: spread)
    await directory.load()
    off = directory.without_percentiles
    ear = Ear()
    async with (
        open_node(
            store,
            clock,
            on_command=directory.apply,
            without_histograms=off,
            owners=directory.accounts,
            next_ms=next_ms,
            on_judged=ear.judged,
        ) as node,
        trio.open_nursery() as nursery,
    ):
        keyring = Keyring(catalog, clock, random.Random(7))
        await node.wait_ready()
        directory.open(node.submit)
        post, address = Post(), "http://stats.example"
        posted, vault = list[Mail](), Vault([b"k" * 32])
        plans = {one.name: one for one in (*BUILT_IN, plan)}
        allowances = Allowances(documents, Meter(store, directory), clock, plans, plan.name)
        desk = Desk(
            documents, catalog, clock, Sessions(documents, clock), Hasher(CHEAP, at_once), vault,
            posted.append, address, "open",
            check_members=lambda account, amount: allowances.of(account).check("members", amount),
            chooser=random.Random(8),
        )  # fmt: skip
        means = Means(
            node, directory, documents, clock, address, vault, post, post.take,
            Preferences([read_network("127.0.0.0/8")]), lambda account: spread,
            own_addresses=desk.proven_addresses, resolve=post.resolve, send=post.receive,
        )  # fmt: skip
        office = ear.office = office_of(means)
        guard = Guard(means.preferences.allowed, post.resolve)
        context = Context(
            node, directory, keyring, documents, desk, office, clock, address, allowances,
            site=Site(Path("not-built")),
            importing=Importing(
                ImportMeans(node, directory, office, allowances, vault, guard, clock, post.fetch),
                Kept(documents, folder),
            ),
        )  # fmt: skip
        server = Server(context, store, create_app(context), posted, post)
        for name in ("owner", "other"):
            await catalog.create_account(name, NOW_MS)
        await server.new_key("all", ["read", "write", "admin"])
        await server.new_key("read", ["read"])
        await server.new_key("write", ["write"])
        await server.new_key("other", ["read", "write", "admin"], account=2)
        nursery.start_soon(office.run, partial(_accounts, catalog))
        nursery.start_soon(context.importing.run, partial(_accounts, catalog))
        yield server
        context.stop()
        nursery.cancel_scope.cancel()


async def _accounts(catalog: MemoryCatalog) -> list[int]:
    return [account.id for account in await catalog.accounts()]


def node_of(server: Server) -> Node:
    """The engine of a server."""
    return server.context.node
