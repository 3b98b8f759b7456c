"""Resolves a host itself, judges every address, and connects only to one that was judged.

Law: what is judged is what is connected to. A name that is public when it is saved and private when
it is called is stopped here; the name in the certificate and in the `Host` header stays.
"""

# ruff: file-ignore[async-function-with-timeout, any-type]  The signatures are those of httpcore.

import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Final

import httpcore
import httpx
import trio

from api.notify.addresses import (
    Address,
    AddressFault,
    Network,
    Target,
    check_target,
    is_denied,
    is_within,
)

RESOLVE_S: Final = 3.0
"""Longest wait for the addresses of a name."""

ADDRESSES_MAX: Final = 16
"""Addresses of one name that are tried; more are of no use."""

Resolve = Callable[[str], Awaitable[list[Address]]]


class Blocked(Exception):
    """The address must not be called; the text names it."""


async def resolve(host: str) -> list[Address]:
    """The addresses of a host; none when nobody knows it, or not in time."""
    with trio.move_on_after(RESOLVE_S):
        try:
            found = await trio.socket.getaddrinfo(host, None, type=trio.socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(ip_address(place[0]) for *_, place in found))
    return []


class Guard:
    """What may be called from this server: public https, and what the operator allows."""

    def __init__(self, allowed: Sequence[Network] = (), resolve: Resolve = resolve) -> None:
        self.allowed = tuple(allowed)
        self._resolve = resolve

    def __repr__(self) -> str:
        return f"<Guard {len(self.allowed)} networks allowed>"

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Trusts whom the public trusts, not whom the environment names; made once, it is slow."""
        return httpx.create_ssl_context(trust_env=False)

    async def check(self, target: Target) -> None:
        """AddressFault when the target is already known to be out of bounds.

        A name that cannot be resolved now may be later: the connection is judged again.
        """
        check_target(target, await self.addresses(target.host, target.literal), self.allowed)

    async def addresses(self, host: str, literal: Address | None = None) -> list[Address]:
        """All addresses of a host."""
        return [literal] if literal is not None else await self._resolve(host)

    async def vetted(self, target: Target) -> list[Address]:
        """The addresses to connect to; Blocked when any is out of bounds, OSError without any."""
        found = await self.addresses(target.host, target.literal)
        if not found:
            raise OSError("the name of the host cannot be resolved")
        try:
            check_target(target, found, self.allowed)
        except AddressFault as fault:
            named = [a for a in found if is_denied(a) and not is_within(a, self.allowed)]
            raise Blocked(f"{fault}" if not named else f"{named[0]} is blocked") from fault
        return found[:ADDRESSES_MAX]


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Carries requests to one target, over one connection that is not kept.

    A connection that has brought `bytes_max` has ended: to the reader it looks cut off.
    """

    def __init__(self, guard: Guard, target: Target, bytes_max: int) -> None:
        super().__init__(verify=guard.tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=guard.tls,
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=_Backend(guard, target, bytes_max),
        )


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to what the guard lets through, one address after the other."""

    def __init__(self, guard: Guard, target: Target, bytes_max: int) -> None:
        self._guard = guard
        self._target = target
        self._bytes_max = bytes_max
        self._inner = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        assert port == self._target.port, "BUG: a connection to another target"
        failed: Exception = httpcore.ConnectError("there is no address")
        for address in await self._guard.vetted(self._target):
            try:
                stream = await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
                return _Metered(stream, self._bytes_max)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _Metered(httpcore.AsyncNetworkStream):
    """A connection that ends after so many bytes, whatever the other side still has to say.

    Ending it here lets httpx unwind: one that leaves an answer half read leaks its generators.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream, bytes_left: int) -> None:
        self._inner = inner
        self._bytes_left = bytes_left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._bytes_left <= 0:
            return b""
        data = await self._inner.read(min(max_bytes, self._bytes_left), timeout)
        self._bytes_left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Metered(inner, self._bytes_left)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
