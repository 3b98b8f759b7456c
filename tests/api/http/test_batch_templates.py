"""Batches that are read by a template say what the decoder says, to the last bit, or nothing."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http import batch_templates
from api.http.batch_templates import (
    BODY_BYTES_MIN,
    CREDIT_A_BODY,
    CREDIT_MAX,
    BatchTemplate,
    BatchTemplates,
)
from api.http.codecs import Json
from api.http.decode import to_columns
from api.http.item import Parsed
from api.http.written_numbers import Text

NOW_MS = 1_795_302_000_000

NAME = st.text(st.sampled_from('ab:{}[],.0123456789-"\\ü '), min_size=1, max_size=40)
AMOUNT = st.one_of(
    st.integers(-(10**16), 10**16),
    st.integers(0, 999),
    st.decimals(-(10**9), 10**9, places=3, allow_nan=False).map(float),
    st.floats(-1e15, 1e15, allow_nan=False),
    st.just(-0.0),
)
TIME = st.one_of(
    st.integers(NOW_MS - 10_000, NOW_MS),
    st.integers(NOW_MS // 1000 - 100, NOW_MS // 1000),
    st.just(NOW_MS),
    st.sampled_from(["2026-11-22T03:00:00Z", "2026-11-22T02:00:00Z"]),
)


def decoded(body: bytes) -> Parsed | None:
    """What the decoder says, without any template."""
    return Json().parse_all(body)


def template_of(body: bytes) -> BatchTemplate | None:
    said = decoded(body)
    return None if said is None else BatchTemplate.of(body, said)


def read(template: BatchTemplate, body: bytes) -> Parsed | None:
    text = Text.of(body)
    colons = text.places(ord(":"))
    return template.read(text, colons) if len(colons) == template.colons else None


def columns(found: Parsed) -> tuple[object, ...]:
    """All that comes of it: rows, and what is refused."""
    made = to_columns(found, NOW_MS)
    return (
        made.names, made.types, made.value.tolist(), np.signbit(made.value).tolist(),
        made.at_ms.tolist(), made.missing.tolist(), made.place.tolist(), made.ids, made.total,
        made.refused,
    )  # fmt: skip


def body_of(items: Sequence[Any], spaced: bool) -> bytes:
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps({"items": items}, separators=separators, ensure_ascii=False).encode()


@st.composite
def two_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two bodies that differ in nothing but their numbers."""
    names = draw(st.lists(NAME, min_size=1, max_size=12))
    kind, time = draw(st.sampled_from(["counter", "value", None])), draw(st.sampled_from("t-s"))
    spaced, one_time = draw(st.booleans()), draw(st.booleans())
    first = draw(st.booleans())
    bodies = []
    for _ in range(2):
        shared = draw(TIME)
        items = []
        for name in names:
            item: dict[str, Any] = {"value": draw(AMOUNT)} if first else {"stat": name}
            item |= {"stat": name, "value": draw(AMOUNT)}
            if kind is not None:
                item["type"] = kind
            if time != "-":
                key = "t" if time == "t" else "timestamp"
                item[key] = shared if one_time else draw(TIME)
            items.append(item)
        bodies.append(body_of(items, spaced))
    return bodies[0], bodies[1]


@given(two_bodies())
def test_what_a_template_reads_is_what_the_decoder_says(bodies: tuple[bytes, bytes]) -> None:
    template = template_of(bodies[0])
    if template is not None:
        found, wanted = read(template, bodies[1]), decoded(bodies[1])
        assert wanted is not None
        assert found is None or columns(found) == columns(wanted)


@given(two_bodies(), st.data())
def test_a_body_that_was_changed_anywhere_is_not_taken_for_another(
    bodies: tuple[bytes, bytes], data: st.DataObject
) -> None:
    template = template_of(bodies[0])
    body = bytearray(bodies[data.draw(st.sampled_from([0, 1]))])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        other = data.draw(st.sampled_from(b'0123456789-+.eE,:{}[]" \\a\x00\xff'))
        match data.draw(st.sampled_from(["put", "set", "cut"])):
            case "put":
                body.insert(at, other)
            case "set":
                body[at] = other
            case _ if len(body) > 1:
                del body[at]
    found = None if template is None else read(template, bytes(body))
    if found is not None:
        wanted = decoded(bytes(body))
        assert wanted is not None
        assert columns(found) == columns(wanted)


def one(value: str, time: str = "1795302000000") -> bytes:
    """Two items, of which one has these numbers."""
    other = '{"stat":"b","value":1,"t":1795302000000}'
    return f'{{"items":[{{"stat":"a","value":{value},"t":{time}}},{other}]}}'.encode()


@pytest.mark.parametrize(
    "value",
    ["0", "-0", "7", "-7", "12345678", "123456789", "999999999999999", "0.5", "-0.25", "1234.5678",
     "0.1", "123456.789012345", "100.00", "-99999999.9999999"],
)  # fmt: skip
def test_plain_numbers_are_read(value: str) -> None:
    template = template_of(one("5"))
    assert template is not None
    found = read(template, one(value))
    assert found is not None
    assert found.value.tolist() == [float(value), 1.0]
    assert np.signbit(found.value).tolist() == [value.startswith("-"), False]


@pytest.mark.parametrize(
    "value",
    ["007", "-01", "00.5", "5.", ".5", "-", "--1", "1-2", "1.2.3", "1e5", "1E5", "+1", " 1", "1 ",
     "1234567890123456", "0.1234567890123456", "null", '"1"', "1,", "x", ""],
)  # fmt: skip
def test_other_numbers_are_left_to_the_decoder(value: str) -> None:
    template = template_of(one("5"))
    assert template is not None
    assert read(template, one(value)) is None


@pytest.mark.parametrize(
    "time", ["0795302000000", "-1795302000000", "17953020000000000", "1.5", ""]
)
def test_other_times_are_left_to_the_decoder(time: str) -> None:
    template = template_of(one("5"))
    assert template is not None
    assert read(template, one("5", time)) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":[{"stat":"a\\u0062","value":1}]}',
        b'{"items":[{"stat":"a","value":1,"id":"x"}]}',
        b'{"items":[{"stat":"a"},{"stat":"b","value":1}]}',
        b'{"items":[{"stat":"a","value":1,"t":1795302000},{"stat":"b","value":1}]}',
        b'{"items":[{"stat":"a","value":1,"t":"2026-11-22T03:00:00Z"}]}',
        b'{"items":[{"stat":"a","value" : 1}]}',
        b'{"items":[{"stat":"a","value":  1}]}',
    ],
)
def test_what_is_not_plain_makes_no_template(body: bytes) -> None:
    assert decoded(body) is not None
    assert template_of(body) is None


def long_body(name: str, value: int = 1, items: int = 500) -> bytes:
    return body_of([{"stat": f"{name}.{at}", "value": value + at} for at in range(items)], False)


def test_a_template_is_made_of_what_comes_twice_and_answers_are_the_same() -> None:
    codec = Json()
    for value in range(5):
        body = long_body("a.stat.with.a.name", value)
        assert len(body) > BODY_BYTES_MIN
        found, wanted = codec.parse_all(body), decoded(body)
        assert found is not None
        assert wanted is not None
        assert columns(found) == columns(wanted)
    templates = BatchTemplates()
    said = decoded(body)
    assert said is not None
    templates.learn(body, said)
    assert templates.read(body) is None
    templates.learn(body, said)
    assert templates.read(body) is not None
    assert templates.read(body[:-1]) is None


def test_only_so_many_are_kept_and_the_last_used_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    templates = BatchTemplates()
    bodies = [long_body(f"stat.of.a.name.{at}") for at in range(10)]
    monkeypatch.setattr(batch_templates, "TEXT_BYTES_MAX", 4 * len(bodies[0]))
    for body in bodies:
        said = decoded(body)
        assert said is not None
        templates.learn(body, said)
        templates.learn(body, said)
        templates.read(bodies[0])
    kept = [templates.read(body) is not None for body in bodies]
    assert kept == [True, *[False] * 6, *[True] * 3]


def test_who_never_says_the_same_again_is_not_slowed_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    templates, body, made = BatchTemplates(), long_body("stat.of.a.name"), list[bytes]()
    said = decoded(body)
    assert said is not None

    def make(body: bytes, said: Parsed) -> None:
        made.append(body)

    monkeypatch.setattr(BatchTemplate, "of", make)
    for _ in range(1_000):
        # As if the text around its numbers were another each time.
        templates.learn(body, said)
    assert CREDIT_MAX <= len(made) <= CREDIT_MAX + 1_000 * CREDIT_A_BODY + 2
