"""What is logged: one JSON object a line if wanted, and never a secret."""

import logging
import random
import sys
from collections.abc import Iterator

import msgspec
import pytest

from api.accounts.keys import new_secret
from api.logs import JsonLines, TextLines, without_secrets

KEY = new_secret(random.Random(3))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY} is bad", f"key {KEY[:11]}*** is bad"),
        ("redis://:hush@db:6379/1", "redis://***@db:6379/1"),
        ("https://me:hush@x/y?z=1", "https://***@x/y?z=1"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("b'basic dTpw'", "b'basic ***'"),
        ("whsec_MfKQ9r8GKYqrTwjU", "whsec_***"),
        ("http://127.0.0.1:8080/v1/stats?q=a@b", "http://127.0.0.1:8080/v1/stats?q=a@b"),
        ("st_7Gk sf_short bearer", "st_7Gk sf_short bearer"),
    ],
)
def test_secrets_are_blotted_out(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def records() -> Iterator[logging.LogRecord]:
    """A plain record, and one with a trace that holds a secret."""
    yield logging.LogRecord("statflow.x", logging.WARNING, "f", 1, "a\n%s", (KEY,), None)
    try:
        raise ValueError(f"not {KEY}")
    except ValueError:
        yield logging.LogRecord("statflow.x", logging.ERROR, "f", 1, "no", (), sys.exc_info())


def test_json_is_one_object_a_line() -> None:
    plain, failed = (JsonLines().format(record) for record in records())
    assert "\n" not in plain + failed
    assert msgspec.json.decode(plain).keys() == {"time", "level", "logger", "message"}
    assert msgspec.json.decode(plain)["message"] == f"a\n{KEY[:11]}***"
    assert "ValueError" in msgspec.json.decode(failed)["trace"]
    assert KEY not in plain + failed


def test_text_has_the_trace_below_but_no_secret() -> None:
    _, failed = (TextLines("%(message)s").format(record) for record in records())
    assert failed.startswith("no\nTraceback")
    assert KEY not in failed
