"""A request and its reply as plain data, whatever server carried them.

Law: header names are lower case; a reply names every header but those that the server itself owns
(`date`, `content-length`, `connection`, `transfer-encoding`).
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

import msgspec

Header = tuple[bytes, bytes]

JSON: Final = b"application/json"

# Every reply carries them: answers are data of one account, never to be sniffed, framed or cached.
SAFE: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request with its whole body; `query` is still percent-encoded, `id` names it in logs.

    `client` is the address of the peer, which may be a proxy. Of a route that takes uploads
    `upload` are the parts of a body that is no JSON, and `body` is empty.
    """

    method: str
    path: str
    query: bytes
    headers: tuple[Header, ...]
    body: bytes
    id: str
    client: str = ""
    upload: AsyncIterator[bytes] | None = field(default=None, repr=False)

    def header(self, name: bytes) -> bytes | None:
        """The last value of a header, or None."""
        found = None
        for key, value in self.headers:
            if key == name:
                found = value
        return found

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class RawReply:
    """A whole reply."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


@dataclass(frozen=True, slots=True, eq=False)
class SharedReply:
    """A reply that many requests get; each puts its own id in where `PLACE_OF_ID` stands."""

    reply: RawReply


PLACE_OF_ID: Final = "~request~number~"


# Entered before the first byte is asked for, left when the client is gone or the stream ends.
StreamBody = AbstractAsyncContextManager[AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class StreamReply:
    """A reply whose body is made while it is sent; it has no time limit of its own."""

    status: int
    headers: tuple[Header, ...]
    open: Callable[[], StreamBody] = field(repr=False)


Reply = RawReply | StreamReply


def json_reply(
    request_id: str, status: int, body: object, headers: Iterable[Header] = ()
) -> RawReply:
    """A JSON reply with the headers that every reply has."""
    return reply(request_id, status, JSON, msgspec.json.encode(body), headers)


def reply(
    request_id: str, status: int, media: bytes, body: bytes, headers: Iterable[Header] = ()
) -> RawReply:
    """A reply of any media type with the headers that every reply has."""
    return RawReply(status, all_headers(request_id, media, headers), body)


def all_headers(
    request_id: str, media: bytes, headers: Iterable[Header] = ()
) -> tuple[Header, ...]:
    """Media type, request id and safety headers; of two with one name, the given one counts."""
    given = tuple(headers)
    names = {name for name, _ in given}
    safe = (header for header in SAFE if header[0] not in names)
    return ((b"content-type", media), (b"x-request-id", request_id.encode()), *safe, *given)
