"""What the routes work with: the engine, the records of accounts, the clock, the meters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from api.accounts.keyring import Keyring
from api.http.meters import Meters
from api.http.streams import OpenStream, Streams
from api.http.tickets import Tickets
from api.notify.office import Office
from api.plans.allowances import Allowances
from api.plans.billing import Billing
from engine.node import Node
from engine.ports import Clock
from storage.directory import Directory
from storage.documents import Documents

KEY_GONE: Final = "the key is no longer valid"

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(slots=True)
class Context:
    """One server; `public_url` is how clients reach it, without a slash at the end.

    `warnings` tells what is amiss outside of the engine.
    """

    node: Node
    directory: Directory
    keyring: Keyring
    documents: Documents
    office: Office
    clock: Clock
    public_url: str
    allowances: Allowances
    warnings: Callable[[], list[str]] = list
    meters: Meters = field(default_factory=Meters)
    streams: Streams = field(default_factory=Streams)
    tickets: Tickets = field(default_factory=Tickets)
    stopping: trio.Event = field(default_factory=trio.Event)
    billing: Billing | None = None

    def stop(self) -> None:
        """Say that the server stops: every live stream says goodbye."""
        self.stopping.set()
        self.streams.end_all("the server stops")

    async def end_with_key(self, stream: OpenStream) -> None:
        """End a stream once the key that it was opened with is no longer valid."""
        await self.keyring.until_gone(stream.caller)
        stream.end(KEY_GONE)
