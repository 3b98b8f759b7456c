"""The store for commands of the operator, whether or not a server runs on it.

Law: a command never gets in the way of the server that runs. When none does, the embedded store
server is started for the moment, which keeps a server from starting meanwhile.
"""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import trio

from api.cli.errors import CommandError, UsageError, only
from api.settings import Settings
from engine.ports import StoreError, Unavailable
from storage.link import Link
from storage.redis_catalog import RedisCatalog
from storage.redis_documents import RedisDocuments
from storage.server import DataDirectoryHeld, ServerError, ServerSettings, open_server
from storage.server.directory import SOCKET, SOCKET_PATH_LIMIT_BYTES
from storage.server.probe import Identity, Silent, ask

STARTING_S: Final = 30.0
"""For a server that has just been started, or loads, until its store answers."""

_POLL_S: Final = 0.05

T = TypeVar("T")


def with_store(settings: Settings, work: Callable[[str], Awaitable[T]], *, make: bool = False) -> T:
    """Do something with the store at the URL that `work` is given.

    `make` allows a data directory that is not there yet. CommandError when the store cannot be had,
    or fails.
    """
    if not make and settings.redis_url is None and not has_data(settings):
        raise UsageError(
            f"there is no data in {settings.data}: name the directory by --data or STATFLOW_DATA"
        )

    async def task() -> T:
        async with open_url(settings) as url:
            return await work(url)

    with told():
        return trio.run(task)


def with_catalog(
    settings: Settings, work: Callable[[RedisCatalog], Awaitable[T]], *, make: bool = False
) -> T:
    """Do something with accounts and keys; CommandError as of `with_store`."""

    async def on(url: str) -> T:
        with closing(Link(url)) as link:
            return await work(RedisCatalog(link))

    return with_store(settings, on, make=make)


def with_documents(settings: Settings, work: Callable[[RedisDocuments], Awaitable[T]]) -> T:
    """Do something with the records of accounts; CommandError as of `with_store`."""

    async def on(url: str) -> T:
        with closing(Link(url)) as link:
            return await work(RedisDocuments(link))

    return with_store(settings, on)


@contextmanager
def told() -> Generator[None]:
    """What server and store have to say becomes a CommandError."""
    try:
        yield
    except (ServerError, StoreError) as error:
        raise _as_command_error(error) from error
    except BaseExceptionGroup as group:
        cause = only(group, ServerError, StoreError, CommandError)
        if cause is None:
            raise
        raise _as_command_error(cause) from group


def server_settings(settings: Settings) -> ServerSettings:
    """The store server of these settings."""
    return ServerSettings(
        Path(settings.data), settings.redis_url, settings.durability, settings.maxmemory
    )


def has_data(settings: Settings) -> bool:
    """Whether an embedded server was ever started in the data directory."""
    return (Path(settings.data) / "store").is_dir()


@asynccontextmanager
async def open_url(settings: Settings) -> AsyncGenerator[str]:
    """The address of the store: of the server that runs, else of one that runs for the block."""
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(open_server(server_settings(settings)))
        except DataDirectoryHeld as held:
            url = stack.enter_context(socket_url(Path(settings.data)))
            await _wait_ready(url, held)
        else:
            url = server.url
        yield url


@contextmanager
def socket_url(data: Path) -> Generator[str]:
    """The address of the embedded server in a data directory, by a way that is short enough."""
    path = data.absolute() / "store" / SOCKET
    if len(bytes(path)) <= SOCKET_PATH_LIMIT_BYTES:
        yield f"unix://{quote(str(path))}"
        return
    way = Path(tempfile.mkdtemp(prefix="sf-", dir="/tmp"))  # nosec B108
    try:
        link = way / "store"
        link.symlink_to(path.parent, target_is_directory=True)
        yield f"unix://{quote(str(link / SOCKET))}"
    finally:
        shutil.rmtree(way, ignore_errors=True)


def _as_command_error(error: BaseException) -> CommandError:
    if isinstance(error, CommandError):
        return error
    if isinstance(error, Unavailable):
        return CommandError(f"the store does not answer ({error}): try again")
    return CommandError(str(error))


async def _wait_ready(url: str, held: DataDirectoryHeld) -> None:
    """Return once the server that somebody else runs answers."""
    with trio.move_on_after(STARTING_S) as scope:
        while True:
            answer = await trio.to_thread.run_sync(partial(ask, url))
            if isinstance(answer, Identity):
                return
            if not isinstance(answer, Silent):
                scope.deadline = trio.current_time() + STARTING_S
            await trio.sleep(_POLL_S)
    raise CommandError(f"{held}; its store does not answer")
