"""Shared dashboards, live: what a viewer sees is sent again whenever it has changed.

Law: the link is looked at more than twice a second, so that a stream ends within a second of its
link. Whoever takes too long is told the newest, not everything. As with `shared.py` no id leaves.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import trio

from api.accounts.addresses import site_of
from api.http.feed import Bye, LiveEvent
from api.http.messages import Reply, StreamReply, all_headers
from api.http.problems import Problem
from api.http.route import Call, Nothing, Route
from api.http.routes.live import EVENTS, RETRY_MS, to_bytes
from api.http.routes.shared import ANYWHERE, ASKED, later, limit, shared_of, told_of
from engine.ports import StoreError

LOOK_S: Final = 0.4
"""How often a stream looks for news, and whether its link is still good."""

KEEP_ALIVE_S: Final = 5.0
"""A stream that is silent for this long says that it is still there."""

GONE: Final = "there is no such link any more"
CHANGED: Final = "the board was changed"
STOPS: Final = "the server stops"
NO_STORE: Final = "the store does not answer"

Call_ = Call[Nothing, Nothing]


async def shared_live(call: Call_) -> Reply:
    """The series of every panel, now and whenever they change: events `data`, at last `bye`."""
    context = call.context
    limit(context, call.request)
    share, kept = await shared_of(context, call.ids["token"])
    if context.stopping.is_set():
        raise later("stopping", RETRY_MS / 1000, "")
    site = site_of(context.client_of(call.request))
    if context.viewing.full(share.id, site):
        raise later("too_many_streams", 10, "Too many are looking: ask for /data instead.")
    headers = all_headers(call.request.id, EVENTS, [*ANYWHERE, (b"x-accel-buffering", b"no")])
    return StreamReply(200, headers, partial(_opened, call, share.id, site, kept.version))


@asynccontextmanager
async def _opened(
    call: Call_, share: str, site: str, version: int
) -> AsyncGenerator[AsyncIterator[bytes]]:
    send, receive = trio.open_memory_channel[bytes](0)
    with call.context.viewing.entered(share, site):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_produce, call, version, send)
            try:
                yield receive
            finally:
                nursery.cancel_scope.cancel()


async def _produce(call: Call_, version: int, send: trio.MemorySendChannel[bytes]) -> None:
    with send:
        await send.send(b"retry: %d\n: welcome\n\n" % RETRY_MS)
        try:
            reason = await _tell(call, version, send)
        except Problem as problem:
            reason = GONE if problem.code == "not_found" else NO_STORE
        except StoreError:
            reason = NO_STORE
        await send.send(to_bytes(LiveEvent.of("bye", Bye(reason), None)))


async def _tell(call: Call_, version: int, send: trio.MemorySendChannel[bytes]) -> str:
    """Send what has changed until there is a reason to end, which is returned."""
    context, seen, sent_s = call.context, None, trio.current_time()
    while not context.stopping.is_set():
        share, kept = await shared_of(context, call.ids["token"])
        if kept.version != version:
            return CHANGED
        told = await told_of(call, share, kept)
        if seen is None or told.panels != seen.panels:
            event = LiveEvent("data", msgspec.json.encode(told), None)
            await send.send(to_bytes(event))
            context.meters.live_events += 1
            seen, sent_s = told, trio.current_time()
        elif trio.current_time() - sent_s >= KEEP_ALIVE_S:
            await send.send(b": still here\n\n")
            sent_s = trio.current_time()
        with trio.move_on_after(LOOK_S):
            await context.stopping.wait()
    return STOPS


ROUTES: Final = (
    Route(
        "GET", "/v1/shared/{token}/live", "Follow what the panels of a link show", None,
        {200: "text/event-stream"}, Nothing, Nothing, shared_live,
        problems=(*ASKED, "too_many_streams"),
    ),
)  # fmt: skip
