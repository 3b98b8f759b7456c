"""The public API as the command line uses it: one connection pool, errors as one line.

Law: a batch is sent under one Idempotency-Key until it is answered, so that trying again never
counts twice. Nothing is tried again that the server refused for good.
"""

import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import trio

from api.cli.errors import CommandError, UsageError

CONNECT_S: Final = 5.0
ANSWER_S: Final = 60.0

UPLOAD_S: Final = 600.0
"""A part of an upload, or the answer to all of it, may take so long."""

SILENCE_S: Final = 45.0
"""A stream that says nothing for three of its keep-alives is gone."""

PATIENCE_S: Final = 60.0
"""For a server that answered before and does not now."""

PAUSE_S: Final = 0.5
PAUSE_MAX_S: Final = 10.0

LINE_BYTES_MAX: Final = 16 * 1024 * 1024
"""The longest line of any stream of ours is the snapshot of a stat, some 20 KB."""

TRANSIENT: Final = frozenset({408, 429, 502, 503, 504})

Params = Mapping[str, str | Sequence[str]]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the key for it."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"<Target {self.url}>"


class Rejected(msgspec.Struct, frozen=True):
    """An item that was not taken, and why."""

    index: int
    code: str
    message: str


class Sent(msgspec.Struct, frozen=True):
    """The answer to a batch."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


class StatInfo(msgspec.Struct, frozen=True):
    """What this program wants to know of a stat."""

    id: str
    name: str
    type: str
    unit: str | None = None


class _Found(msgspec.Struct, frozen=True):
    stat: StatInfo


class _Answer(msgspec.Struct, frozen=True):
    series: list[_Found]


class _Page(msgspec.Struct, frozen=True):
    stats: list[StatInfo]
    next: str | None


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    index: int | None = None
    code: str = ""


class _Problem(msgspec.Struct, frozen=True):
    title: str
    code: str
    detail: str = ""
    errors: list[_Error] = []


class Refused(CommandError):
    """The server answered with a problem; `problem` is its code, "" when it has none.

    `rejected` are the items that were wrong, `retry_after_s` is 0 when the server named no time.
    """

    def __init__(self, text: str, problem: str, status: int) -> None:
        super().__init__(text)
        self.problem = problem
        self.status = status
        self.rejected: list[Rejected] = []
        self.retry_after_s = 0.0


class Unreached(CommandError):
    """Nobody answered, or the answer broke off."""


def target_of(server: str | None, default: str, environ: Mapping[str, str] = os.environ) -> Target:
    """Which server is meant: `--server`, STATFLOW_URL, else the default; the key is STATFLOW_KEY.

    UsageError when it is no address, or when there is no key.
    """
    url = (server or environ.get("STATFLOW_URL") or default).strip()
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url} is no address of a server: write http://HOST:PORT")
    key = environ.get("STATFLOW_KEY", "").strip()
    if not key:
        raise UsageError(
            "an API key is needed: export STATFLOW_KEY=sf_…"
            " (on the server's machine `statflow key create` makes one)"
        )
    return Target(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", key)


class Client:
    """The API of one server; made by `open_client`."""

    def __init__(self, http: httpx.AsyncClient, target: Target) -> None:
        self._http = http
        self._target = target
        self._answered = False

    def __repr__(self) -> str:
        return f"<Client of {self._target.url}>"

    async def get(self, path: str, params: Params | None = None) -> bytes:
        """The body of a good answer; Refused, or Unreached when patience ends."""
        return (await self._insist(self._http.build_request("GET", path, params=params))).content

    async def patch(self, path: str, change: Mapping[str, Any]) -> bytes:
        """Change something; Refused or Unreached."""
        return (await self._ask(self._http.build_request("PATCH", path, json=change))).content

    async def delete(self, path: str) -> bytes:
        """Remove something; Refused or Unreached."""
        return (await self._ask(self._http.build_request("DELETE", path))).content

    async def post(
        self, path: str, params: Params, content: bytes | AsyncIterable[bytes], media: str
    ) -> bytes:
        """Send a body once, which may be long and come in parts; Refused or Unreached."""
        limits = httpx.Timeout(UPLOAD_S, connect=CONNECT_S)
        request = self._http.build_request(
            "POST", path, params=dict(params), content=content, headers={"content-type": media},
            timeout=limits,
        )  # fmt: skip
        return (await self._ask(request)).content

    async def send(self, items: Sequence[Mapping[str, Any]], key: str | None = None) -> Sent:
        """Send a batch until it is answered: what was taken and what was not, by index.

        Raises Refused when the batch as a whole is wrong, Unreached when patience ends.
        """
        body = msgspec.json.encode({"items": items})
        headers = {
            "content-type": "application/json",
            "idempotency-key": key or uuid.uuid4().hex,
        }
        request = self._http.build_request(
            "POST", "/v1/ingest/batch", content=body, headers=headers
        )
        try:
            answer = await self._insist(request)
        except Refused as refused:
            if refused.problem != "batch_rejected":
                raise
            return Sent(0, 0, refused.rejected)
        return _decoded(answer.content, Sent, self._target)

    async def find(self, words: Sequence[str]) -> list[StatInfo]:
        """The stats that words mean: names, patterns with `*` or `?`, or ids; each stat once.

        CommandError when one of them means nothing.
        """
        found: dict[str, StatInfo] = {}
        for word in words:
            some = await self._find(word)
            if not some:
                raise CommandError(
                    f"there is no stat {word} yet: look with `statflow query --list`,"
                    " or send its first point with `statflow send`"
                )
            found.update((stat.id, stat) for stat in some)
        return list(found.values())

    async def stats(self, pattern: str | None = None) -> list[StatInfo]:
        """All stats whose names fit the pattern, by name."""
        stats: list[StatInfo] = []
        params = {"limit": "1000"} | ({} if pattern is None else {"q": pattern})
        while True:
            page = _decoded(await self.get("/v1/stats", params), _Page, self._target)
            stats += page.stats
            if page.next is None:
                return stats
            params["cursor"] = page.next

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        params: Params,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
    ) -> AsyncGenerator[httpx.Response]:
        """A good answer whose body is read as it comes; Refused or Unreached."""
        limits = httpx.Timeout(ANSWER_S, connect=CONNECT_S, read=SILENCE_S)
        request = self._http.build_request(
            method, path, params=dict(params), headers=dict(headers or {}), timeout=limits
        )
        try:
            answer = await self._http.send(request, stream=True)
            try:
                if answer.status_code >= 300:
                    await answer.aread()
                    raise refusal(answer, self._target)
                yield answer
            finally:
                await answer.aclose()
        except httpx.TransportError as error:
            raise _unreached(self._target, error) from error

    async def _find(self, word: str) -> list[StatInfo]:
        if "*" in word or "?" in word:
            return await self.stats(word)
        # The shortest question that takes a name or an id and says whose it is.
        params = {"stat": word, "last": "1m", "resolution": "1m"}
        try:
            body = await self.get("/v1/query", params)
        except Refused as refused:
            if refused.status != 404:
                raise
            return []
        return [found.stat for found in _decoded(body, _Answer, self._target).series]

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self._http.send(request)
        except httpx.TransportError as error:
            raise _unreached(self._target, error) from error
        self._answered = True
        if answer.status_code >= 300:
            raise refusal(answer, self._target)
        return answer

    async def _insist(self, request: httpx.Request) -> httpx.Response:
        """Ask again while that may help; a server that was never there is given up at once."""
        deadline = trio.current_time() + PATIENCE_S
        pause_s = PAUSE_S
        while True:
            try:
                return await self._ask(request)
            except Unreached:
                if not self._answered or trio.current_time() + pause_s > deadline:
                    raise
            except Refused as refused:
                pause_s = max(pause_s, refused.retry_after_s)
                helps = refused.status in TRANSIENT
                if not helps or trio.current_time() + pause_s > deadline:
                    raise
            await trio.sleep(pause_s)
            pause_s = min(PAUSE_MAX_S, pause_s * 2)


@asynccontextmanager
async def open_client(
    target: Target, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncGenerator[Client]:
    """A client for the block; nothing is sent before the first call."""
    loopback = urlsplit(target.url).hostname in {"127.0.0.1", "::1", "localhost"}
    async with httpx.AsyncClient(
        base_url=target.url,
        headers={
            "authorization": f"Bearer {target.key}",
            "user-agent": f"statflow/{version('statflow')}",
        },
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        transport=transport,
        trust_env=not loopback,  # A proxy would look for the server on its own machine.
    ) as http:
        yield Client(http, target)


async def lines_of(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of a stream as they come, each with its end; a last one without an end is kept
    back, for it broke off: `Unreached`.
    """
    rest = b""
    async for block in answer.aiter_bytes():
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise CommandError(f"{answer.url} sends no lines: is it a StatFlow server?")
        for line in whole:
            yield line + b"\n"
    if rest:
        raise Unreached("the answer broke off in the middle of a line: try again")


def refusal(answer: httpx.Response, target: Target) -> Refused:
    """A bad answer as an error with a remedy."""
    status = answer.status_code
    try:
        said = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        text = f"{target.url} answered {status} {answer.reason_phrase}: is it a StatFlow server?"
        return Refused(text, "", status)
    remedy = ": export another STATFLOW_KEY" if status == 401 else ""
    refused = Refused(
        f"{said.title}: {said.detail or said.code}".rstrip(".") + remedy, said.code, status
    )
    refused.rejected = [
        Rejected(error.index, error.code, error.message)
        for error in said.errors
        if error.index is not None
    ]
    after = answer.headers.get("retry-after", "")
    refused.retry_after_s = float(after) if after.isdigit() else 0.0
    return refused


def _unreached(target: Target, error: httpx.TransportError) -> Unreached:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Unreached(
            f"no server answers at {target.url}: start it with `statflow serve`,"
            " or name another one by --server or STATFLOW_URL"
        )
    reason = str(error) or type(error).__name__
    return Unreached(f"{target.url} broke off its answer ({reason}): try again")


def _decoded(content: bytes, kind: type[T], target: Target) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise CommandError(
            f"{target.url} answered what this version does not understand ({error})"
        ) from error
