"""One request to somebody else's server, and what came of it.

Law: nothing is followed, nothing of the answer is shown, everything ends: a connection after 5 s,
the whole after 15 s, the answer after 64 KiB. One client a request: pools that are shared break
when a task is cancelled.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx
import trio

from api.notify.addresses import AddressFault, read_target
from api.notify.guard import Blocked, Guard, GuardedTransport

CONNECT_S: Final = 5.0
TOTAL_S: Final = 15.0
ANSWER_BYTES: Final = 64 * 1024
HEAD_BYTES: Final = 16 * 1024
"""Of the answer, so much may be its head; what comes less far was cut off by the other side."""
AGENT: Final = "StatFlow/1 (+https://statflow.dev)"


@dataclass(frozen=True, slots=True)
class Answered:
    """The server answered; `retry_after` is what it asked for, as it wrote it."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """There was no whole answer: `code` is one word for it, `text` what an operator should know.

    `final` when another attempt cannot go better.
    """

    code: str
    text: str
    final: bool = False


Send = Callable[[Guard, str, str, Mapping[str, str], bytes], Awaitable[Answered | Failed]]
"""Sends one request: guard, method, URL, headers, body."""

NO_HEADERS: Final[Mapping[str, str]] = {}


async def send(
    guard: Guard,
    method: str,
    url: str,
    headers: Mapping[str, str] = NO_HEADERS,
    body: bytes = b"",
) -> Answered | Failed:
    """Send one request; never raises for anything that the other side does."""
    with trio.move_on_after(TOTAL_S):
        try:
            return await _exchange(guard, method, url, headers, body)
        except Blocked as error:
            return Failed("blocked_address", f"{error}")
        except AddressFault as fault:
            return Failed(fault.code, f"{fault}")
        except httpx.TimeoutException:
            return Failed("timeout", f"no connection within {CONNECT_S:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Failed("connection", f"{error}"[:200] or type(error).__name__)
    return Failed("timeout", f"no whole answer within {TOTAL_S:g} s")


async def _exchange(
    guard: Guard, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> Answered | Failed:
    async with answering(guard, method, url, headers, body) as answer:
        try:
            # Raw: what is packed would have to be unpacked, and may be a bomb.
            async for _ in answer.aiter_raw():
                pass
        except httpx.RemoteProtocolError:
            if answer.num_bytes_downloaded < ANSWER_BYTES - HEAD_BYTES:
                raise
        return Answered(answer.status_code, answer.headers.get("retry-after"))


@asynccontextmanager
async def answering(
    guard: Guard,
    method: str,
    url: str,
    headers: Mapping[str, str] = NO_HEADERS,
    body: bytes = b"",
    *,
    bytes_max: int = ANSWER_BYTES,
    total_s: float = TOTAL_S,
) -> AsyncGenerator[httpx.Response]:
    """The answer to one request, whose body is still to be read; raises what httpx and guard do.

    A connection that has brought `bytes_max` has ended; each wait ends after `total_s`.
    """
    target = read_target(url)
    wait = httpx.Timeout(total_s, connect=CONNECT_S)
    async with (
        httpx.AsyncClient(
            transport=GuardedTransport(guard, target, bytes_max),
            timeout=wait,
            follow_redirects=False,
            trust_env=False,
        ) as client,
        client.stream(
            method, target.url, headers={"user-agent": AGENT, **headers}, content=body
        ) as answer,
    ):
        yield answer
