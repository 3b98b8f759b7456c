"""Bodies that are too large for memory: the route reads them part by part, while they come.

Law: a part has a time limit, the whole has none but its size. The framework sees an empty body, and
nothing of the connection until the upload was read.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, Self

import trio

from api.http.problems import Problem
from api.importing.archive import UPLOAD_BYTES_MAX

UPLOAD_LIMIT: Final = UPLOAD_BYTES_MAX
"""Bytes of a body that goes to disk."""

PART_S: Final = 30.0
"""An upload of which nothing comes for so long is given up."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGone(Problem):
    """The client left before its upload was complete; nobody hears this."""

    def __init__(self) -> None:
        super().__init__("body_timeout", "The upload was broken off.", close=True)


class Upload(AsyncIterator[bytes]):
    """The parts of one body, once; `ended` when all of them were read."""

    def __init__(self, receive: Receive) -> None:
        self.ended = False
        self._receive = receive
        self._told = False
        self._over = trio.Event()

    def __repr__(self) -> str:
        return f"<Upload {'ended' if self.ended else 'under way'}>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self.ended:
            with trio.move_on_after(PART_S) as waiting:
                message = await self._receive()
            if waiting.cancelled_caught:
                detail = f"Of an upload something must come at least every {PART_S:g} s."
                raise Problem("body_timeout", detail, close=True)
            if message["type"] == "http.disconnect":
                self._end()
                raise ClientGone
            if not message.get("more_body", False):
                self._end()
            if part := bytes(message.get("body", b"")):
                return part
        raise StopAsyncIteration

    def _end(self) -> None:
        self.ended = True
        self._over.set()

    async def framework_receive(self) -> Message:
        """What the framework is told: an empty body, then whatever comes after the upload."""
        if not self._told:
            self._told = True
            await trio.lowlevel.checkpoint()
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._over.wait()
        return await self._receive()
