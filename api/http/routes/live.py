"""Live over Server-Sent Events, and the tickets that browsers need for it.

The body of such a reply is a context manager with a channel of size 0: a generator must not hold a
nursery across its `yield`. Whatever wants to be sent waits until the client has taken the last.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

import trio
from msgspec import Meta, Struct, field

from api.accounts.keys import Identity
from api.http.bulletin import tell_news, wanted_news
from api.http.callers import identify
from api.http.context import Context
from api.http.cursors import parse_cursor
from api.http.feed import Bye, Feed, LiveEvent
from api.http.following import Following
from api.http.messages import RawRequest, Reply, StreamReply, all_headers
from api.http.problems import Problem, unavailable
from api.http.route import Call, Nothing, Route, read_params
from api.http.tickets import LIFE_MS
from api.http.wanted import id_list, stats_of, tier_of
from engine.intake import NotAccepted
from engine.ports import StoreError
from engine.position import Position
from engine.stats import Stat
from engine.tiers import TIERS, Tier

KEEP_ALIVE_S: Final = 15.0
"""A stream that is silent for this long says that it is still there."""

RETRY_MS: Final = 1_000
"""After a goodbye, clients come back in this time."""

EVENTS: Final = b"text/event-stream; charset=utf-8"


class LiveParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`stats` (ids with commas) and `match` (a pattern) say which stats; `cursor` continues.

    Stats that come to fit the pattern later on join within a second.

    Server-sent events: `snapshot`, `change` and `revise` (a late point changed an older bucket)
    with the newest absolute values of buckets, `alert` and `annotation` where they are asked for,
    and `bye` with a reason before the server ends the stream. The `id` of an event is the cursor.
    `/v1/live/ws` is the same over a WebSocket.
    """

    stats: Annotated[
        list[str],
        Meta(
            description="Ids of stats, with commas.",
            examples=[["st_1", "st_2"]],
            extra_json_schema={"explode": False},
        ),
    ] = []
    match: Annotated[str | None, Meta(description="A pattern of names.", examples=["web.*"])] = None
    resolution: Annotated[
        str,
        Meta(
            description="The width of the buckets.",
            extra_json_schema={"enum": [tier.name for tier in TIERS]},
        ),
    ] = "1s"
    cursor: Annotated[
        str | None,
        Meta(description="The `id` of the last event that was seen: nothing since is missed."),
    ] = None
    ticket: Annotated[
        str | None, Meta(description="For browsers, which cannot send the key as a header.")
    ] = None
    alerts: Annotated[bool, Meta(description="Also tell of alerts that change.")] = False
    annotations: Annotated[bool, Meta(description="Also tell of annotations that come.")] = False


class LiveHeaders(Struct, frozen=True):
    """What a browser sends by itself when it comes back."""

    last_event_id: Annotated[
        str | None, Meta(description="As `cursor`, and newer than what stands in the URL.")
    ] = field(default=None, name="Last-Event-ID")


class Ticket(Struct, frozen=True):
    """Good for one stream within `expires_in` seconds."""

    ticket: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a live client asked for, understood."""

    caller: Identity
    following: Following
    stats: list[Stat]
    tier: Tier
    since: dict[int, Position] | None
    news: frozenset[str]


async def live(context: Context, request: RawRequest) -> Reply:
    """Snapshots, then what moves, until the client leaves or the server stops."""
    params = read_params(LiveParams, request.query)
    caller = await caller_of(context, request, params.ticket)
    following = Following(context, caller)
    news = wanted_news(alerts=params.alerts, annotations=params.annotations)
    stats = stats_of(context, caller, id_list(params.stats), params.match)
    if params.match is not None:
        following.add(params.match)
    elif not stats and not news:
        raise Problem("field_required", "stats or match: say which stats.")
    # What a browser sends by itself when it comes back; newer than what stands in the URL.
    last_seen = request.header(b"last-event-id")
    cursor = last_seen.decode("latin1") if last_seen else params.cursor
    since = parse_cursor(cursor) if cursor else None
    if context.stopping.is_set():
        raise unavailable("stopping", RETRY_MS / 1000)
    context.streams.check(caller.account)
    wanted = Subscription(caller, following, stats, tier_of(params.resolution), since, news)
    headers = all_headers(request.id, EVENTS, [(b"x-accel-buffering", b"no")])
    return StreamReply(200, headers, partial(opened, context, wanted))


async def caller_of(context: Context, request: RawRequest, ticket: str | None) -> Identity:
    """Who asks, by ticket or by key."""
    if ticket is not None:
        return context.tickets.take(ticket, context.clock.now_ms())
    return await identify(context, request, "read")


async def give_ticket(call: Call[Nothing, Nothing]) -> Reply:
    """A ticket for `?ticket=` of a live stream."""
    ticket = call.context.tickets.give(call.caller, call.context.clock.now_ms())
    return call.json(201, Ticket(ticket, LIFE_MS // 1000))


@asynccontextmanager
async def opened(context: Context, wanted: Subscription) -> AsyncGenerator[AsyncIterator[bytes]]:
    """The events of a stream as bytes, while it is open."""
    send, receive = trio.open_memory_channel[bytes](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_produce, context, wanted, send)
        try:
            yield receive
        finally:
            nursery.cancel_scope.cancel()


class _Writer:
    """Puts events into the channel, and a comment when there were none for a while."""

    def __init__(self, context: Context, send: trio.MemorySendChannel[bytes]) -> None:
        self.context = context
        self.send = send
        self.sent_at = trio.current_time()

    async def tell(self, events: list[LiveEvent]) -> None:
        await self.send.send(b"".join(map(to_bytes, events)))
        self.sent_at = trio.current_time()
        self.context.meters.live_events += len(events)

    async def keep_alive(self) -> None:
        while True:
            await trio.sleep_until(self.sent_at + KEEP_ALIVE_S)
            if trio.current_time() >= self.sent_at + KEEP_ALIVE_S:
                await self.send.send(b": still here\n\n")
                self.sent_at = trio.current_time()


async def _produce(
    context: Context,
    wanted: Subscription,
    send: trio.MemorySendChannel[bytes],
) -> None:
    writer = _Writer(context, send)
    reason = "the server stops"
    with send, context.node.watch(wanted.tier) as watch:
        with context.streams.entered(wanted.caller, watch.end) as stream:
            feed = Feed(context, wanted.tier, watch, writer.tell)
            # At once, so that the client knows that it is connected.
            await send.send(b"retry: %d\n: welcome\n\n" % RETRY_MS)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer.keep_alive)
                nursery.start_soon(context.end_with_key, stream)
                nursery.start_soon(
                    tell_news, context, wanted.caller, wanted.news, writer.tell, stream
                )
                try:
                    await feed.add(wanted.stats, wanted.since)
                    nursery.start_soon(wanted.following.run, feed)
                    await feed.run()
                except (NotAccepted, StoreError):
                    reason = "the store does not answer"
                nursery.cancel_scope.cancel()
        reason = stream.reason or reason
        await writer.tell([LiveEvent.of("bye", Bye(reason), feed.cursor or None)])


def to_bytes(event: LiveEvent) -> bytes:
    """One event on the wire."""
    lines = [b"event: " + event.name.encode()]
    if event.cursor:
        lines.append(b"id: " + event.cursor.encode())
    if event.name == "bye":
        lines.append(b"retry: %d" % RETRY_MS)
    lines.append(b"data: " + event.data)
    return b"\n".join(lines) + b"\n\n"


ROUTES: Final = (
    Route(
        "GET", "/v1/live", "Follow stats as they move", "read",
        {200: "text/event-stream"}, LiveParams, Nothing, raw=live, express=True,
        problems=(
            "invalid_ticket", "cursor_invalid", "resolution_invalid", "too_many_stats",
            "too_many_streams", "field_required",
        ),
        headers=LiveHeaders, example_query="match=page.*",
    ),
    Route(
        "POST", "/v1/live/tickets", "Get a ticket for one live stream", "read",
        {201: Ticket}, Nothing, Nothing, give_ticket, problems=("overloaded",),
    ),
)  # fmt: skip
