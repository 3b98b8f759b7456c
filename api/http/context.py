"""What the routes work with: the engine, the records of accounts, the clock, the meters."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import trio

from api.accounts.addresses import Network, client_address
from api.accounts.desk import Desk
from api.accounts.keyring import Keyring
from api.boards.viewing import Viewing
from api.http.cookies import Cookies
from api.http.messages import RawRequest
from api.http.meters import Meters
from api.http.room import BodyRoom
from api.http.site import Site
from api.http.streams import OpenStream, Streams
from api.http.tickets import Tickets
from api.importing.jobs import Importing
from api.notify.office import Office
from api.plans.allowances import Allowances
from api.plans.billing import Billing
from api.stathat.access import Accesses
from engine.node import Node
from engine.ports import Clock
from storage.directory import Directory
from storage.documents import Documents

KEY_GONE: Final = "the key is no longer valid"

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(slots=True)
class Context:
    """One server; `public_url` is how clients reach it, without a slash at the end.

    `importing` brings in what other systems have counted; `exports` counts those of each account
    that are being sent. `warnings` tells what is amiss outside of the engine; `cookies` whether and
    how people log in.
    """

    node: Node
    directory: Directory
    keyring: Keyring
    documents: Documents
    desk: Desk
    office: Office
    clock: Clock
    public_url: str
    allowances: Allowances
    warnings: Callable[[], list[str]] = list
    cookies: Cookies = field(default_factory=lambda: Cookies("secure"))
    trusted_proxies: tuple[Network, ...] = ()
    meters: Meters = field(default_factory=Meters)
    room: BodyRoom = field(default_factory=BodyRoom)
    streams: Streams = field(default_factory=Streams)
    tickets: Tickets = field(default_factory=Tickets)
    exports: Counter[int] = field(default_factory=Counter)
    viewing: Viewing[Any] = field(default_factory=Viewing)
    site: Site = field(default_factory=Site)
    stopping: trio.Event = field(default_factory=trio.Event)
    billing: Billing | None = None
    importing: Importing = field(kw_only=True)
    stathat: Accesses = field(init=False)

    def __post_init__(self) -> None:
        self.stathat = Accesses(self.desk)

    def stop(self) -> None:
        """Say that the server stops: every live stream says goodbye."""
        self.stopping.set()
        self.streams.end_all("the server stops")

    async def end_with_key(self, stream: OpenStream) -> None:
        """End a stream once the key or session that it was opened with is no longer valid."""
        known = self.keyring if stream.caller.user is None else self.desk.sessions
        await known.until_gone(stream.caller)
        stream.end(KEY_GONE)

    def client_of(self, request: RawRequest) -> str:
        """Where a request comes from, behind proxies that are trusted."""
        forwarded = request.all(b"x-forwarded-for")
        return client_address(request.client, forwarded, self.trusted_proxies)
