"""Live over a WebSocket: as `/v1/live`, and stats come and go while it is open.

In: `{"op":"auth","ticket":…}` (or `"key"`), `{"op":"subscribe","stats":[…],"match":…,"cursor":…}`,
`{"op":"unsubscribe","stats":[…],"match":…}`, `{"op":"ping"}`. Out: the events of `/v1/live` as
`{"event":…,"id":cursor,"data":{…}}`, and `pong`, `error`.
"""

from typing import Any, Final, cast

import msgspec
import trio
from msgspec import Struct
from quart import Response, Websocket, websocket

from api.accounts.keys import Identity
from api.http.answer import problem_of
from api.http.bulletin import tell_news, wanted_news
from api.http.callers import check_scope, identify, identify_token
from api.http.context import KEY_GONE, Context
from api.http.cookies import is_own
from api.http.cursors import parse_cursor
from api.http.feed import Bye, Feed, LiveEvent
from api.http.following import Following
from api.http.framework import raw_request, to_response
from api.http.messages import RawRequest, Reply
from api.http.problems import Problem, unavailable
from api.http.route import Nothing, Route, read_params
from api.http.routes.live import LiveParams
from api.http.streams import OpenStream
from api.http.wanted import id_list, stat_of, stats_of, tier_of
from engine.intake import NotAccepted
from engine.ports import StoreError
from engine.stats import Stat

SOCKET_PATH: Final = "/v1/live/ws"

MESSAGE_LIMIT: Final = 64 * 1024
"""Characters of a message from a client."""

AUTH_S: Final = 5.0
"""A client must have said who it is within this time."""

RETRY_S: Final = 1.0
"""When to come back to a server that stops, in seconds."""

CLOSE_AWAY: Final = 1001
CLOSE_TOO_LARGE: Final = 1009
CLOSE_UNKNOWN: Final = 4401
"""The close code of a client that did not say who it is, or whose key is no longer valid."""


class SocketParams(LiveParams, frozen=True, forbid_unknown_fields=True):
    """As for `/v1/live`; stats may also be named later.

    In: `{"op":"auth","ticket":…}` (or `"key"`), `{"op":"subscribe","stats":[…],"match":…}`,
    `{"op":"unsubscribe",…}`, `{"op":"ping"}`. Out: the events of `/v1/live` as
    `{"event":…,"id":cursor,"data":{…}}`, and `pong`, `error`. A plain request is answered with 426.
    """


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may say."""

    op: str
    stats: list[str] = []
    match: str | None = None
    cursor: str | None = None
    ticket: str | None = None
    key: str | None = None


async def live_socket(context: Context) -> Response | None:
    """Serve one WebSocket; refuses it with a problem before it is accepted."""
    request = raw_request(websocket.scope)
    try:
        _check_origin(context, request)
        params = read_params(SocketParams, request.query)
        tier = tier_of(params.resolution)
        caller = await _caller_at_once(context, request, params.ticket)
        if context.stopping.is_set():
            raise unavailable("stopping", RETRY_S)
        if caller is not None:
            context.streams.check(caller.account)
    except Exception as error:  # The socket's last resort, as `answered` is for requests.
        problem = problem_of(error)
        context.meters.refused(problem.code)
        return to_response(problem.reply(request.id), "GET")
    socket = cast("Websocket", websocket._get_current_object())  # type: ignore[attr-defined]
    await socket.accept()
    if caller is None:
        caller = await _caller_later(context, request, socket)
        if caller is None:
            await socket.close(CLOSE_UNKNOWN, "say who you are")
            return None
    with context.node.watch(tier) as watch:
        feed = Feed(context, tier, watch, _Teller(context, socket).tell)
        first = Order("subscribe", params.stats, params.match, params.cursor)
        news = wanted_news(alerts=params.alerts, annotations=params.annotations)
        await _Conversation(context, caller, socket, feed, news).run(first)
    return None


class _Teller:
    def __init__(self, context: Context, socket: Websocket) -> None:
        self.context = context
        self.socket = socket

    async def tell(self, events: list[LiveEvent]) -> None:
        for event in events:
            await self.socket.send(to_text(event))
        self.context.meters.live_events += len(events)


class _Conversation:
    """One open socket: what the client orders, and what moves."""

    def __init__(
        self,
        context: Context,
        caller: Identity,
        socket: Websocket,
        feed: Feed,
        news: frozenset[str],
    ) -> None:
        self.context = context
        self.news = news
        self.caller = caller
        self.socket = socket
        self.feed = feed
        self.following = Following(context, caller)
        self.code = CLOSE_AWAY

    async def run(self, first: Order) -> None:
        reason = "the server stops"
        with self.context.streams.entered(self.caller, self.feed.watch.end) as stream:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, first, stream)
                nursery.start_soon(self.context.end_with_key, stream)
                nursery.start_soon(self.following.run, self.feed)
                nursery.start_soon(
                    tell_news, self.context, self.caller, self.news, self.feed.tell, stream
                )
                try:
                    await self.feed.run()
                except (NotAccepted, StoreError):
                    reason = "the store does not answer"
                nursery.cancel_scope.cancel()
        reason = stream.reason or reason
        await self.feed.tell([LiveEvent.of("bye", Bye(reason), self.feed.cursor or None)])
        await self.socket.close(CLOSE_UNKNOWN if reason == KEY_GONE else self.code, reason)

    async def _listen(self, first: Order, stream: OpenStream) -> None:
        if first.stats or first.match is not None:
            await self._obey(first)
        while True:
            text = await self.socket.receive()
            if len(text) > MESSAGE_LIMIT:
                self.code = CLOSE_TOO_LARGE
                stream.end("a message was too large")
                return
            try:
                order = msgspec.json.decode(text, type=Order)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                await self._complain(Problem("invalid_json", f"{error}."))
            else:
                await self._obey(order)

    async def _obey(self, order: Order) -> None:
        try:
            match order.op:
                case "subscribe":
                    since = parse_cursor(order.cursor) if order.cursor else None
                    await self.feed.add(self._stats(order), since)
                case "unsubscribe":
                    self._unsubscribe(order)
                case "ping":
                    await self.socket.send('{"event":"pong"}')
                case _:
                    raise Problem("field_invalid", "op: subscribe, unsubscribe or ping.")
        except (Problem, NotAccepted, StoreError) as error:
            await self._complain(problem_of(error))

    def _stats(self, order: Order) -> list[Stat]:
        ids = id_list(order.stats)
        if not ids and order.match is None:
            raise Problem("field_required", "stats or match: say which stats.")
        stats = stats_of(self.context, self.caller, ids, order.match)
        self.feed.check_room(stats)
        if order.match is not None:
            self.following.add(order.match)
        return stats

    def _unsubscribe(self, order: Order) -> None:
        ids = id_list(order.stats)
        self.feed.remove([stat_of(self.context, self.caller, one).id for one in ids])
        if order.match is not None:
            fits = self.following.remove(order.match)
            stats = self.feed.stats.values()
            self.feed.remove([stat.id for stat in stats if fits.fullmatch(stat.name)])

    async def _complain(self, problem: Problem) -> None:
        data = {"code": problem.code, "detail": problem.detail}
        await self.socket.send(msgspec.json.encode({"event": "error", "data": data}).decode())


def to_text(event: LiveEvent) -> str:
    """One event as a message."""
    message: dict[str, Any] = {"event": event.name, "data": msgspec.Raw(event.data)}
    if event.cursor:
        message["id"] = event.cursor
    return msgspec.json.encode(message).decode()


def _check_origin(context: Context, request: RawRequest) -> None:
    """Browsers send cookies to any socket; so only pages of ours may open one."""
    origin = request.header(b"origin")
    if origin is not None and not is_own(origin, request, context.public_url):
        raise Problem("foreign_origin", "Pages of other sites may not connect.")


async def _caller_at_once(
    context: Context, request: RawRequest, ticket: str | None
) -> Identity | None:
    """Who asks, if the first request says it."""
    if ticket is not None:
        return context.tickets.take(ticket, context.clock.now_ms())
    if request.header(b"authorization") is None and not context.cookies.session_of(request):
        return None
    return await identify(context, request, "read")


async def _caller_later(
    context: Context, request: RawRequest, socket: Websocket
) -> Identity | None:
    """Who asks, if the first message says it in time."""
    with trio.move_on_after(AUTH_S):
        text = await socket.receive()
        try:
            order = msgspec.json.decode(text, type=Order)
            if order.op != "auth":
                return None
            if order.ticket is not None:
                return context.tickets.take(order.ticket, context.clock.now_ms())
            identity = await identify_token(context, request, (order.key or "").encode())
            check_scope(identity, "read")
            context.streams.check(identity.account)
        except (Problem, StoreError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return identity
    return None


async def no_socket(context: Context, request: RawRequest) -> Reply:
    """What a plain request is answered."""
    raise Problem("upgrade_required", headers=[(b"upgrade", b"websocket")])


ROUTES: Final = (
    Route(
        "GET", SOCKET_PATH, "Follow stats over a WebSocket", None,
        {101: "text/plain"}, SocketParams, Nothing, raw=no_socket,
        problems=(
            "upgrade_required", "missing_key", "invalid_key", "invalid_ticket",
            "insufficient_scope", "foreign_origin", "resolution_invalid", "too_many_streams",
            "store_unavailable",
        ),
    ),
)  # fmt: skip
