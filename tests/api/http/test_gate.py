"""Limits on requests before any work; the time is a mock clock's."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from api.http.bodies import BODY_LIMIT
from api.http.gate import LINGER_BYTES, REQUEST, Gate, Message, Receive, Scope, Send
from api.http.head import HEADERS_LIMIT, PARAMETERS_LIMIT, URL_LIMIT
from api.http.messages import Header, RawRequest
from api.http.meters import Meters
from api.http.room import BODIES_LIMIT, BodyRoom

KEY = b"sf_" + b"a" * 46


@dataclass(eq=False)
class Behind:
    """The application behind the gate: notes what came through and answers 200."""

    seen: list[RawRequest] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope[REQUEST])
        if scope["type"] == "http":
            message = await receive()
            assert message["body"] == self.seen[-1].body
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass(eq=False)
class Exchange:
    """One request and what came back."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    received: int = 0

    @property
    def code(self) -> str:
        """The problem code of the answer."""
        problem: dict[str, Any] = msgspec.json.decode(self.body)
        assert problem["status"] == self.status
        assert problem["request_id"].encode() == self.headers[b"x-request-id"]
        return str(problem["code"])


Messages = Callable[[], AsyncGenerator[Message]]


async def nothing() -> AsyncGenerator[Message]:
    """An empty body."""
    yield {"type": "http.request", "body": b"", "more_body": False}


async def exchange(
    gate: Gate,
    *,
    path: bytes = b"/v1/ingest",
    query: bytes = b"",
    headers: tuple[Header, ...] = (),
    messages: Messages = nothing,
) -> Exchange:
    """Send a request to the gate."""
    found = Exchange()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path.decode(),
        "raw_path": path,
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 5),
    }
    source = messages()

    async def receive() -> Message:
        try:
            message = await anext(source)
        except StopAsyncIteration:
            await trio.sleep_forever()
        found.received += len(message.get("body", b""))
        return message

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status = message["status"]
            found.headers = dict(message["headers"])
        else:
            found.body += message["body"]

    held = gate.room.held_bytes
    await gate(scope, receive, send)
    await source.aclose()
    assert gate.room.held_bytes == held
    return found


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
def gate(behind: Behind) -> Gate:
    return Gate(behind, Meters(), BodyRoom())


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"path": b"/" + b"a" * URL_LIMIT}, 414, "url_too_long"),
        ({"query": b"a" * URL_LIMIT}, 414, "url_too_long"),
        ({"headers": ((b"x", b"a" * HEADERS_LIMIT),)}, 431, "headers_too_large"),
        ({"query": b"&".join([b"a=1"] * (PARAMETERS_LIMIT + 1))}, 400, "too_many_parameters"),
        ({"query": b"x=1&api_key=abc"}, 400, "key_in_url"),
        ({"query": b"API-KEY=abc"}, 400, "key_in_url"),
        ({"query": b"anything=" + KEY}, 400, "key_in_url"),
        ({"path": b"/x/" + KEY}, 400, "key_in_url"),
        ({"headers": ((b"content-length", b"%d" % (BODY_LIMIT + 1)),)}, 413, "body_too_large"),
        ({"headers": ((b"content-length", b"-5"),)}, 400, "invalid_request"),
        (
            {"headers": ((b"content-length", b"5"), (b"transfer-encoding", b"chunked"))},
            400,
            "invalid_request",
        ),
        ({"headers": ((b"authorization", b"a"),) * 2}, 400, "duplicate_header"),
        ({"headers": ((b"Content-Type", b"a"), (b"content-type", b"b"))}, 400, "duplicate_header"),
    ],
)  # fmt: skip
async def test_a_bad_head_is_answered_and_the_connection_closed(
    gate: Gate, behind: Behind, wrong: dict[str, Any], status: int, code: str
) -> None:
    found = await exchange(gate, **wrong)
    assert (found.status, found.code) == (status, code)
    assert found.headers[b"connection"] == b"close"
    assert found.headers[b"content-length"] == b"%d" % len(found.body)
    assert gate.meters.refusals == {code: 1}
    assert behind.seen == []


async def test_a_request_comes_through_whole(gate: Gate, behind: Behind) -> None:
    async def parts() -> AsyncGenerator[Message]:
        yield {"type": "http.request", "body": b"ab", "more_body": True}
        yield {"type": "http.request", "body": b"c", "more_body": False}

    found = await exchange(gate, query=b"a=1", headers=((b"X-A", b"1"),), messages=parts)
    assert found.status == 200
    (request,) = behind.seen
    assert (request.method, request.path, request.query) == ("POST", "/v1/ingest", b"a=1")
    assert (request.headers, request.body) == (((b"x-a", b"1"),), b"abc")
    assert request.client == "127.0.0.1"


async def test_a_body_of_the_largest_size_is_taken(gate: Gate, behind: Behind) -> None:
    async def parts() -> AsyncGenerator[Message]:
        yield {"type": "http.request", "body": b"x" * BODY_LIMIT, "more_body": False}

    assert (await exchange(gate, messages=parts)).status == 200
    assert len(behind.seen[0].body) == BODY_LIMIT


async def test_a_body_that_never_ends_is_not_read_on(gate: Gate, behind: Behind) -> None:
    async def parts() -> AsyncGenerator[Message]:
        while True:
            yield {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    found = await exchange(gate, messages=parts)
    assert (found.status, found.code) == (413, "body_too_large")
    assert found.received <= BODY_LIMIT + LINGER_BYTES + 2 * 65536
    assert behind.seen == []


@pytest.mark.parametrize(
    ("bytes_a_second", "until_s"), [(0, 5), (1, 5), (300, 6.5), (900, 10), (20_000, 10)]
)
async def test_a_slow_body_is_given_up(
    gate: Gate, autojump_clock: MockClock, bytes_a_second: int, until_s: float
) -> None:
    async def parts() -> AsyncGenerator[Message]:
        while True:
            await trio.sleep(1)
            yield {"type": "http.request", "body": b"x" * bytes_a_second, "more_body": True}

    began = trio.current_time()
    found = await exchange(gate, messages=parts)
    assert (found.status, found.code) == (408, "body_timeout")
    assert trio.current_time() - began <= until_s + 1.5


async def test_a_client_that_leaves_is_forgotten(gate: Gate, behind: Behind) -> None:
    async def parts() -> AsyncGenerator[Message]:
        yield {"type": "http.request", "body": b"half", "more_body": True}
        yield {"type": "http.disconnect"}

    assert (await exchange(gate, messages=parts)).status == 0
    assert behind.seen == []


async def test_bodies_together_have_a_limit(gate: Gate) -> None:
    gate.room.held_bytes = BODIES_LIMIT

    async def parts() -> AsyncGenerator[Message]:
        yield {"type": "http.request", "body": b"x", "more_body": False}

    found = await exchange(gate, messages=parts)
    assert (found.status, found.code) == (503, "overloaded")
    assert found.headers[b"retry-after"] == b"1"
