"""A receiver of webhooks on a real socket that answers as it is told, and keeps what it got."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

HEAD_LIMIT = 64 * 1024

Behaviour = Callable[[trio.SocketStream], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class Receiver:
    """`answers` are used up in order, the last one for ever."""

    port: int
    answers: list[Behaviour]
    got: list[Received] = field(default_factory=list)
    arrived: trio.Event = field(default_factory=trio.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def wait_for(self, amount: int) -> list[Received]:
        """What came, once it is so much."""
        while len(self.got) < amount:
            await self.arrived.wait()
        return self.got

    async def serve(self, stream: trio.SocketStream) -> None:
        """Take one request and answer it."""
        async with stream:
            request = await read_request(stream)
            if request is None:
                return
            self.got.append(request)
            arrived, self.arrived = self.arrived, trio.Event()
            arrived.set()
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            try:
                await answer(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return


def says(status: int, *headers: str, body: bytes = b"ok") -> Behaviour:
    """Answers with a status."""

    async def answer(stream: trio.SocketStream) -> None:
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
        await stream.send_all("\r\n".join(lines).encode() + body)

    return answer


async def hangs(stream: trio.SocketStream) -> None:
    """Never answers."""
    await trio.sleep_forever()


async def lies(stream: trio.SocketStream) -> None:
    """Says that more comes than it sends."""
    await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nok")


async def floods(stream: trio.SocketStream) -> None:
    """Sends without end."""
    await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n")
    while True:
        await stream.send_all(b"x" * 65_536)


async def read_request(stream: trio.SocketStream) -> Received | None:
    """One request, or None when the peer left before it was whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = await stream.receive_some(HEAD_LIMIT)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (s.partition(":") for s in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += await stream.receive_some(HEAD_LIMIT)
    method, path, _ = first.split(" ", 2)
    return Received(method, path, headers, body)


@asynccontextmanager
async def receiving(*answers: Behaviour) -> AsyncGenerator[Receiver]:
    """A receiver on a free port of the loopback."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    receiver = Receiver(listeners[0].socket.getsockname()[1], list(answers) or [says(200)])
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, receiver.serve, listeners)
        yield receiver
        nursery.cancel_scope.cancel()
