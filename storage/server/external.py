"""A store server that others run: looked at before it is trusted, and again while it is used.

With wrong settings it would lose what it acknowledged without a word, so the first look refuses
it. Later looks only report: whoever changed the settings may be about to change them back.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import trio

from storage.server.probe import (
    Answer,
    Identity,
    Loading,
    NoAnswer,
    NotAllowed,
    Silent,
    ask,
    read_options,
    redacted,
)
from storage.server.settings import (
    CHECKED,
    Durability,
    ServerError,
    ServerSettings,
    WrongServerSettings,
    wrong_settings,
    wrong_version,
)
from storage.server.state import Progress, Server

LOOK_EVERY_S = 5.0

_POLL_S = 0.25
_THREADS = 2

log = logging.getLogger(__name__)


class ServerUnreachable(ServerError):
    """Nobody answered at the address."""

    def __init__(self, url: str, limit_s: float, reason: str) -> None:
        super().__init__(
            f"no store server answers at {redacted(url)} within {limit_s:g} s ({reason}):"
            " start it, or correct STATFLOW_REDIS_URL"
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look showed; `wrong` has a line per setting that must change."""

    answer: Answer
    wrong: list[str]


@asynccontextmanager
async def watch_external(
    settings: ServerSettings, progress: Progress, look_every_s: float = LOOK_EVERY_S
) -> AsyncGenerator[Server, None]:
    """Check the server at `settings.url`, then keep an eye on it.

    ServerUnreachable, NotAllowed or WrongServerSettings when it cannot be used.
    """
    assert settings.url is not None, "BUG: no external server named"
    watch = _Watch(settings.url, settings.durability)
    identity = await watch.until_ready(settings.start_limit_s, progress)
    server = Server("external", settings.url, identity, durable=settings.durability == "strict")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.keep_looking, server, look_every_s)
        try:
            yield server
        finally:
            nursery.cancel_scope.cancel()


class _Watch:
    """The looks at one server."""

    def __init__(self, url: str, durability: Durability) -> None:
        self.url = url
        self.durability: Durability = durability
        self._threads = trio.CapacityLimiter(_THREADS)

    async def until_ready(self, limit_s: float, progress: Progress) -> Identity:
        """Who the server is, once it answers; as long as it loads it may take its time."""
        reason = "no answer"
        with trio.move_on_after(limit_s) as scope:
            while True:
                look = await self._look()
                if isinstance(look.answer, Identity):
                    if look.wrong:
                        raise WrongServerSettings(redacted(self.url), look.wrong)
                    return look.answer
                if isinstance(look.answer, Loading):
                    progress(look.answer)
                    scope.deadline = trio.current_time() + limit_s
                else:
                    reason = look.answer.reason
                await trio.sleep(_POLL_S)
        raise ServerUnreachable(self.url, limit_s, reason)

    async def keep_looking(self, server: Server, every_s: float) -> None:
        """Tell the rest of the program how the server is; never returns."""
        strict = self.durability == "strict"
        while True:
            await trio.sleep(every_s)
            try:
                look = await self._look()
            except NotAllowed as error:
                look = _Look(Silent(str(error)), [])
            for line in look.wrong:
                log.error("the store server's settings were changed: %s", line)
            if isinstance(look.answer, Identity):
                # What is acknowledged from now on may be lost, so nobody may promise otherwise.
                server.durable = strict and not look.wrong
                server.came_up(look.answer)
            elif isinstance(look.answer, Loading):
                server.went_down("loading")
                server.is_loading(look.answer)
            else:
                server.went_down(look.answer.reason)

    async def _look(self) -> _Look:
        return await trio.to_thread.run_sync(
            partial(_look, self.url, self.durability), limiter=self._threads, abandon_on_cancel=True
        )


def _look(url: str, durability: Durability) -> _Look:
    """Blocks for a few replies."""
    answer = ask(url)
    if not isinstance(answer, Identity):
        return _Look(answer, [])
    wrong = wrong_version(answer.level)
    if answer.is_replica:
        wrong.append("it is a replica: name its primary instead")
    try:
        wrong += wrong_settings(read_options(url, CHECKED), durability)
    except NoAnswer as error:
        return _Look(Silent(str(error)), [])
    return _Look(answer, wrong)
