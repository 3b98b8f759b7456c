"""Bodies become columns; every bad item is named and its neighbours are kept."""

import json

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from api.http.codecs import JSON, LINES, MESSAGE_PACK, Codec
from api.http.decode import Columns, decode_batch, decode_one
from api.http.problems import Problem
from api.http.times import time_ms

NOW_MS = 1_795_302_000_123


def refusals(columns: Columns) -> list[tuple[int, str, str]]:
    """What was refused, as plain tuples."""
    return [(refusal.item, refusal.code, refusal.field) for refusal in columns.refused]


def code_of_one(text: str | bytes, *, counts: bool = False) -> str | None:
    """The problem code of a single item, or None when it is taken."""
    body = text.encode() if isinstance(text, str) else text
    try:
        columns = decode_one(body, JSON, NOW_MS, counts=counts)
    except Problem as problem:
        return problem.code
    assert len(columns) + len(columns.refused) == 1
    return columns.refused[0].code if columns.refused else None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "invalid_json"),
        ('{"stat":"a","value":NaN}', "invalid_json"),
        ('{"stat":"a","value":Infinity}', "invalid_json"),
        ('{"stat":"a","value":1e999}', "value_out_of_range"),
        ('{"stat":"a","value":-1e999}', "value_out_of_range"),
        ('{"stat":"a","value":%s}' % ("9" * 400), "value_out_of_range"),
        ('{"stat":"a","value":%s}' % ("9" * 5000), "value_out_of_range"),
        ('{"stat":"a","value":1e99999999999}', "value_out_of_range"),
        ('{"stat":"a","value":1e101}', "value_out_of_range"),
        ('{"stat":"a","value":-1.1e100}', "value_out_of_range"),
        ('{"stat":"a","value":true}', "value_type"),
        ('{"stat":"a","value":"1"}', "value_type"),
        ('{"stat":"a","value":null}', "value_type"),
        ('{"stat":"a","value":[]}', "value_type"),
        ('{"stat":"a","value":{}}', "value_type"),
        ('{"value":1}', "field_required"),
        ('{"stat":5,"value":1}', "field_type"),
        ('{"stat":null,"value":1}', "field_type"),
        ('{"stat":"a","vaule":1}', "unknown_field"),
        ('{"stat":"a","value":1,"value":2}', "duplicate_field"),
        ('{"stat":"a","value":1,"val\\u0075e":2}', "duplicate_field"),
        ('{"stat":"a:b","value":1,"stat":"a"}', "duplicate_field"),
        ('{"stat":"a","timestamp":1795302000,"t":1795302000}', "duplicate_field"),
        ("[" * 100_000, "invalid_json"),
        ('{"stat":"a","value":%s}' % ("[" * 100_000 + "]" * 100_000), "invalid_json"),
        (b'{"stat":"\xff","value":1}', "invalid_encoding"),
        ('{"stat":"\\ud800","value":1}', "invalid_encoding"),
        ('{"stat":"\\udc00","value":1}', "invalid_encoding"),
        ('{"stat":"a","value":1}'.encode("utf-16"), "invalid_encoding"),
        ('{"stat":"a","value":1}'.encode("utf-16-le"), "invalid_encoding"),
        (b'\xef\xbb\xbf{"stat":"a","value":1}', "invalid_encoding"),
        ('{"stat":"a","value":1,}', "invalid_json"),
        ('{"stat":"a","value":1} x', "invalid_json"),
        ("{'stat':'a'}", "invalid_json"),
        ('{"stat":"a","value":0x10}', "invalid_json"),
        ('{"stat":"a","value":01}', "invalid_json"),
        ('{"stat":"a","type":"gauge"}', "stat_type"),
        ('{"stat":"a","type":5}', "stat_type"),
        ('{"stat":"a","type":null}', "stat_type"),
        ('{"stat":"a","t":1795302061}', "timestamp_in_future"),
        ('{"stat":"a","t":1795302060}', None),
        ('{"stat":"a","t":946684799}', "timestamp_too_old"),
        ('{"stat":"a","t":0}', "timestamp_invalid"),
        ('{"stat":"a","t":-1}', "timestamp_invalid"),
        ('{"stat":"a","t":1e30}', "timestamp_invalid"),
        ('{"stat":"a","t":%s}' % ("9" * 40), "timestamp_invalid"),
        ('{"stat":"a","t":%s}' % ("9" * 5000), "timestamp_invalid"),
        ('{"stat":"a","t":true}', "timestamp_invalid"),
        ('{"stat":"a","t":null}', "timestamp_invalid"),
        ('{"stat":"a","t":"yesterday"}', "timestamp_invalid"),
        ('{"stat":"a","t":"2026-11-20T10:00:00"}', "timestamp_invalid"),
        ('{"stat":"a","t":"2026-11-20"}', "timestamp_invalid"),
        ('{"stat":"a","t":"2026-11-20T10:00:00Z"}', None),
        ('{"stat":"a","id":""}', "id_invalid"),
        ('{"stat":"a","id":7}', "id_invalid"),
        ('{"stat":"a","id":"%s"}' % ("x" * 256), "id_invalid"),
        ('{"stat":"a","id":"a\\nb"}', "id_invalid"),
        ("5", "item_type"),
        ("[]", "item_type"),
        ("null", "item_type"),
        ('{"stat":"a","count":1}', "unknown_field"),
        ('{"stat":"a","value":1}', None),
        ('{"stat":"a"}', None),
        ('{"stat":"a:b:c","value":-0.5,"type":"value","id":"x:1"}', None),
        ('{"stat":"caf\\u00e9 \\u003a 1","value":1}', None),
        ('{"stat":"a","value":5e-324}', None),
        ('{"stat":"a","value":9007199254740993}', None),
    ],
)  # fmt: skip
def test_one_item(body: str | bytes, code: str | None) -> None:
    assert code_of_one(body) == code


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('{"stat":"a","count":3}', "counter", 3.0),
        ('{"stat":"a"}', "counter", None),
        ('{"stat":"a","value":2.5}', "value", 2.5),
        ('{"stat":"a","value":2.5,"type":"counter"}', "counter", 2.5),
    ],
)
def test_count_and_value_say_the_type(body: str, kind: str, value: float | None) -> None:
    columns = decode_one(body.encode(), JSON, NOW_MS, counts=True)
    assert columns.types == [kind]
    assert columns.missing.tolist() == [value is None]
    assert columns.value.tolist() == [value or 0.0]


def test_count_and_value_exclude_another() -> None:
    assert code_of_one('{"stat":"a","value":1,"count":1}', counts=True) == "duplicate_field"
    assert code_of_one('{"stat":"a","value":1,"value":1}', counts=True) == "duplicate_field"


def test_the_unknown_field_is_named() -> None:
    columns = decode_one(b'{"stat":"a","vaule":1}', JSON, NOW_MS)
    assert refusals(columns) == [(0, "unknown_field", "vaule")]


CODECS = [(JSON, "json"), (LINES, "lines"), (MESSAGE_PACK, "msgpack")]


def written(items: list[object], codec: Codec) -> bytes:
    """A batch as the codec has it."""
    if codec is LINES:
        return b"\n".join(json.dumps(item).encode() for item in items)
    if codec is MESSAGE_PACK:
        packed: bytes = msgpack.packb({"items": items})
        return packed
    return json.dumps({"items": items}).encode()


@pytest.mark.parametrize("codec", [codec for codec, _ in CODECS], ids=[name for _, name in CODECS])
@pytest.mark.parametrize("place", [0, 500, 999])
def test_one_bad_item_of_a_thousand_is_named_and_the_others_are_kept(
    codec: Codec, place: int
) -> None:
    items: list[object] = [{"stat": f"s{n}", "value": n, "type": "value"} for n in range(1000)]
    items[place] = {"stat": "s", "value": "many"}
    columns = decode_batch(written(items, codec), codec, NOW_MS)
    assert refusals(columns) == [(place, "value_type", "value")]
    kept = [n for n in range(1000) if n != place]
    assert columns.place.tolist() == kept
    assert columns.value.tolist() == kept
    assert columns.names == [f"s{n}" for n in kept]


@pytest.mark.parametrize("codec", [codec for codec, _ in CODECS], ids=[name for _, name in CODECS])
def test_the_first_thing_wrong_is_told_of_each_item(codec: Codec) -> None:
    bad: list[object] = [
        {"stat": "a", "value": 1e101, "t": 5},
        {"stat": "ok", "value": 7, "t": 1795302000, "id": "x"},
        {"stat": "a", "value": 1, "t": 5, "id": ""},
        {"stat": "a", "value": 1, "id": ""},
        5,
        {"value": 1},
    ]
    columns = decode_batch(written(bad, codec), codec, NOW_MS)
    codes = {place: code for place, code, _ in refusals(columns)}
    assert codes == {
        0: "timestamp_invalid",
        2: "timestamp_invalid",
        3: "id_invalid",
        4: "item_type",
        5: "field_required",
    }
    assert columns.at_ms.tolist() == [1795302000000]
    assert columns.ids == ["x"]


def test_messagepack_can_say_nan_and_is_refused() -> None:
    body = written([{"stat": "a", "value": float("nan")}, {"stat": "b", "value": 1}], MESSAGE_PACK)
    columns = decode_batch(body, MESSAGE_PACK, NOW_MS)
    assert refusals(columns) == [(0, "value_out_of_range", "value")]


def test_a_bad_text_or_line_does_not_spoil_its_neighbours() -> None:
    body = b'{"items":[{"stat":"a","value":1},{"stat":"\xff","value":1}]}'
    assert refusals(decode_batch(body, JSON, NOW_MS)) == [(1, "invalid_encoding", "stat")]
    lines = b'{"stat":"a","value":1}\n\n{"stat":"b",\n{"stat":"c"}\r\n'
    columns = decode_batch(lines, LINES, NOW_MS)
    assert refusals(columns) == [(1, "invalid_json", "")]
    assert columns.names == ["a", "c"]


def test_a_key_that_stands_twice_is_found_in_a_batch() -> None:
    items = ",".join(f'{{"stat":"s:{n}","value":{n},"type":"value"}}' for n in range(50))
    twice = '{"stat":"a","value":1,"value":2}'
    columns = decode_batch(f'{{"items":[{items},{twice}]}}'.encode(), JSON, NOW_MS)
    assert refusals(columns) == [(50, "duplicate_field", "value")]
    assert len(columns) == 50


@pytest.mark.parametrize(
    ("body", "codec", "code"),
    [
        (b"", JSON, "invalid_json"),
        (b'{"items":[]}', JSON, "batch_empty"),
        (b"", LINES, "batch_empty"),
        (b"\n \n", LINES, "batch_empty"),
        (b"[]", JSON, "field_type"),
        (b"{}", JSON, "field_required"),
        (b'{"items":5}', JSON, "field_type"),
        (b'{"items":[{"stat":"a"}],"itmes":1}', JSON, "unknown_field"),
        (b'{"items":[{"stat":"a"}],"items":[{"stat":"b"}]}', JSON, "duplicate_field"),
        (b'{"items":[{"stat":"a"},]}', JSON, "invalid_json"),
        (b'{"items":' + b"[" * 100_000, JSON, "invalid_json"),
        (b"\xc1", MESSAGE_PACK, "invalid_msgpack"),
        (b"", MESSAGE_PACK, "invalid_msgpack"),
        (b"\x91" * 100_000, MESSAGE_PACK, "invalid_msgpack"),
        (b"\x80", MESSAGE_PACK, "field_required"),
        (b'{"items":[%s]}' % b",".join([b'{"stat":"a"}'] * 1001), JSON, "batch_too_large"),
        (b'{"items":[%s]}' % b",".join([b"5"] * 1001), JSON, "batch_too_large"),
        (b'{"stat":"a"}\n' * 1001, LINES, "batch_too_large"),
    ],
)
def test_a_batch_that_is_none(body: bytes, codec: Codec, code: str) -> None:
    with pytest.raises(Problem) as raised:
        decode_batch(body, codec, NOW_MS)
    assert raised.value.code == code


def test_a_missing_time_is_the_servers() -> None:
    columns = decode_batch(b'{"items":[{"stat":"a"},{"stat":"b","t":1795302000}]}', JSON, NOW_MS)
    assert columns.at_ms.tolist() == [NOW_MS, 1795302000000]


def test_minus_zero_is_zero() -> None:
    columns = decode_one(b'{"stat":"a","value":-0.0}', JSON, NOW_MS)
    assert not np.signbit(columns.value[0])


ITEM = st.fixed_dictionaries(
    {"stat": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)},
    optional={
        "value": st.floats(-1e99, 1e99) | st.integers(-(2**53), 2**53),
        "type": st.sampled_from(["counter", "value"]),
        "timestamp": st.integers(1_795_000_000, 1_795_302_000),
        "id": st.text("abc:\u00e9", min_size=1, max_size=4),
    },
)


@given(st.lists(ITEM, min_size=1, max_size=20), st.booleans())
def test_every_way_to_write_items_says_the_same(
    items: list[dict[str, object]], ascii_only: bool
) -> None:
    text = json.dumps({"items": items}, ensure_ascii=ascii_only)
    lines = "\n".join(json.dumps(item, ensure_ascii=ascii_only) for item in items)
    packed: bytes = msgpack.packb({"items": items})
    all_ways: list[tuple[bytes, Codec]] = [
        (text.encode(), JSON),
        (lines.encode(), LINES),
        (packed, MESSAGE_PACK),
    ]
    for body, codec in all_ways:
        columns = decode_batch(body, codec, NOW_MS)
        assert columns.refused == []
        assert columns.names == [item["stat"] for item in items]
        assert columns.types == [item.get("type", UNSET) for item in items]
        assert columns.value.tolist() == [float(str(item.get("value", 0))) for item in items]
        assert columns.missing.tolist() == ["value" not in item for item in items]
        ids = columns.ids or [UNSET] * len(items)
        assert ids == [item.get("id", UNSET) for item in items]


SENT = st.sampled_from(
    [None, 1_795_302_000, 1_795_302_000_000, 1_795_301_999.5, "2026-11-20T03:40:00Z", 5, 2**63]
)
WHOLE = st.sampled_from([1_795_302_000, 1_795_301_000_000])


@given(
    st.lists(st.tuples(WHOLE, st.none()), min_size=1, max_size=9)
    | st.lists(st.tuples(st.none(), WHOLE), min_size=1, max_size=9)
    | st.lists(st.tuples(WHOLE, WHOLE | st.none()), min_size=1, max_size=9)
    | st.lists(st.tuples(SENT, SENT), min_size=1, max_size=9)
)
def test_a_time_may_be_said_in_one_of_two_fields(
    times: list[tuple[float | str | None, float | str | None]],
) -> None:
    items: list[object] = []
    expected: dict[int, int] = {}
    codes: dict[int, str] = {}
    for place, (short, long) in enumerate(times):
        said = {name: at for name, at in (("t", short), ("timestamp", long)) if at is not None}
        items.append({"stat": "a", "value": 1, **said})
        at_ms = time_ms(next(iter(said.values()))) if said else NOW_MS
        if len(said) == 2:
            codes[place] = "duplicate_field"
        elif at_ms is None:
            codes[place] = "timestamp_invalid"
        else:
            expected[place] = at_ms
    for codec in (JSON, MESSAGE_PACK):
        columns = decode_batch(written(items, codec), codec, NOW_MS)
        assert {place: code for place, code, _ in refusals(columns)} == codes
        assert dict(zip(columns.place.tolist(), columns.at_ms.tolist(), strict=True)) == expected
