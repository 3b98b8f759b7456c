"""The ping addresses of all accounts, and what a call of one does.

Law: a call is answered when what it says is stored for good: a start too, so that how long a job
took is known although the server was started again meanwhile.
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

STARTED_KIND: Final = "ping_start"

STARTED_MS: Final = 7 * 86_400_000
"""A job that takes longer than this is not measured."""


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

    def __repr__(self) -> str:
        return f"<Pings of {self._rulebook!r}>"

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
        gone = [Write(kind, ping.account, ping.id, None) for kind in (KIND, STARTED_KIND)]
        await self._documents.write(gone, self._clock.now_ms())

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
            await self._note_start(ping, b"%d" % now_ms)
            return True
        started_ms = await self._started(ping)
        if signal == "fail":
            await self._fail(stat)
        else:
            await self._submit(stat, now_ms, 1.0)
            await self._measure(ping, started_ms)
        if started_ms is not None:
            # Last: whoever gets no answer calls again, and is measured all the same.
            await self._note_start(ping, None)
        return True

    async def _started(self, ping: Ping) -> int | None:
        """When its job began, if it is under way."""
        found = await self._documents.get(STARTED_KIND, ping.account, ping.id, self._clock.now_ms())
        return None if found is None else int(found.body)

    async def _note_start(self, ping: Ping, body: bytes | None) -> None:
        now_ms = self._clock.now_ms()
        write = Write(STARTED_KIND, ping.account, ping.id, body, expires_ms=now_ms + STARTED_MS)
        await self._documents.write([write], now_ms)

    async def _measure(self, ping: Ping, started_ms: int | None) -> None:
        now_ms = self._clock.now_ms()
        seconds = self._directory.get(ping.seconds)
        if started_ms is not None and seconds is not None and seconds.state == "live":
            await self._submit(seconds, now_ms, (now_ms - started_ms) / 1000)

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
