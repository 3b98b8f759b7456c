"""The gate in front of the web framework: limits on every request, before any work.

Law: a request enters with its whole body in memory, within limits of size, time and speed, or it
does not enter. Whatever is refused here is answered with a problem, and the connection is closed
without reading the rest of the request, but for a moment in which the client may notice.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

import trio

from api.http.bodies import BODY_LIMIT
from api.http.head import head_problem
from api.http.messages import Header, RawReply, RawRequest
from api.http.meters import Meters
from api.http.problems import Problem, unavailable
from api.http.request_ids import new_request_id
from api.http.room import BodyRoom
from api.http.uploads import UPLOAD_LIMIT, Upload

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_S: Final = 10.0
"""A body must have arrived within this time."""

BODY_START_S: Final = 5.0
BODY_BYTES_S: Final = 1024
"""After the start, a body must arrive at this speed on average."""

LINGER_S: Final = 1.0
LINGER_BYTES: Final = 2 * BODY_LIMIT
"""After a refusal, so much of what still arrives is thrown away before the connection is closed.

Closing while bytes are unread would destroy the answer before the client has read it.
"""

REQUEST: Final = "statflow.request"
"""Where in the scope the framework finds the `RawRequest`."""


GUARD: Final = "statflow.guard"
"""Where in the scope's state the server puts the connection, if it is ours."""


def body_limit_s(size: int) -> float:
    """A body of which so many bytes have come must be complete, or grow, within this time."""
    return min(BODY_S, BODY_START_S + size / BODY_BYTES_S)


def too_slow() -> Problem:
    """The refusal of a body that is not complete by then."""
    detail = f"A body has {BODY_S:g} s, and must come with {BODY_BYTES_S} bytes/s or more."
    return Problem("body_timeout", detail, close=True)


def no_room() -> Problem:
    """The refusal of a body that there is no memory for."""
    return unavailable("overloaded", 1, "Too many requests are in work.")


def sized(reply: RawReply, closing: Iterable[Header]) -> list[Header]:
    """The headers of a reply that no framework completes."""
    headers = [header for header in reply.headers if header[0] != b"connection"]
    return [*headers, (b"content-length", str(len(reply.body)).encode()), *closing]


class Gate:
    """An ASGI application around another.

    What comes to a method and path of `uploads`, and is no JSON, is not held in memory.
    """

    def __init__(
        self, app: App, meters: Meters, room: BodyRoom, uploads: Collection[tuple[str, str]] = ()
    ) -> None:
        self.app = app
        self.uploads = frozenset(uploads)
        self.meters = meters
        self.room = room

    def __repr__(self) -> str:
        return f"<Gate {self.room!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request_id = new_request_id()
        headers = tuple((bytes(name).lower(), bytes(value)) for name, value in scope["headers"])
        query = bytes(scope["query_string"])
        method = scope.get("method", "GET")
        upload = (method, scope["path"]) in self.uploads and not _is_json(headers)
        limit = UPLOAD_LIMIT if upload else BODY_LIMIT
        problem = head_problem(scope.get("raw_path") or b"", query, headers, limit)
        client = (scope.get("client") or ("",))[0]
        request = RawRequest(method, scope["path"], query, headers, b"", request_id, client)
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, request, problem)
        else:
            guard = (scope.get("state") or {}).get(GUARD)
            with guard.requesting() if guard is not None else nullcontext():
                await self._http(scope, receive, send, request, problem, upload=upload)

    async def _http(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request: RawRequest,
        problem: Problem | None,
        *,
        upload: bool,
    ) -> None:
        held = _Held(self.room)
        try:
            if problem is not None:
                raise problem
            if upload:
                await self._upload(scope, receive, send, request)
                return
            body = await held.read(receive)
        except Problem as refusal:
            self.meters.refused(refusal.code)
            held.release()
            await _refuse(scope, receive, send, refusal.reply(request.id))
        except _Gone:
            held.release()
        else:
            try:
                scope[REQUEST] = replace(request, body=body)
                await self.app(scope, _replay(body, receive), send)
            finally:
                held.release()

    async def _upload(
        self, scope: Scope, receive: Receive, send: Send, request: RawRequest
    ) -> None:
        """Let the route read; what it leaves is thrown away, so that the client may hear why."""
        upload = Upload(receive)
        scope[REQUEST] = replace(request, upload=upload)
        guard = (scope.get("state") or {}).get(GUARD)

        async def send_on(message: Message) -> None:
            if upload.ended:
                await send(message)
            elif message["type"] == "http.response.start":
                await send({**message, "headers": [*message["headers"], *_closing(scope)]})
            elif message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await _linger(receive)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        with guard.replying() if guard is not None else nullcontext():
            await self.app(scope, upload.framework_receive, send_on)

    async def _websocket(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request: RawRequest,
        problem: Problem | None,
    ) -> None:
        scope[REQUEST] = request
        if problem is None:
            await self.app(scope, receive, send)
            return
        self.meters.refused(problem.code)
        await receive()
        reply = problem.reply(request.id)
        start = {"status": reply.status, "headers": sized(reply, ())}
        await send({"type": "websocket.http.response.start", **start})
        await send({"type": "websocket.http.response.body", "body": reply.body})


class _Gone(Exception):
    """The client left before its request was complete."""


class _Held:
    """The bytes of one body, counted against the limit of all."""

    def __init__(self, room: BodyRoom) -> None:
        self.room = room
        self.bytes = 0

    async def read(self, receive: Receive) -> bytes:
        """The whole body; Problem when it is too large or too slow."""
        began = trio.current_time()
        parts: list[bytes] = []
        with trio.CancelScope(deadline=began + BODY_START_S) as scope:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                self._take(part := bytes(message.get("body", b"")))
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
                scope.deadline = began + body_limit_s(self.bytes)
        raise too_slow()

    def _take(self, part: bytes) -> None:
        if self.bytes + len(part) > BODY_LIMIT:
            raise Problem("body_too_large", f"At most {BODY_LIMIT} bytes.", close=True)
        if not self.room.take(len(part)):
            raise no_room()
        self.bytes += len(part)

    def release(self) -> None:
        self.room.give_back(self.bytes)
        self.bytes = 0


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes after it."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(scope: Scope, receive: Receive, send: Send, reply: RawReply) -> None:
    """Answer, give the client a moment to read it, then let the server close the connection."""
    start = {"status": reply.status, "headers": sized(reply, _closing(scope))}
    guard = (scope.get("state") or {}).get(GUARD)
    with guard.replying() if guard is not None else nullcontext():
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
    await _linger(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _linger(receive: Receive) -> None:
    """Throw away what still comes, for a moment."""
    left = LINGER_BYTES
    with trio.move_on_after(LINGER_S):
        while left > 0:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break
            left -= len(message.get("body", b""))


def _closing(scope: Scope) -> tuple[Header, ...]:
    """The header that says that this reply is the last."""
    last = str(scope.get("http_version", "1.1")).startswith("1")
    return ((b"connection", b"close"),) if last else ()


def _is_json(headers: Iterable[Header]) -> bool:
    media = dict(headers).get(b"content-type", b"").partition(b";")[0]
    return media.strip().lower() == b"application/json"
