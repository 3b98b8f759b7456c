"""A lane that knows one plain request, and clients that ask it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from api.express.lane import ExpressLane
from api.http.messages import PLACE_OF_ID, RawRequest, Reply, SharedReply, reply
from api.http.meters import Meters
from api.http.room import BodyRoom
from tests.api.http.sockets import Served, served

POST = b"POST /express HTTP/1.1\r\nHost: x\r\n"
ASKED = b"POST /express?x=1 HTTP/1.1\r\nHost: x\r\n"
PLAIN = POST + b"Content-Length: 5\r\n\r\nplain"
OFTEN = POST + b"Content-Length: 5\r\n\r\noften"
OTHER = POST + b"Content-Length: 5\r\n\r\nother"
PATIENCE_S = 60.0


@dataclass(eq=False)
class Bodies:
    """A bundle that says how many it holds; its answers wait until they may go."""

    plain: "Plainly"
    size: int = 0

    async def replies(self) -> list[SharedReply]:
        self.plain.bundles.append(self.size)
        await self.plain.go_on.wait()
        body = self.plain.body or b"plain"
        return [SharedReply(reply(PLACE_OF_ID, 200, b"text/plain", body))] * self.size


@dataclass
class Moment:
    """One bundle a moment."""

    bundle: Bodies
    failing: bool

    def take(self, sender: bytes, body: bytes) -> Bodies | SharedReply | None:
        if self.failing:
            raise ValueError("a bug")
        if body == b"often":
            return SharedReply(reply(PLACE_OF_ID, 429, b"text/plain", b"often"))
        if sender != b"/express" or body != b"plain":
            return None
        self.bundle.size += 1
        return self.bundle


@dataclass
class Plainly:
    """Knows the body `plain`; answers with `body`."""

    go_on: trio.Event = field(default_factory=trio.Event)
    bundles: list[int] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    body: bytes = b""
    failing: bool = False
    status: int = 200
    lane: ExpressLane = field(init=False)

    def sender(self, request: RawRequest) -> bytes | None:
        return None if request.query else request.path.encode()

    def turn(self) -> Moment:
        return Moment(Bodies(self), self.failing)

    async def answer(self, request: RawRequest) -> Reply:
        self.asked.append(request.body)
        return reply(request.id, self.status, b"text/plain", b"alone")


@asynccontextmanager
async def express() -> AsyncGenerator[tuple[Plainly, Served]]:
    """A lane whose plain requests are answered at once, unless told otherwise."""
    plain = Plainly()
    plain.go_on.set()
    handlers = {b"POST /express": plain.answer}
    plain.lane = ExpressLane(handlers, BodyRoom(), Meters(), plain=plain)
    async with served(lane=plain.lane) as at:
        yield plain, at


async def heard(client: trio.SocketStream, answers: int, end: bytes = b"plain") -> bytes:
    """What is said until there are so many answers."""
    text = b""
    with trio.fail_after(PATIENCE_S):
        while text.count(b"HTTP/1.1 200") < answers or not text.endswith(end):
            part = await client.receive_some()
            assert part, text
            text += part
    return text


async def answered(client: trio.SocketStream) -> None:
    """Hear one answer, and leave."""
    async with client:
        await heard(client, 1)
