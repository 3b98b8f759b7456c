"""What clients really send, byte for byte, and what is meant by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from api.http.messages import RawRequest
from api.http.problems import Problem
from api.stathat.forms import FIELDS_MAX, fanned_out, read_form, read_sent, to_parsed
from engine.stats import Kind

FORM = b"application/x-www-form-urlencoded"


def sent(body: bytes, query: bytes = b"", media: bytes = FORM) -> RawRequest:
    """A request as it arrives."""
    return RawRequest("POST", "/ez", query, ((b"content-type", media),), body, "id")


@pytest.mark.parametrize(
    ("body", "name", "kind", "value"),
    [
        (b"ezkey=k&stat=page+view&count=1", "page view", Kind.COUNTER, 1.0),
        # The official client of node encodes nothing.
        (b"ezkey=a@b.c&stat=messages sent - female to male&count=2",
         "messages sent - female to male", Kind.COUNTER, 2.0),
        ("ezkey=k&stat=Größe&value=0.5".encode(), "Größe", Kind.VALUE, 0.5),
        (b"ezkey=k&stat=this & that&count=1", "this & that", Kind.COUNTER, 1.0),
        (b"ezkey=k&stat=caf\xe9&count=1", "café", Kind.COUNTER, 1.0),
        (b"ezkey=k&stat=100%&count=1", "100%", Kind.COUNTER, 1.0),
        # Go prints large numbers so, encoded or not.
        (b"count=1e%2B06&ezkey=k&stat=a", "a", Kind.COUNTER, 1e6),
        (b"count=1e+06&ezkey=k&stat=a", "a", Kind.COUNTER, 1e6),
        (b"value=-2.5E-3&stat=a&ezkey=k", "a", Kind.VALUE, -0.0025),
        (b"stat=a&ezkey=k&count=&value=3", "a", Kind.VALUE, 3.0),
    ],
)  # fmt: skip
def test_a_form(body: bytes, name: str, kind: Kind, value: float) -> None:
    found = to_parsed(read_sent(sent(body)))
    assert (found.names, found.types, found.value.tolist()) == ([name], [kind], [value])
    assert found.refused == []


def test_a_query_with_an_empty_body() -> None:
    found = to_parsed(read_sent(sent(b"", b"ezkey=k&stat=a&value=7&t=1363118126")))
    assert (found.names, found.value.tolist(), found.timestamps) == (["a"], [7.0], [1363118126])


def test_what_stands_in_the_body_counts_more_than_the_query() -> None:
    assert read_sent(sent(b"stat=b", b"stat=a&ezkey=k")).sender == {"stat": "b", "ezkey": "k"}


@pytest.mark.parametrize("media", [b"application/json", b"application/json; charset=utf-8", b""])
def test_many_points_as_json(media: bytes) -> None:
    body = (
        b'{"ezkey":"k","data":[{"stat":"page view","count":2},{"stat":"a~b,c","count":1},'
        b'{"stat":"load","value":0.7,"t":1363118126},{"stat":"none"},{"stat":"x","count":"much"}]}'
    )
    found = to_parsed(read_sent(sent(body, media=media)))
    assert found.names == ["page view", "a b", "a c", "load"]
    assert found.place.tolist() == [0, 1, 1, 2]
    assert found.timestamps == [UNSET, UNSET, UNSET, 1363118126]
    assert [(one.item, one.code) for one in found.refused] == [
        (3, "field_required"), (4, "value_type"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "stats"),
    [
        ("plain", ["plain"]),
        ("messages sent~total,female", ["messages sent total", "messages sent female"]),
        ("a ~ b , c,,b", ["a b", "a c"]),
        ("~b", ["b"]),
        ("a~", ["a"]),
        ("a~,", ["a"]),
        ("~", [""]),
        ("a~b~c", ["a b~c"]),
    ],
)
def test_fan_out(name: str, stats: list[str]) -> None:
    assert list(fanned_out(name)) == stats


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"stat=a", "field_required"),
        (b"stat=a&count=1&value=2", "duplicate_field"),
        (b"stat=a&count=one", "value_type"),
        (b"stat=a&count=1_000", "value_type"),
        (b"stat=a&count=" + b"1" * 65, "value_type"),
        (b'{"stat":"a","count":true}', "value_type"),
        (b'{"stat":"a","count":[1]}', "value_type"),
    ],
)
def test_a_number_is_never_guessed(body: bytes, code: str) -> None:
    found = to_parsed(read_sent(sent(body)))
    assert found.names == []
    assert [one.code for one in found.refused] == [code]


@pytest.mark.parametrize(
    ("given", "time"),
    [
        (b"", UNSET), (b"0", UNSET), (b"1363118126", 1363118126), (b"1363118126.5", 1363118126.5),
        (b"2013-03-12T19:55:26Z", "2013-03-12T19:55:26Z"), (b"soon", "soon"),
    ],
)  # fmt: skip
def test_times(given: bytes, time: object) -> None:
    found = to_parsed(read_sent(sent(b"stat=a&count=1&t=" + given)))
    assert found.timestamps == (None if time is UNSET else [time])


def test_a_stat_that_is_known_takes_either_name_and_keeps_its_own() -> None:
    found = to_parsed(read_sent(sent(b"value=4&stat=a~b")), Kind.COUNTER)
    assert (found.names, found.types) == (["a~b"], [Kind.COUNTER])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b'{"data":7}', "field_type"),
        (b'{"data":[7]}', "field_type"),
        (b'{"data":[]}', "batch_empty"),
        (b'{"data":[' + b",".join([b'{"stat":"a"}'] * 1001) + b"]}", "batch_too_large"),
        (b'{"stat":"a~' + b",".join(b"%d" % n for n in range(1001)) + b'","count":1}',
         "batch_too_large"),
        (b"&".join(b"%d=1" % n for n in range(FIELDS_MAX + 1)), "too_many_parameters"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Problem) as refused:
        to_parsed(read_sent(sent(body)))
    assert refused.value.code == code


@given(st.binary(max_size=300))
def test_any_bytes_are_fields(form: bytes) -> None:
    fields = read_form(form)
    assert all(isinstance(value, str) for value in fields.values())
