"""One connection on the express lane: read, answer, read on.

Law: one task a connection, none a request. Requests are answered in their order, one at a time,
because the next may build on what the last has stored; answers that are ready at about the same
time leave together. Nothing is cancelled while a request is being answered. A reply that streams
gets a second task, which sees the client leave.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from math import inf
from typing import TYPE_CHECKING, Final

import trio

from api.express.answers import END, chunk
from api.express.head import Verdict
from api.express.inbox import Asked, Inbox
from api.express.waiting import HELD_BACK_S, RECEIVE_BYTES
from api.http.gate import LINGER_BYTES, LINGER_S, body_limit_s, no_room, too_slow
from api.http.messages import RawRequest, Reply, StreamReply
from api.http.problems import Problem
from api.http.request_ids import new_request_id
from api.http.server import IDLE_S, GuardedStream

if TYPE_CHECKING:
    from api.express.lane import ExpressLane

HOLD_S: Final = 0.005
HOLD_BYTES: Final = 64 * 1024
"""Answers to requests that came together wait for each other so long, and until they are so large.
"""

TOO_MANY: Final = 429
"""Whoever is answered so asks too often."""

AMBIGUOUS: Final = (
    "Every line ends with CR LF and begins with a name; Content-Length stands there once."
)

Handler = Callable[[RawRequest], Awaitable[Reply]]


class Conversation:
    """A client and its requests; `until_s` is when it is given up if it stays silent."""

    __slots__ = (
        "_body_began_s", "_client", "_held", "_inbox", "_lane", "_ready", "_ready_bytes",
        "_ready_since_s", "_stream", "_waiting_since_s", "fd", "reading", "until_s",
    )  # fmt: skip

    def __init__(self, lane: "ExpressLane", stream: GuardedStream) -> None:
        self.reading = trio.CancelScope()
        self.until_s = inf
        self.fd = stream.socket.fileno()
        self._lane = lane
        self._stream = stream
        self._client = str(stream.socket.getpeername()[0])
        self._inbox = Inbox(lane.routes, lane.routes.starts, lane.by_characters)
        self._ready: list[bytes] = []
        self._ready_bytes = 0
        self._ready_since_s = inf
        self._held = 0
        self._waiting_since_s = trio.current_time()
        self._body_began_s: float | None = None

    def __repr__(self) -> str:
        return f"<Conversation with {self._client}: {self._inbox!r}>"

    @property
    def idle(self) -> bool:
        """Whether it waits for a request, or for the rest of a head."""
        return self.until_s < inf and not self._inbox.in_body

    def asks(self) -> None:
        """A request of it is being answered elsewhere."""
        self.until_s = inf

    def tell(self, answer: bytes, now_s: float) -> bool:
        """Send the answer to that request; False when the client does not take all of it now."""
        self._waiting_since_s = now_s
        self.until_s = now_s + IDLE_S
        try:
            sent = os.write(self.fd, answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False  # The client is gone, as its task will see.
        if sent < len(answer):
            self._keep(answer[sent:], now_s)
        return sent == len(answer)

    async def run(self) -> bytes | None:
        """Answer until the client is done (None), or asks what others answer: returns its bytes."""
        try:
            with self.reading:
                return await self._talk()
            if self._inbox.in_body and not self._lane.stopping:
                await self._refuse(too_slow())
        except (OSError, trio.BrokenResourceError):
            pass  # The client is gone.
        finally:
            self._hold(0)
        return None

    async def _talk(self) -> bytes | None:
        while True:
            step = self._inbox.next()
            if isinstance(step, Asked):
                if not await self._answer(step):
                    return None
                continue
            if self._ready:
                await self._send()
            if step is Verdict.MORE:
                if not self._hold(self._inbox.body_bytes):
                    await self._refuse(no_room())
                    return None
                if not await self._receive():
                    return None
            elif step is Verdict.CONTINUE:
                self._ready.append(self._lane.answers.proceed())
                await self._send()
            elif step is Verdict.OTHER:
                return self._inbox.rest()
            else:
                await self._refuse(Problem("invalid_request", AMBIGUOUS, close=True))
                return None

    async def _answer(self, asked: Asked) -> bool:
        """Answer one request; False when it was the last."""
        if not self._hold(len(asked.body)):
            await self._refuse(no_room())
            return False
        head = asked.head
        method, _, path = head.route.decode("ascii").partition(" ")
        request_id = new_request_id()
        request = RawRequest(
            method, path, head.query, head.headers, asked.body, request_id, self._client
        )
        reply = await self._reply(head.route, request)
        self._hold(0)
        if reply.status == TOO_MANY:
            await trio.sleep(HELD_BACK_S)
        if isinstance(reply, StreamReply):
            return await self._stream_out(reply, last=head.last)
        now_s = trio.current_time()
        self._waiting_since_s, self._body_began_s = now_s, None
        self._keep(self._lane.answers.of(reply, last=head.last), now_s)
        if head.last or self._lane.stopping:
            await self._send()
            return False
        if now_s - self._ready_since_s > HOLD_S or self._ready_bytes > HOLD_BYTES:
            await self._send()
        return True

    async def _reply(self, route: bytes, request: RawRequest) -> Reply:
        """What the handler says, when it is this request's turn."""
        entrance, size = self._lane.entrance, len(request.body)
        if not await entrance.enter(size):
            problem = no_room()
            self._lane.meters.refused(problem.code)
            return problem.reply(request.id)
        try:
            handler = self._lane.routes.find(route)
            assert handler is not None, f"BUG: nothing answers {route!r}"
            return await handler(request)
        finally:
            entrance.leave(size)

    async def _stream_out(self, reply: StreamReply, *, last: bool) -> bool:
        """Send a body while it is made; False when the connection ends with it."""
        self._ready.append(self._lane.answers.head(reply, last=last))
        await self._send()
        complete = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_gone, nursery.cancel_scope)
            async with reply.open() as parts:
                complete = await self._send_parts(parts)
            nursery.cancel_scope.cancel()
        self._waiting_since_s, self._body_began_s = trio.current_time(), None
        return complete and not last and not self._lane.stopping

    async def _send_parts(self, parts: AsyncIterator[bytes]) -> bool:
        try:
            async for part in parts:
                self._ready.append(chunk(part))
                await self._send()
            self._ready.append(END)
            await self._send()
        except (OSError, trio.BrokenResourceError):
            return False
        return True

    async def _until_gone(self, streaming: trio.CancelScope) -> None:
        """End a stream when its client leaves; what it asks meanwhile waits for the end."""
        await trio.lowlevel.wait_readable(self.fd)
        try:
            data = os.read(self.fd, RECEIVE_BYTES)
        except OSError:
            data = b""
        self._inbox.put(data)
        if not data:
            streaming.cancel()

    def _keep(self, answer: bytes, now_s: float) -> None:
        if not self._ready:
            self._ready_since_s = now_s
        self._ready.append(answer)
        self._ready_bytes += len(answer)

    async def _send(self) -> None:
        """Send what is ready; only a client that does not read is waited for."""
        data = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready.clear()
        self._ready_bytes = 0
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            await self._stream.send_all(memoryview(data)[sent:])

    async def _receive(self) -> bool:
        """Wait for more; False when there will be none."""
        if self._lane.stopping and not self._inbox.in_body:
            return False
        self.until_s = self._limit_s()
        data = await (self._rest() if self._inbox else self._lane.waiting.data(self))
        self.until_s = inf
        if self.reading.cancel_called:
            # The patience was over in the same moment.
            await trio.lowlevel.checkpoint()
        if data is None:
            return True
        self._inbox.put(data)
        return bool(data)

    async def _rest(self) -> bytes | None:
        """More of a request that has begun; empty at the end, None when there is nothing yet."""
        await trio.lowlevel.wait_readable(self.fd)
        try:
            return os.read(self.fd, RECEIVE_BYTES)
        except BlockingIOError:
            return None

    def _limit_s(self) -> float:
        """Until when more must have come."""
        if not self._inbox.in_body:
            return self._waiting_since_s + IDLE_S
        if self._body_began_s is None:
            self._body_began_s = trio.current_time()
        return self._body_began_s + body_limit_s(self._inbox.body_bytes)

    def _hold(self, size: int) -> bool:
        """Hold so many bytes of bodies; False when there is no room for more."""
        room = self._lane.room
        if size <= self._held:
            room.give_back(self._held - size)
        elif not room.take(size - self._held):
            return False
        self._held = size
        return True

    async def _refuse(self, problem: Problem) -> None:
        """Say why, and give the client a moment to read it, as the gate does."""
        self._lane.meters.refused(problem.code)
        self._hold(0)
        self._ready.append(self._lane.answers.refusal(problem, new_request_id()))
        await self._send()
        left = LINGER_BYTES
        with trio.move_on_after(LINGER_S):
            while left > 0 and (part := await self._stream.receive_some()):
                left -= len(part)
