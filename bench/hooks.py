"""A receiver of webhooks in the process that measures: when was each alert first told?

The clock stops with the first bytes of a message, before it is read or answered.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import httptools
import trio

NAMED: Final = re.compile(rb"bench_alert(\d{6})")
"""How alerts of a measurement are called, whoever tells of them."""

RECEIVE_BYTES: Final = 64 * 1024
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def alert_name(number: int) -> str:
    """The name of an alert."""
    return f"bench_alert{number:06d}"


class Hooks:
    """What was told, and when, by `trio.current_time`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._told_s: dict[int, float] = {}
        self._arrived = trio.Event()

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def heard(self, number: int) -> float:
        """When an alert was first told; waits until it is."""
        while number not in self._told_s:
            await self._arrived.wait()
        return self._told_s[number]

    def tell(self, body: bytes, at_s: float) -> None:
        """A message has come, which may tell of several."""
        for number in map(int, NAMED.findall(body)):
            self._told_s.setdefault(number, at_s)
        arrived, self._arrived = self._arrived, trio.Event()
        arrived.set()


class _Reading:
    """One request as it is read."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


async def _serve(hooks: Hooks, stream: trio.SocketStream) -> None:
    """Take messages on one connection until it ends."""
    async with stream:
        try:
            while data := await stream.receive_some(RECEIVE_BYTES):
                at_s, reading = trio.current_time(), _Reading()
                parser = httptools.HttpRequestParser(reading)
                parser.feed_data(data)
                while not reading.complete:
                    parser.feed_data(await stream.receive_some(RECEIVE_BYTES))
                hooks.tell(reading.body, at_s)
                await stream.send_all(ANSWER)
        except (trio.BrokenResourceError, httptools.HttpParserError):
            return


@asynccontextmanager
async def receiving(port: int) -> AsyncGenerator[Hooks]:
    """A receiver at a port of the loopback address until the end of the block."""
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    hooks = Hooks(port)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, partial(_serve, hooks), listeners)
        yield hooks
        nursery.cancel_scope.cancel()
