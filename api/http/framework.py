"""Between Quart's objects and ours."""

from collections.abc import AsyncIterator, Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, cast

from quart import Response
from quart.wrappers.response import ResponseBody
from werkzeug.datastructures import Headers

from api.http.gate import REQUEST
from api.http.messages import RawReply, RawRequest, Reply, StreamReply


def raw_request(scope: object) -> RawRequest:
    """The request as the gate let it in."""
    return cast("RawRequest", cast("Mapping[str, Any]", scope)[REQUEST])


def to_response(answer: Reply, method: str) -> Response:
    """The reply as the framework sends it."""
    pairs = ((name.decode("latin1"), value.decode("latin1")) for name, value in answer.headers)
    headers = Headers(list(pairs))
    if isinstance(answer, RawReply):
        return Response(answer.body, answer.status, headers)
    if method == "HEAD":
        head = Response(b"", answer.status, headers)
        # Nobody knows how long the body would be; 0 would be a lie.
        del head.headers["content-length"]
        return head
    response = Response(cast("Any", _Streamed(answer)), answer.status, headers)
    response.timeout = None
    return response


class _Streamed(ResponseBody):
    """A body that is made while it is sent, entered and left around that."""

    def __init__(self, answer: StreamReply) -> None:
        self._body = answer.open()
        self._parts: AsyncIterator[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._parts = await self._body.__aenter__()
        return self

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Coroutine[Any, Any, None]:
        # Handed on, so that the body itself says what happens when the stream is cut off.
        return cast("Coroutine[Any, Any, None]", self._body.__aexit__(kind, error, trace))

    def __aiter__(self) -> AsyncIterator[bytes]:
        assert self._parts is not None, "BUG: a body is iterated before it is entered"
        return self._parts
