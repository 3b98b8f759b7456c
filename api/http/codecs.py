"""The ways in which a body may be written: JSON, JSON lines, MessagePack. Pure.

JSON decoders take the last of two equal keys without a word. A sender who wrote `value` twice
should hear of it, so keys are counted: every key has one colon outside of texts. Only when the
colons of a body do not add up is it looked at key by key. (Of equal MessagePack keys the last
counts.)
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET, Raw, UnsetType

from api.http.batch_templates import BatchTemplates
from api.http.item import (
    Batch,
    Item,
    Parsed,
    RawBatch,
    add_short_times,
    add_times_and_ids,
    parsed,
)
from api.http.problems import Problem
from engine.stats import Kind

T = TypeVar("T")

SYNTAX_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoders raise for a body that is no document; msgspec's ValidationError is among them."""

COLON: Final = ord(":")

HALF_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")


class Codec(Protocol):
    """One way to write items down; `media` are its content types, the usual one first."""

    @property
    def media(self) -> tuple[bytes, ...]: ...

    def decode(self, body: bytes, shape: type[T]) -> T:
        """The body as `shape`, or one of SYNTAX_ERRORS."""

    def check(self, body: bytes) -> None:
        """Raise Problem unless the body is one whole document."""

    def parse_all(self, body: bytes) -> Parsed | None:
        """Every item at once, or None when they must be looked at one by one."""

    def split(self, body: bytes) -> Sequence[bytes]:
        """The items of a batch, still encoded; Problem when the batch itself is wrong."""

    def key_twice(self, body: bytes, item: Item) -> str | None:
        """A key that stands twice in the item that was decoded from `body`."""

    def syntax_code(self, body: bytes, error: Exception) -> str:
        """The problem code of a body that is no document."""


class Json:
    """`application/json`; remembers what long batches looked like, which changes no answer."""

    media = (b"application/json",)

    def __init__(self) -> None:
        self._batch: Callable[[bytes], Batch] = msgspec.json.Decoder(Batch).decode
        self._templates = BatchTemplates()

    def decode(self, body: bytes, shape: type[T]) -> T:
        return _json_decoder(shape).decode(body)

    def check(self, body: bytes) -> None:
        _check(self, body)

    def parse_all(self, body: bytes) -> Parsed | None:
        if (alike := self._templates.read(body)) is not None:
            return alike
        try:
            items = self._batch(body).items
        except SYNTAX_ERRORS:
            return None
        found = _parsed(body, items, 1)
        if found is not None:
            self._templates.learn(body, found)
        return found

    def split(self, body: bytes) -> Sequence[bytes]:
        raw = _split(self, body)
        if body.count(b":") - sum(part.count(b":") for part in raw) > 1:
            raise Problem("duplicate_field", "`items` stands twice in the body.")
        return raw

    def key_twice(self, body: bytes, item: Item) -> str | None:
        return _json_key_twice(body, item)

    def syntax_code(self, body: bytes, error: Exception) -> str:
        return _json_syntax_code(body, error)


class Lines:
    """`application/x-ndjson`: an item a line; empty lines do not count."""

    media = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")

    def __init__(self) -> None:
        self._lines: Callable[[bytes], list[Item]] = msgspec.json.Decoder(Item).decode_lines

    def decode(self, body: bytes, shape: type[T]) -> T:
        return _json_decoder(shape).decode(body)

    def check(self, body: bytes) -> None:
        _check(self, body)

    def parse_all(self, body: bytes) -> Parsed | None:
        try:
            items = self._lines(body)
        except SYNTAX_ERRORS:
            return None
        return _parsed(body, items, 0)

    def split(self, body: bytes) -> Sequence[bytes]:
        return [line for line in body.split(b"\n") if line.strip()]

    def key_twice(self, body: bytes, item: Item) -> str | None:
        return _json_key_twice(body, item)

    def syntax_code(self, body: bytes, error: Exception) -> str:
        return _json_syntax_code(body, error)


class MessagePack:
    """`application/msgpack`."""

    media = (b"application/msgpack", b"application/x-msgpack", b"application/vnd.msgpack")

    def __init__(self) -> None:
        self._batch: Callable[[bytes], Batch] = msgspec.msgpack.Decoder(Batch).decode

    def decode(self, body: bytes, shape: type[T]) -> T:
        return msgspec.msgpack.decode(body, type=shape)

    def check(self, body: bytes) -> None:
        _check(self, body)

    def parse_all(self, body: bytes) -> Parsed | None:
        try:
            items = self._batch(body).items
        except SYNTAX_ERRORS:
            return None
        found = parsed(items)
        add_times_and_ids(found, items)
        return found

    def split(self, body: bytes) -> Sequence[bytes]:
        return _split(self, body)

    def key_twice(self, body: bytes, item: Item) -> str | None:
        return None

    def syntax_code(self, body: bytes, error: Exception) -> str:
        return "invalid_encoding" if isinstance(error, UnicodeDecodeError) else "invalid_msgpack"


JSON: Final = Json()
LINES: Final = Lines()
MESSAGE_PACK: Final = MessagePack()


def _json_decoder(shape: type[T]) -> "msgspec.json.Decoder[T]":
    decoder = _DECODERS.get(shape)
    if decoder is None:
        decoder = _DECODERS[shape] = msgspec.json.Decoder(shape)
    return decoder


# By the few shapes that this package asks for.
_DECODERS: dict[Any, "msgspec.json.Decoder[Any]"] = {}


def _check(codec: Codec, body: bytes) -> None:
    try:
        codec.decode(body, Raw)
    except SYNTAX_ERRORS as error:
        code = codec.syntax_code(body, error)
        raise Problem(code, f"{error}." if isinstance(error, msgspec.DecodeError) else "") from None


def _split(codec: Codec, body: bytes) -> list[bytes]:
    codec.check(body)
    try:
        return [bytes(raw) for raw in codec.decode(body, RawBatch).items]
    except msgspec.ValidationError as error:
        text = str(error)
        code = "field_type"
        if "unknown field" in text:
            code = "unknown_field"
        elif "missing required field" in text:
            code = "field_required"
        raise Problem(code, f'{text}. A batch is {{"items":[…]}}.') from None


def _parsed(body: bytes, items: list[Item], other_keys: int) -> Parsed | None:
    """Items that were decoded from JSON, unless a key might stand twice in one of them."""
    found = parsed(items)
    colons = _colons(body) - other_keys
    keys = 2 * len(items) - int(np.count_nonzero(found.missing))
    keys += _said(found.types)
    if colons == keys:
        return found
    add_short_times(found, items)
    if colons == keys + _timed(found):
        return found
    add_times_and_ids(found, items)
    rare = [column for column in (found.timestamps, found.ts, found.ids) if column is not None]
    keys += sum(map(_given, rare)) + (0 if found.at is None else len(items))
    if colons != keys:
        texts = [text for column in (found.names, *rare) for text in column]
        inside = sum(text.count(":") for text in texts if isinstance(text, str))
        # An escaped colon is one in the text but none in the body.
        if b"\\" in body or colons != keys + inside:
            return None
    return found


def _said(types: list[Kind | UnsetType]) -> int:
    """How many items say their type: mostly all of them say the same."""
    if types and types[0] is not UNSET and types.count(types[0]) == len(types):
        return len(types)
    return types.count(Kind.COUNTER) + types.count(Kind.VALUE)


def _colons(body: bytes) -> int:
    # Of many, numpy counts each in a quarter of the time that bytes.count takes.
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == COLON))


def _given(column: Sequence[object] | None) -> int:
    """How many items have this field."""
    return 0 if column is None else len(column) - column.count(UNSET)


def _timed(found: Parsed) -> int:
    """How many items have `t`, before it is known which have another time."""
    return len(found.at) if found.at is not None else _given(found.ts)


def _json_key_twice(body: bytes, item: Item) -> str | None:
    values = (getattr(item, name) for name in item.__struct_fields__)
    if body.count(b":") == sum(value is not UNSET for value in values):
        return None
    twice: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        twice.extend(name for name in names if names.count(name) > 1)

    json.loads(body, object_pairs_hook=look, parse_int=str, parse_float=str)
    return twice[0] if twice else None


def _json_syntax_code(body: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError) or body.startswith(BYTE_ORDER_MARKS):
        return "invalid_encoding"
    text = str(error)
    if ("surrogate" in text or "escape" in text) and HALF_SURROGATE.search(body):
        return "invalid_encoding"
    # UTF-16 and UTF-32 have a NUL in every other byte; no JSON text has one.
    if b"\0" in body[:4] or not _is_utf8(body):
        return "invalid_encoding"
    return "invalid_json"


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
