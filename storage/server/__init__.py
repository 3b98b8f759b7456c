"""The store server: one that is started here and kept up, or one that others run.

    async with open_server(ServerSettings(data=Path("data"))) as server:
        redis.Redis.from_url(server.url)

Inside the block the server is ready, or `server` says that it is down and will be back; after the
block an embedded server has stopped. Everything that can be wrong with a server is found before
the block is entered, and raised as a `ServerError` whose text says what to do.
"""

from storage.server.binary import NoServerBinary
from storage.server.directory import DataDirectoryHeld, DataDirectoryUnusable
from storage.server.embedded import ServerFailed
from storage.server.external import ServerUnreachable
from storage.server.opening import open_server
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
