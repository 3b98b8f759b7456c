"""The listening socket, and on every connection first the express lane, then Hypercorn.

Law: a connection that does not take what it is sent is cut off, and one that is closed holds
nothing: Hypercorn waits without limit for both. Idle connections and slow heads are closed by
Hypercorn, slow bodies by the gate, and all of them by the lane while they are on it. What is
encrypted goes to Hypercorn at once.
"""

import logging
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, Protocol, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext

from api.http.gate import GUARD

log = logging.getLogger("statflow.http")

SEND_S: Final = 30.0
"""A client that takes nothing for this long is cut off."""

CLOSE_S: Final = 1.0
"""What still runs for a connection this long after it was closed is cancelled."""

GRACE_S: Final = 2.0
"""Requests in work may go on for this long after the server was told to stop."""

CONNECTIONS_LIMIT: Final = 10_000
FILES_KEPT: Final = 128
"""Of the files that the process may open, so many are not for connections but for the store."""

KEEP_ALIVE_IDLE_S: Final = 60

BACKLOG: Final = 1_024
IDLE_S: Final = 5.0
"""A connection may be idle, or a head be on its way, for this long."""

HEAD_BYTES: Final = 32 * 1024
"""Hypercorn gives up a head beyond this; the gate refuses smaller ones in a better way."""

STREAMS_MAX: Final = 100
"""Requests that a connection of HTTP/2 may have open."""

IN_WORK_MAX: Final = 2 * STREAMS_MAX
"""Requests of one connection in work: those beyond what may be open were reset, yet go on."""

WEBSOCKET_MESSAGE_LIMIT: Final = 128 * 1024
"""Bytes; Hypercorn refuses more but waits for the client to leave. Routes have limits of theirs."""

WEBSOCKET_PING_S: Final = 15.0


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at an address; OSError when it cannot be had. Port 0 is any."""
    sockets: list[socket.socket] = []
    with ExitStack() as opened:
        for family, kind, proto, _, address in socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            sock = opened.enter_context(socket.socket(family, kind, proto))
            _listen(sock, (address[0], sockets[0].getsockname()[1]) if sockets else address)
            sockets.append(sock)
        opened.pop_all()
    return sockets


def _listen(sock: socket.socket, address: Any) -> None:  # ruff: ignore[any-type]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    # Accepted sockets inherit all of it. A peer that vanished without a word is noticed.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_IDLE_S)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # The kernel, too, gives up a peer that takes nothing.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SEND_S * 1000))
    sock.bind(address)
    sock.listen(BACKLOG)
    sock.setblocking(False)


async def serve_http(
    app: Callable[..., Awaitable[None]],
    sockets: list[socket.socket],
    wait_stop: Callable[[], Awaitable[object]],
    tls: ssl.SSLContext | None = None,
    lane: "Lane | None" = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `wait_stop` returns; then take no new connections and let requests end.

    Closes the sockets. Whatever streams must be told to end by `wait_stop` itself.
    """
    server = _Server(app, lane)
    async with trio.open_nursery() as connections, trio.open_nursery() as accepting:
        for sock in sockets:
            accepting.start_soon(server.accept, _listener(sock, tls), connections)
        if lane is not None:
            connections.start_soon(lane.run)
        task_status.started()
        await wait_stop()
        accepting.cancel_scope.cancel()
        connections.start_soon(server.abort_after, GRACE_S, connections.cancel_scope)
        if lane is not None:
            lane.stop()
        await server.context.terminated.set()


class _Server:
    def __init__(self, app: Callable[..., Awaitable[None]], lane: "Lane | None") -> None:
        self.lane = lane
        self.config = hypercorn_config()
        self.context = WorkerContext(None)
        self.app = ASGIWrapper(app)
        self.connections_limit = connections_limit()
        self.guards: set[GuardedStream] = set()
        self.empty = trio.Event()

    async def accept(self, listener: "Listener", nursery: trio.Nursery) -> None:
        async with listener:
            await trio.serve_listeners(self._serve, [listener], handler_nursery=nursery)

    async def abort_after(self, grace_s: float, connections: trio.CancelScope) -> None:
        with trio.move_on_after(grace_s):
            if self.guards:
                await self.empty.wait()
        # Hypercorn shields what it sends: cancelling alone would wait for it.
        for guard in tuple(self.guards):
            guard.abort()
        connections.cancel()

    async def _serve(self, stream: trio.abc.Stream) -> None:
        if len(self.guards) >= self.connections_limit:
            await trio.aclose_forcefully(stream)
            return
        guard = _guard_of(stream)
        self.guards.add(guard)
        try:
            with guard.scope:
                if self.lane is not None and stream is guard and not await self.lane.serve(guard):
                    await _close(guard)
                    return
                # It takes any stream that has a socket, whatever its signature says.
                given = cast("Any", stream)
                await TCPServer(self.app, self.config, self.context, {GUARD: guard}, given)
        except Exception as error:
            # Clients can make Hypercorn stumble; what failed in a request was logged there.
            log.info("a connection failed: %r", error)
        finally:
            self.guards.discard(guard)
            if not self.guards:
                self.empty.set()
                self.empty = trio.Event()


def connections_limit() -> int:
    """Connections at a time; raises what the process may open as far as it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_LIMIT + FILES_KEPT
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS_LIMIT if soft < 0 else max(1, min(CONNECTIONS_LIMIT, soft - FILES_KEPT))


def hypercorn_config() -> Config:
    """Hypercorn as we need it."""
    config = Config()
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_S
    # The default closes a connection under a busy client after 1,000 requests.
    config.keep_alive_max_requests = 10**9
    config.ssl_handshake_timeout = IDLE_S
    config.h11_max_incomplete_size = HEAD_BYTES
    config.h2_max_header_list_size = HEAD_BYTES
    config.h2_max_concurrent_streams = STREAMS_MAX
    config.websocket_max_message_size = WEBSOCKET_MESSAGE_LIMIT
    config.websocket_ping_interval = WEBSOCKET_PING_S
    config.accesslog = None
    config.errorlog = logging.getLogger("statflow.hypercorn")
    return config


class GuardedStream(trio.abc.HalfCloseableStream):
    """A connection that gives up a peer who takes nothing, and ends its task when it is closed."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.socket = stream.socket
        self.scope = trio.CancelScope()
        self._patience: trio.CancelScope | None = None
        self._replied: trio.Event | None = None
        self._requests = 0
        self._given_back = b""

    def give_back(self, data: bytes) -> None:
        """Let the next reader begin with what was read already."""
        self._given_back = data

    def abort(self) -> None:
        """Give up at once."""
        self.scope.cancel()
        if self._patience is not None:
            self._patience.cancel()

    @contextmanager
    def requesting(self) -> Generator[None]:
        """One more request is in work; who has too many resets them as fast as they are sent."""
        self._requests += 1
        if self._requests > IN_WORK_MAX:
            self.abort()
        try:
            yield
        finally:
            self._requests -= 1

    @contextmanager
    def replying(self) -> Generator[None]:
        """Nobody else ends the sending side meanwhile.

        Hypercorn's reader does, when it sees more bytes after a reply has said that it is the last.
        """
        self._replied = trio.Event()
        try:
            yield
        finally:
            self._replied.set()
            self._replied = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with trio.move_on_after(SEND_S) as self._patience:
            await self.stream.send_all(data)
        gave_up = self._patience.cancelled_caught
        self._patience = None
        if gave_up:
            await trio.aclose_forcefully(self)
            raise trio.BrokenResourceError("the client takes nothing")

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._given_back:
            data, self._given_back = self._given_back, b""
            await trio.lowlevel.checkpoint()
            return data
        return await self.stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        if self._replied is not None:
            await self._replied.wait()
        if self._patience is not None:
            raise trio.BusyResourceError("something is being sent")
        # Not the stream's own, which another sender could run into.
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise trio.BrokenResourceError("the client is gone") from error
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.scope.deadline = min(self.scope.deadline, trio.current_time() + CLOSE_S)
        await self.stream.aclose()


class Lane(Protocol):
    """Answers some of the requests itself."""

    async def run(self) -> None:
        """Whatever it does beside its connections, for ever."""

    async def serve(self, stream: GuardedStream) -> bool:
        """Serve a connection; True when Hypercorn is to go on with it."""

    def stop(self) -> None:
        """End connections as soon as they have their answers; never waits."""


class _GuardedListener(trio.abc.Listener[GuardedStream]):
    def __init__(self, listener: trio.SocketListener) -> None:
        self.listener = listener
        self.socket = listener.socket

    async def accept(self) -> GuardedStream:
        return GuardedStream(await self.listener.accept())

    async def aclose(self) -> None:
        await self.listener.aclose()


Listener = _GuardedListener | trio.SSLListener[GuardedStream]


def _listener(sock: socket.socket, tls: ssl.SSLContext | None) -> Listener:
    plain = _GuardedListener(trio.SocketListener(trio.socket.from_stdlib_socket(sock)))
    if tls is None:
        return plain
    return trio.SSLListener(plain, tls, https_compatible=True)


async def _close(guard: GuardedStream) -> None:
    """Close a connection in both directions, as Hypercorn does."""
    # Perhaps the client has gone already.
    with suppress(trio.BrokenResourceError, trio.BusyResourceError):
        await guard.send_eof()
    await guard.aclose()


def _guard_of(stream: trio.abc.Stream) -> GuardedStream:
    guard = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    assert isinstance(guard, GuardedStream), f"BUG: a connection without guard: {stream!r}"
    return guard
