"""Stream ids: read, written, ordered."""

import pytest

from engine.position import START, Position


@pytest.mark.parametrize("text", ["1795302000123-7", b"1795302000123-7"])
def test_reads_a_stream_id(text: str | bytes) -> None:
    assert Position.parse(text) == Position(1_795_302_000_123, 7)


def test_writes_what_it_reads() -> None:
    assert str(Position.parse("12-3")) == "12-3"


def test_time_goes_before_sequence() -> None:
    assert START < Position(0, 1) < Position(1, 0) < Position(1, 2) < Position(2, 1)


@pytest.mark.parametrize("text", ["", "12", "a-1", "1-b", "1-2-3"])
def test_other_texts_are_no_stream_ids(text: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        Position.parse(text)
