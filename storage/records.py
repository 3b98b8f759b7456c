"""Small records as bytes: a version byte, then a msgpack array. Pure.

A later release may add fields at the end, which this one ignores; a change that this one must not
ignore gets another version, which this one refuses to read.
"""

from typing import Any, Final

import msgpack

from engine.ports import Damaged

VERSION: Final = b"\x01"


def pack(*fields: object) -> bytes:
    """A record of these fields."""
    packed: bytes = msgpack.packb(fields)
    return VERSION + packed


def unpack(
    record: bytes, fields: int, what: str, number: object = "", added: tuple[Any, ...] = ()
) -> tuple[Any, ...]:
    """The first `fields` fields of a record; Damaged, naming it, when it has not got them.

    `added` are the values of the last fields in records of releases that did not have them yet.
    """
    found = unpack_all(record, what, number)
    if len(found) < fields - len(added):
        raise Damaged(f"{what} {number}: fields are missing")
    missing = max(0, fields - len(found))
    return found[:fields] + added[len(added) - missing :]


def unpack_all(record: bytes, what: str, number: object = "") -> tuple[Any, ...]:
    """Every field of a record, also those of later releases; Damaged, naming it, as above."""
    if record[:1] != VERSION:
        version = record[:1].hex() or "missing"
        raise Damaged(f"{what} {number}: its version is {version}, not known here")
    try:
        found: object = msgpack.unpackb(record[1:], use_list=False)
    except ValueError as error:
        raise Damaged(f"{what} {number}: {error}") from error
    if not isinstance(found, tuple):
        raise Damaged(f"{what} {number}: fields are missing")
    return found
