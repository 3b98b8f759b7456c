"""Requests as bytes, whole, cut and damaged, and what another parser makes of them."""

import re
from dataclasses import dataclass
from random import Random
from typing import Final

import h11

from api.express.head import Verdict
from api.express.inbox import Asked, Inbox

ROUTES: Final = (b"POST /v1/ingest", b"POST /v1/ingest/batch", b"POST /v1/stat")

VARYING: Final = re.compile(
    rb'(?<=x-request-id: )\w+|(?<="request_id":")\w+|(?<=date: )[^\r]+|(?<="complete_until":)\d+'
    rb'|(?<="created":")[^"]+|(?<="last_point":")[^"]+|(?<="cursor":")[^"]+'
)
"""What two answers to the same request may differ in."""

SCRAPS: Final = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"0", b"5", b"\xff", b"\r\n\r\n", b"\r\n ",
    b";x", b"0\r\n\r\n", b"5\r\nhello\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Host: y\r\n", b"a: b\r\n",
    b"Connection: close\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"Trailer: x\r\n",
    b"POST /v1/stat HTTP/1.1\r\n", b" HTTP/1.0", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)  # fmt: skip


@dataclass(frozen=True)
class Read:
    """What an inbox made of some bytes: requests, where each ended, how it went on, what is left.

    `told` is how often the client was to hear that it may go on; `left` is None when the bytes of a
    body are kept apart.
    """

    asked: list[Asked]
    ends: list[int]
    told: int
    verdict: Verdict
    left: bytes | None


def read(pieces: list[bytes]) -> Read:
    """Give an inbox one piece after the other."""
    inbox = Inbox(frozenset(ROUTES), ROUTES)
    asked: list[Asked] = []
    ends: list[int] = []
    come = told = 0
    for at, piece in enumerate(pieces):
        inbox.put(piece)
        come += len(piece)
        while (step := inbox.next()) is not Verdict.MORE:
            if isinstance(step, Asked):
                asked.append(step)
                ends.append(come - len(inbox.rest()))
            elif step is Verdict.CONTINUE:
                told += 1
            else:
                return Read(asked, ends, told, step, inbox.rest() + b"".join(pieces[at + 1 :]))
    return Read(asked, ends, told, Verdict.MORE, None if inbox.in_body else inbox.rest())


@dataclass(frozen=True)
class Other:
    """The first request of some bytes as h11 understands it, and where it ends."""

    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    end: int


def other(data: bytes) -> Other:
    """Let h11 read a request; raises what it raises when there is none."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    assert isinstance(request, h11.Request), request
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage), event
    end = len(data) - len(connection.trailing_data[0])
    return Other(request.target, tuple(request.headers), body, end)


def request(random: Random) -> bytes:
    """A request that is taken."""
    route = random.choice(ROUTES)
    query = random.choice([b"", b"", b"?atomic=true", b"?"])
    headers = [
        b"Host: x", b"Authorization: Bearer sf_x", b"content-type:application/json",
        b"X-Empty:", b"X-Spaces:  a  b \t", b"Connection: keep-alive", b"X-Latin: \xe9",
    ]  # fmt: skip
    headers = headers[:1] + random.sample(headers[1:], random.randrange(len(headers)))
    body = random.randbytes(random.choice([0, 1, 5, 40, 300]))
    if random.random() < 0.4:
        headers.append(b"Transfer-Encoding: chunked")
        body = chunked(random, body)
    else:
        headers.append(b"Content-Length: %d" % len(body))
        if random.random() < 0.1:
            headers.append(b"Expect: 100-continue")
    random.shuffle(headers)
    return b"%b%b HTTP/1.1\r\n%b\r\n\r\n%b" % (route, query, b"\r\n".join(headers), body)


def chunked(random: Random, body: bytes) -> bytes:
    """A body in chunks of any size."""
    parts = []
    while body:
        size = random.randrange(1, 60)
        part, body = body[:size], body[size:]
        parts.append(random.choice([b"%x", b"%X", b"%04x"]) % len(part) + b"\r\n" + part + b"\r\n")
    return b"".join([*parts, b"0\r\n\r\n"])


def damaged(random: Random, data: bytes) -> bytes:
    """The bytes with a few things put in, taken out, said twice or changed."""
    text = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        at = random.randrange(len(text) + 1)
        size = random.choice([0, 0, 1, 1, 2, 9])
        new = random.choice([b"", bytes(text[at : at + size]) * 2, random.choice(SCRAPS)])
        if random.random() < 0.1:
            new = random.randbytes(random.randrange(4))
        # What matters stands around line ends.
        if random.random() < 0.5 and (end := text.find(b"\n", at)) >= 0:
            at = end + random.choice([-1, 0, 1])
        text[at : at + size] = new
    return bytes(text)


def cut(random: Random, data: bytes) -> list[bytes]:
    """The bytes in pieces, of which some are single bytes."""
    if random.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    places = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(6)))
    return [data[low:high] for low, high in zip([0, *places], [*places, len(data)], strict=True)]


def chunked_once(body: bytes) -> bytes:
    """A body in one chunk."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
