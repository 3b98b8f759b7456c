"""The connection to a server: kept, made anew when it broke, and every failure is an answer."""

import socket

import pytest

from statflow_client.answers import Answer, NoAnswer
from statflow_client.line import ANSWER_BYTES_MAX, HttpLine
from statflow_client.places import Place, place_of
from tests.clients.fake_server import BROKEN, fake_server
from tests.clients.lines import answer

KEY = "sf_key"
ONE = b'{"items":[{"stat":"a"}]}'


def line_to(url: str) -> HttpLine:
    """A line to that server."""
    return HttpLine(place_of(url, KEY, {}), "agent/1")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://h:81", Place("h", 81, "/v1/ingest/batch", KEY, False)),
        ("https://h/", Place("h", 443, "/v1/ingest/batch", KEY, True)),
        ("http://[::1]:8080", Place("::1", 8080, "/v1/ingest/batch", KEY, False)),
        ("h:81/below/", Place("h", 81, "/below/v1/ingest/batch", KEY, False)),
        (None, Place("127.0.0.1", 8080, "/v1/ingest/batch", KEY, False)),
    ],
)
def test_places_are_understood(url: str | None, place: Place) -> None:
    assert place_of(url, f" {KEY}\n", {}) == place
    assert place_of(None, None, {"STATFLOW_URL": url or "", "STATFLOW_KEY": KEY}) == place
    assert KEY not in repr(place)


@pytest.mark.parametrize("url", ["ftp://h", "http://", "http://h:port", "http://h:99999"])
def test_other_places_have_a_remedy(url: str) -> None:
    with pytest.raises(ValueError, match="STATFLOW_URL"):
        place_of(url, KEY, {})


@pytest.mark.parametrize("key", ["", "sf key", "sf_\nx: y", "ß"])
def test_a_key_that_is_none_has_a_remedy(key: str) -> None:
    with pytest.raises(ValueError, match="STATFLOW_KEY"):
        place_of(None, key, {})


@pytest.mark.real
def test_a_connection_is_kept_and_a_request_says_all() -> None:
    with fake_server() as fake:
        line = line_to(fake.url)
        for key in ("k1", "k2", "k3"):
            told = line.post(key, ONE)
            assert isinstance(told, Answer)
            assert (told.status, told.headers["content-length"]) == (202, str(len(told.body)))
        line.close()
    assert fake.connections == 1
    assert [posted.key for posted in fake.posted] == ["k1", "k2", "k3"]
    head = fake.heads[0]
    assert head["authorization"] == f"Bearer {KEY}"
    assert head["content-type"] == "application/json"
    assert head["user-agent"] == "agent/1"


@pytest.mark.real
def test_long_bodies_are_packed() -> None:
    with fake_server() as fake:
        line = line_to(fake.url)
        line.post("k", b'{"items":[%s]}' % b",".join([b'{"stat":"a"}'] * 1000))
        line.close()
    assert int(fake.heads[0]["content-length"]) < 1000
    assert len(fake.posted[0].items) == 1000


@pytest.mark.real
def test_a_connection_that_ended_while_idle_is_made_anew() -> None:
    with fake_server(answer(202, {}), BROKEN, answer(202, {})) as fake:
        line = line_to(fake.url)
        statuses = [
            told.status for _ in range(2) if isinstance(told := line.post("k", ONE), Answer)
        ]
        line.close()
    assert statuses == [202, 202]
    assert fake.connections == 2


@pytest.mark.real
def test_a_server_that_breaks_off_twice_is_no_answer() -> None:
    with fake_server(BROKEN, answer(503), BROKEN, BROKEN) as fake:
        line = line_to(fake.url)
        told = [line.post("k", ONE) for _ in range(3)]
    assert [type(one) for one in told] == [NoAnswer, Answer, NoAnswer]


@pytest.mark.real
def test_an_answer_without_end_is_cut() -> None:
    with fake_server(Answer(200, {}, b"x" * (2 * ANSWER_BYTES_MAX)), answer(202, {})) as fake:
        line = line_to(fake.url)
        told = line.post("k", ONE)
        assert isinstance(told, Answer)
        assert len(told.body) == ANSWER_BYTES_MAX
        after = line.post("k", ONE)
        line.close()
    assert isinstance(after, Answer)
    assert after.status == 202


@pytest.mark.real
def test_nobody_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = line_to(f"http://127.0.0.1:{port}").post("k", ONE)
    assert isinstance(told, NoAnswer)
    assert told.reason.startswith(f"127.0.0.1:{port}: ")
