"""The store server: one that is started here and kept up, or one that others run.

    async with open_server(ServerSettings(data=Path("data"))) as server:
        redis.Redis.from_url(server.url)

Inside the block the server is ready, or `server` says that it is down and will be back; after the
block an embedded server has stopped. Everything that can be wrong with a server is found before
the block is entered, and raised as a `ServerError` whose text says what to do.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from storage.server.binary import NoServerBinary
from storage.server.directory import DataDirectoryHeld, DataDirectoryUnusable
from storage.server.embedded import ServerFailed, keep_embedded
from storage.server.external import ServerUnreachable, watch_external
from storage.server.probe import Loading, NotAllowed
from storage.server.settings import (
    Durability,
    ServerError,
    ServerSettings,
    WrongServerSettings,
)
from storage.server.state import Kind, Progress, Server, ServerStatistics

__all__ = [
    "DataDirectoryHeld",
    "DataDirectoryUnusable",
    "Durability",
    "Kind",
    "Loading",
    "NoServerBinary",
    "NotAllowed",
    "Progress",
    "Server",
    "ServerError",
    "ServerFailed",
    "ServerSettings",
    "ServerStatistics",
    "ServerUnreachable",
    "WrongServerSettings",
    "open_server",
]


@asynccontextmanager
async def open_server(
    settings: ServerSettings, progress: Progress = lambda loading: None
) -> AsyncGenerator[Server, None]:
    """Open the store server that the settings name; to be entered in the main thread.

    While a server reads its data at the start, which takes 2.5 s per GB, `progress` is called
    whenever the server finds time to answer. Later loads show in `Server.statistics()`.
    """
    opened = keep_embedded if settings.url is None else watch_external
    async with opened(settings, progress) as server:
        yield server
