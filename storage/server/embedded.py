"""The embedded server's life: adopted or started, kept up, stopped.

A program that is killed leaves its server running; the next start finds it by its socket and takes
it over, so that a crash of the program costs no loading. A server that ends is started again at
once, for ever: the store's clients wait meanwhile. Only the first start can fail: a server that is
killed before it is ready is started again a few times, one that gives up by itself is not.
"""

import logging
import math
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import trio

from storage.server import log as server_log
from storage.server.binary import find_binary
from storage.server.directory import DataDirectory, hold_directory
from storage.server.memory import memory_budget_bytes
from storage.server.probe import (
    Answer,
    Identity,
    Loading,
    NoAnswer,
    Silent,
    ask,
    is_rewriting,
    read_options,
    write_options,
    write_user,
)
from storage.server.process import ServerProcess, find_living, spawn
from storage.server.settings import (
    USER,
    USER_RULES,
    ServerError,
    ServerSettings,
    embedded_options,
    is_durable,
)
from storage.server.state import Progress, Server

ADOPT_LIMIT_S = 10.0
"""How long a server that was found alive may be silent before another one takes its place."""

HALF_STARTED_LIMIT_S = 5.0
"""For a server whose program was killed while starting it to open its socket, which takes 0.1 s."""

FIRST_STARTS_MAX = 3
"""So often the first server is started when it is killed before it is ready."""

PAUSE_MIN_S = 0.1
PAUSE_MAX_S = 5.0
STEADY_S = 10.0
"""A server that lived this long is started again without a pause."""

_POLL_S = 0.005
_POLL_LOADING_S = 0.1
_KILL_LIMIT_S = 5.0
_THREADS = 2

T = TypeVar("T")

log = logging.getLogger(__name__)


class ServerFailed(ServerError):
    """The embedded server did not come up; the text has the end of its log and the remedy."""


@asynccontextmanager
async def keep_embedded(
    settings: ServerSettings, progress: Progress
) -> AsyncGenerator[Server, None]:
    """Hold the data directory and keep a server running in it; stops the server at the end."""
    binary = await trio.to_thread.run_sync(find_binary, settings.binary)
    with hold_directory(settings.data) as directory:
        life = _Life(settings, binary, directory)
        try:
            identity = await life.begin(progress)
            server = Server(
                "embedded",
                life.user_url,
                identity,
                durable=is_durable(life.options),
                unix_socket=directory.socket,
                log=directory.log,
                disk_free=directory.disk_free_bytes,
            )
            server.torn_bytes = life.torn_bytes
            async with trio.open_nursery() as nursery:
                nursery.start_soon(life.keep_up, server)
                yield server
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(settings.stop_limit_s + _KILL_LIMIT_S, shield=True):
                await life.end()


class _Life:
    """The server's process, from the first to the last that this program watches over."""

    def __init__(self, settings: ServerSettings, binary: Path, directory: DataDirectory) -> None:
        limit = settings.maxmemory_bytes
        self.settings = settings
        self.binary = binary
        self.directory = directory
        socket = quote(str(directory.socket))
        self.url = f"unix://{socket}"
        self.user_url = f"unix://{USER}@{socket}"
        self.options = embedded_options(settings, memory_budget_bytes() if limit is None else limit)
        self.torn_bytes = 0
        self._process: ServerProcess | None = None
        self._mark = server_log.mark(directory.log)
        self._threads = trio.CapacityLimiter(_THREADS)

    async def begin(self, progress: Progress) -> Identity:
        """Adopt the server that an earlier program left, or start one; ServerFailed if neither."""
        living = await self._find_living()
        if living is not None:
            self._process = living
            identity = await self._adopt(living, progress)
            if identity is not None:
                log.info("adopted the store server, process %d", living.pid)
                return identity
            if not await self._stop(living):
                raise ServerFailed(
                    f"the old store server, process {living.pid}, does not end even by SIGKILL:"
                    " its disk may hang; look at that, or restart the machine"
                )
        return await self._start(progress)

    async def _start(self, progress: Progress) -> Identity:
        for _ in range(FIRST_STARTS_MAX - 1):
            process = self._spawn()
            try:
                return await self._until_ready(process, self.settings.start_limit_s, progress)
            except ServerFailed as error:
                if not process.killed:
                    raise
                log.warning("%s; starting it again", error)
        return await self._until_ready(self._spawn(), self.settings.start_limit_s, progress)

    async def keep_up(self, server: Server) -> None:
        """Start the server again whenever it ends; never returns."""
        pause_s = 0.0
        while True:
            began = trio.current_time()
            assert self._process is not None, "BUG: nothing to keep up"
            how = await self._process.wait_end()
            server.went_down(how)
            log.error("the store server ended (%s); starting it again", how)
            if trio.current_time() - began >= STEADY_S:
                pause_s = 0.0
            await trio.sleep(pause_s)
            pause_s = min(PAUSE_MAX_S, max(PAUSE_MIN_S, pause_s * 2))
            try:
                identity = await self._until_ready(self._spawn(), math.inf, server.is_loading)
            except ServerFailed as error:
                log.error("%s", error)
                continue
            server.torn_bytes = self.torn_bytes
            server.came_up(identity)

    async def end(self) -> None:
        """Stop the server and forget it."""
        if self._process is not None:
            await self._stop(self._process)

    async def _find_living(self) -> ServerProcess | None:
        find = partial(find_living, self.directory)
        with trio.move_on_after(HALF_STARTED_LIMIT_S):
            while True:
                living = await self._in_thread(find)
                if living is not None or not self.directory.server_lives():
                    return living
                # Somebody has the server's lock: a server whose socket is still to come, or a
                # child of a dead one that is about to notice.
                await trio.sleep(_POLL_S)
        return None

    async def _adopt(self, living: ServerProcess, progress: Progress) -> Identity | None:
        """The server that was found, once it is as we would have started it; None if it cannot."""
        if not living.runs(self.binary):
            log.info("the store server runs another program than %s; replacing it", self.binary)
            return None
        limit_s = min(ADOPT_LIMIT_S, self.settings.start_limit_s)
        try:
            await self._until_ready(living, limit_s, progress)
            if not await self._in_thread(self._apply_options):
                log.info("the store server cannot change its options as it runs; replacing it")
                return None
            # The limits may just have changed.
            return await self._until_ready(living, limit_s, progress)
        except (ServerFailed, NoAnswer) as error:
            log.warning("%s; replacing it", error)
            return None

    def _apply_options(self) -> bool:
        """Blocks. Whether the running server now has our user and all our options."""
        write_user(self.url, USER, USER_RULES)
        actual = read_options(self.url, self.options)
        changed = {name: value for name, value in self.options.items() if actual.get(name) != value}
        if not write_options(self.url, changed):
            return False
        # Until the first file is written, nothing is kept of what such a server acknowledges.
        while "appendonly" in changed and is_rewriting(self.url):
            time.sleep(_POLL_LOADING_S)
        return True

    def _spawn(self) -> ServerProcess:
        self._mark = server_log.mark(self.directory.log)
        if self._process is not None:
            self._process.close()
        try:
            self._process = spawn(self.binary, self.options, self.directory)
        except OSError as error:
            raise ServerFailed(f"{self.binary} cannot be run: {error}") from error
        return self._process

    async def _until_ready(
        self, process: ServerProcess, limit_s: float, progress: Progress
    ) -> Identity:
        """Who the server is, once it answers; a load may take as long as it moves forward."""
        loaded = -1
        answer: Answer = Silent("no socket")
        with trio.move_on_after(limit_s) as scope:
            while process.end is None:
                answer = await self._ask()
                if isinstance(answer, Identity):
                    await self._in_thread(self._note_torn_tail)
                    return answer
                if isinstance(answer, Loading):
                    progress(answer)
                    if answer.loaded_bytes > loaded:
                        loaded = answer.loaded_bytes
                        scope.deadline = trio.current_time() + limit_s
                await trio.sleep(_POLL_LOADING_S if isinstance(answer, Loading) else _POLL_S)
        raise ServerFailed(await self._explain(process, limit_s, answer))

    async def _ask(self) -> Answer:
        if not self.directory.socket.exists():
            return Silent("it has not opened its socket")
        return await self._in_thread(partial(ask, self.url))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # Each piece of work ends by itself in about a second: at a stop nobody waits for it.
        return await trio.to_thread.run_sync(work, limiter=self._threads, abandon_on_cancel=True)

    def _note_torn_tail(self) -> None:
        cut = server_log.torn_bytes(server_log.lines_since(self._mark), self._mark)
        if cut:
            self.torn_bytes += cut
            log.warning("the store server cut an unfinished last write of %d bytes", cut)

    async def _explain(self, process: ServerProcess, limit_s: float, answer: Answer) -> str:
        lines = await self._in_thread(partial(server_log.lines_since, self._mark))
        text = server_log.explain(lines, self.binary, self.directory.store)
        if process.end is not None:
            return f"the store server ended before it was ready ({process.end}){text}"
        said = answer.reason if isinstance(answer, Silent) else "its loading stands still"
        who = f"the store server, process {process.pid}, is not ready"
        return f"{who} after {limit_s:g} s ({said}){text}"

    async def _stop(self, process: ServerProcess) -> bool:
        """Whether it ended."""
        polite_s = self.settings.stop_limit_s
        ended = False
        for number, limit_s in ((signal.SIGTERM, polite_s), (signal.SIGKILL, _KILL_LIMIT_S)):
            process.send(number)
            with trio.move_on_after(limit_s):
                await process.wait_end()
                ended = True
                break
        process.close()
        return ended
