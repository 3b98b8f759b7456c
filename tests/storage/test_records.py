"""Small records: there and back, longer ones of later releases, damaged ones."""

import msgpack
import pytest

from engine.ports import Damaged
from storage.records import VERSION, pack, unpack


def test_there_and_back() -> None:
    fields = ("温度", 2**62, None, True, ("read", "write"), b"\x00\xff")
    assert unpack(pack(*fields), len(fields), "a record") == fields


def test_fields_of_later_releases_are_passed_over() -> None:
    assert unpack(pack(1, 2, "new"), 2, "a record") == (1, 2)


def test_fields_that_an_earlier_release_did_not_have_get_their_values() -> None:
    added = ("x", ())
    assert unpack(pack(1, 2), 4, "a record", added=added) == (1, 2, "x", ())
    assert unpack(pack(1, 2, 3), 4, "a record", added=added) == (1, 2, 3, ())
    assert unpack(pack(1, 2, 3, 4, 5), 4, "a record", added=added) == (1, 2, 3, 4)
    with pytest.raises(Damaged):
        unpack(pack(1), 4, "a record", added=added)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"", "its version is missing"),
        (b"\x02", "its version is 02"),
        (VERSION, "a record"),
        (pack(1, 2)[:-1], "a record"),
        (pack(1, 2) + b"x", "a record"),
        (VERSION + msgpack.packb({"name": 1}), "fields are missing"),
        (pack(1), "fields are missing"),
    ],
)
def test_damage_is_told(record: bytes, why: str) -> None:
    with pytest.raises(Damaged, match=why):
        unpack(record, 2, "a record")
