"""The ping addresses of all accounts, and what a call of one does.

Law: a call is answered when its point is stored for good. How long a job took is known only while
this process has seen it start.
"""

import secrets
from typing import Final

from api.accounts.vault import Vault
from api.notify.ids import new_id
from api.notify.ping import KIND, TOKEN_LENGTH, Ping, Signal, digest_of, pack_ping, unpack_ping
from api.notify.rulebook import Rulebook
from engine import alert_commands as commands
from engine.base62 import DIGITS
from engine.points import Batch, Points
from engine.ports import Clock
from engine.rules import Kind as RuleKind
from engine.stats import Kind, Stat
from storage.directory import Directory
from storage.documents import Documents, Write

STARTED_MAX: Final = 10_000
"""Jobs under way whose start is remembered."""


class Pings:
    """Ping addresses: made, found, called."""

    def __init__(
        self,
        documents: Documents,
        directory: Directory,
        rulebook: Rulebook,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._directory = directory
        self._rulebook = rulebook
        self._vault = vault
        self._clock = clock
        self._started_ms: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Pings {len(self._started_ms)} jobs under way>"

    async def create(self, account: int, name: str, stat: Stat) -> tuple[Ping, str]:
        """A new address for a stat; returns it with its token."""
        seconds = f"{stat.name}.seconds"
        await self._directory.register(account, {seconds: Kind.VALUE})
        token = "".join(secrets.choice(DIGITS) for _ in range(TOKEN_LENGTH))
        ping_id = new_id("pi")
        ping = Ping(
            id=ping_id, account=account, name=name, stat=stat.id,
            seconds=self._directory.names(account)[seconds].id,
            sealed=self._vault.seal(token, ping_id), created_ms=self._clock.now_ms(),
        )  # fmt: skip
        claims = (digest_of(token),)
        write = Write(KIND, account, ping_id, pack_ping(ping), expected=0, claims=claims)
        await self._documents.write([write], self._clock.now_ms())
        return ping, token

    async def all(self, account: int) -> list[Ping]:
        """The addresses of an account, the oldest first."""
        found = await self._documents.all(KIND, account, self._clock.now_ms())
        pings = [unpack_ping(document.body) for document in found]
        return sorted(pings, key=lambda ping: (ping.created_ms, ping.id))

    async def get(self, account: int, ping_id: str) -> Ping | None:
        """One address."""
        found = await self._documents.get(KIND, account, ping_id, self._clock.now_ms())
        return None if found is None else unpack_ping(found.body)

    def token_of(self, ping: Ping) -> str:
        """The secret part of an address."""
        return self._vault.open(ping.sealed, ping.id)

    async def remove(self, ping: Ping) -> None:
        """Forget an address; its stat stays."""
        gone = Write(KIND, ping.account, ping.id, None)
        await self._documents.write([gone], self._clock.now_ms())

    async def find(self, token: str) -> Ping | None:
        """Whose address that is."""
        found = await self._documents.find(KIND, digest_of(token), self._clock.now_ms())
        return None if found is None else unpack_ping(found.body)

    async def call(self, ping: Ping, signal: Signal) -> bool:
        """What a job says; False when its stat is no longer there. Raises `NotAccepted`."""
        stat, now_ms = self._directory.get(ping.stat), self._clock.now_ms()
        if stat is None or stat.state != "live":
            return False
        if signal == "start":
            while len(self._started_ms) >= STARTED_MAX:
                del self._started_ms[next(iter(self._started_ms))]
            self._started_ms[ping.id] = now_ms
            return True
        started_ms = self._started_ms.pop(ping.id, None)
        if signal == "fail":
            await self._fail(stat)
            return True
        await self._submit(stat, now_ms, 1.0)
        seconds = self._directory.get(ping.seconds)
        if started_ms is not None and seconds is not None and seconds.state == "live":
            await self._submit(seconds, now_ms, (now_ms - started_ms) / 1000)
        return True

    async def _submit(self, stat: Stat, at_ms: int, value: float) -> None:
        node = self._rulebook.alerts.node
        await node.submit(stat.partition, Batch(Points.of([stat.id], [at_ms], [value])))

    async def _fail(self, stat: Stat) -> None:
        """Every deadman that waits for this stat fires at once."""
        rules = self._rulebook.alerts.node.alerting(stat.partition).rules
        told = [
            commands.fail(rule_id, stat.id)
            for rule_id, watching, _ in self._rulebook.alerts.states(stat.partition)
            if watching == stat.id and rules[rule_id].kind is RuleKind.DEADMAN
        ]
        if told:
            await self._rulebook.change(stat, *told)
