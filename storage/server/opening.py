"""Opening the store server that the settings name, whichever kind it is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from storage.server.embedded import keep_embedded
from storage.server.external import watch_external
from storage.server.settings import ServerSettings
from storage.server.state import Progress, Server


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
