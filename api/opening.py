"""What a server keeps its things in: the store, and all that lies beside the points in it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from api.greeting import Say
from api.settings import Settings
from engine.ports import Store
from storage.catalog import Catalog
from storage.documents import Documents
from storage.link import Link
from storage.opening import open_store
from storage.redis_catalog import RedisCatalog
from storage.redis_documents import RedisDocuments
from storage.server import Server, ServerSettings, open_server
from storage.server.probe import Loading

CATALOG_ANSWER_S: Final = 1.5
"""An unknown API key waits so long for a store that does not answer, in seconds."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Where everything is kept, and the server that keeps it."""

    store: Store
    catalog: Catalog
    documents: Documents
    server: Server

    async def account_ids(self) -> list[int]:
        """The accounts that there are."""
        return [account.id for account in await self.catalog.accounts()]

    def warnings(self) -> list[str]:
        """What an operator should know about the store server."""
        now = self.server.statistics()
        warnings = []
        if now.loading is not None:
            warnings.append(f"the store server reads its data: {now.loading.fraction:.0%}")
        elif not now.ready:
            warnings.append(f"the store server is down: {now.last_end or 'it does not answer'}")
        if not now.durable:
            warnings.append("durability is relaxed: a crash may lose about a second of points")
        return warnings


@asynccontextmanager
async def open_storage(settings: Settings, say: Say) -> AsyncGenerator[Storage]:
    """What is kept on the server that the settings name, and the server."""
    wanted = ServerSettings(
        Path(settings.data), settings.redis_url, settings.durability, settings.maxmemory
    )
    async with open_server(wanted, partial(_loading, say)) as server:
        if not server.durable:
            say("durability is relaxed: a crash may lose about a second of acknowledged points")
        async with open_store(
            server.url,
            settings.partitions,
            durable=server.durable,
            # Whoever holds the directory holds the store: an earlier holder is dead.
            seize=settings.redis_url is None,
            disk_free=server.disk_free,
        ) as store:
            with closing(Link(server.url, answer_limit_s=CATALOG_ANSWER_S)) as link:
                yield Storage(store, RedisCatalog(link), RedisDocuments(link), server)


def _loading(say: Say, loading: Loading) -> None:
    say(f"the store server reads its data: {loading.fraction:.0%}, about {loading.eta_s} s to go")
