"""Bodies of clients that count characters: whole, and nothing else is ever taken for their end."""

import pytest

from api.express.head import Verdict
from api.express.inbox import Asked, Inbox
from api.express.surplus import SURPLUS_LIMIT, surplus_of

ROUTE = b"POST /ez"
HEAD = b"POST /ez HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def counted(text: str) -> tuple[bytes, int]:
    """A body as JavaScript makes it, and its length as it says."""
    return text.encode(), len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    "text", ["stat=größe&value=12.5", "stat=統計 の 名前&count=1", "stat=😀é&count=1", "é"]
)
def test_a_body_that_counts_characters_is_whole(text: str) -> None:
    body, length = counted(text)
    assert surplus_of(body[:length], body[length:]) == len(body) - length
    inbox = Inbox({ROUTE}, (ROUTE,), {ROUTE})
    inbox.put(HEAD % length + body)
    asked = inbox.next()
    assert isinstance(asked, Asked)
    assert asked.body == body
    assert inbox.next() is Verdict.MORE
    assert inbox.rest() == b""


def test_the_next_request_is_never_the_end_of_a_body() -> None:
    body = "stat=größe&value=12.5".encode()
    inbox = Inbox({ROUTE}, (ROUTE,), {ROUTE})
    inbox.put((HEAD % len(body) + body) * 2)
    for _ in range(2):
        asked = inbox.next()
        assert isinstance(asked, Asked)
        assert asked.body == body
    assert inbox.next() is Verdict.MORE


@pytest.mark.parametrize(
    ("body", "rest"),
    [
        ("größe".encode(), b""),
        ("größe".encode(), b"x"),
        ("größe".encode(), b"x" * 3),
        ("größe".encode(), b"P "),
        ("größe".encode(), b"\xff\xff"),
        (b"plain", b"xy"),
        ("é".encode() * SURPLUS_LIMIT, b"x" * (SURPLUS_LIMIT + 1)),
    ],
)
def test_what_does_not_fit_is_left_alone(body: bytes, rest: bytes) -> None:
    assert surplus_of(body, rest) == 0


def test_other_routes_are_read_by_the_letter() -> None:
    body, length = counted("größe")
    inbox = Inbox({ROUTE}, (ROUTE,))
    inbox.put(HEAD % length + body)
    asked = inbox.next()
    assert isinstance(asked, Asked)
    assert asked.body == body[:length]
    assert inbox.rest() == body[length:]
