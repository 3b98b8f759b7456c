"""Servers for the client to talk to, without sockets: the real application, or a script."""

from collections.abc import AsyncIterator, Callable, Sequence

import httpx

from api.cli.client import Target
from tests.api.http.harness import Server

TARGET = Target("http://stats.example", "sf_key")

Step = httpx.Response | Exception


def app_transport(server: Server) -> httpx.AsyncBaseTransport:
    """The application of a server in memory."""
    return httpx.ASGITransport(app=server.app)


def app_target(server: Server, key: str = "all") -> Target:
    """The address of a server in memory, with one of its keys."""
    return Target("http://stats.example", server.keys[key])


class Script(httpx.AsyncBaseTransport):
    """Answers each request with the next step, and keeps the requests; an exception is raised."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        await request.aread()
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


class Parts(httpx.AsyncByteStream):
    """A body that comes in parts; an exception among them breaks the connection."""

    def __init__(self, parts: Sequence[bytes | Exception], done: Callable[[], None]) -> None:
        self._parts = parts
        self._done = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part
        self._done()


def streamed(*parts: bytes | Exception, done: Callable[[], None] = lambda: None) -> httpx.Response:
    """A good answer whose body comes in parts."""
    return httpx.Response(200, stream=Parts(parts, done))


def refused(
    status: int, code: str, detail: str = "", retry_after: int | None = None, **more: object
) -> httpx.Response:
    """A problem, as the server sends it."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    body = {"title": "No", "status": status, "code": code, "detail": detail, **more}
    return httpx.Response(status, json=body, headers=headers)
