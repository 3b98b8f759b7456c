"""What all stored bytes have in common: a byte for kind and version, a msgpack list, a checksum.

Law: whatever is wrong with the bytes, the reader gets `BadFrame` with the reason, and nothing else.
"""

import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import msgpack

VERSION = 1
"""The version that is written, and the only one there is so far."""

ROWS_MAX = 1 << 24
"""Rows in one frame, so that damaged bytes cannot ask for all the memory there is."""

_CHECKSUM = 4


class BadFrame(Exception):
    """These bytes are not what they should be; the text says why."""


class Form(IntEnum):
    """What the bytes hold: the upper half of the first byte, the lower half is the version."""

    LOG = 1
    PARTIALS = 2
    CHUNK = 3


def seal(form: Form, fields: Sequence[Any]) -> bytes:
    """The bytes of `fields`, which are anything that msgpack knows."""
    data: bytes = bytes((form << 4 | VERSION,)) + msgpack.packb(fields)
    return data + zlib.crc32(data).to_bytes(_CHECKSUM, "little")


@contextmanager
def opened(form: Form, data: bytes) -> Generator[list[Any], None, None]:
    """The fields of sealed bytes; what goes wrong inside the block is a `BadFrame`, too."""
    name = form.name.lower()
    if not data:
        raise BadFrame(f"{name}: no bytes")
    if data[0] >> 4 != form:
        raise BadFrame(f"{name}: the bytes are of another form ({data[0]:#04x})")
    if data[0] & 15 != VERSION:
        raise BadFrame(f"{name}: version {data[0] & 15} is not known, only {VERSION}")
    body = memoryview(data)[:-_CHECKSUM]
    if zlib.crc32(body).to_bytes(_CHECKSUM, "little") != data[-_CHECKSUM:]:
        raise BadFrame(f"{name}: {len(data)} bytes do not match their checksum")
    try:
        fields = msgpack.unpackb(body[1:])
        if not isinstance(fields, list):
            raise BadFrame(f"{name}: not a list")
        yield fields
    except BadFrame:
        raise
    except _FAULTS as error:
        raise BadFrame(f"{name}: {type(error).__name__}: {error}") from error


# The checksum was right, so somebody else wrote these bytes, or a bug did. A column too few ends an
# iteration, rows that nobody has memory for are too many.
_FAULTS = (
    ArithmeticError, AttributeError, LookupError, MemoryError, StopIteration, TypeError, ValueError,
    zlib.error, msgpack.UnpackException,
)  # fmt: skip
