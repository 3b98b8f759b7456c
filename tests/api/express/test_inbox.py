"""The bytes of a connection as requests: cut anywhere, damaged anyhow, never taken for another."""

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from api.express.chunks import RAW_LIMIT
from api.express.head import Verdict
from api.express.inbox import HEAD_LIMIT
from api.http.bodies import BODY_LIMIT
from tests.api.express.requests import cut, damaged, other, read, request

POST = b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

INPUTS_AN_EXAMPLE = 64


def check(random: Random, data: bytes) -> int:
    """Read it whole and cut; what is taken, another parser must read alike. Returns how many."""
    whole = read([data])
    assert read(cut(random, data)) == whole
    begin = 0
    for asked, end in zip(whole.asked, whole.ends, strict=True):
        seen = other(data[begin:])
        method, _, path = asked.head.route.partition(b" ")
        assert method == b"POST"
        assert seen.target in {path + b"?" + asked.head.query, path}
        assert seen.headers == asked.head.headers
        assert seen.body == asked.body
        assert seen.end == end - begin
        begin = end
    if whole.left is not None:
        # Nothing is lost on the way to the server behind.
        assert data.endswith(whole.left)
        assert len(whole.left) == len(data) - begin
    return len(whole.asked)


def search(seed: int, inputs: int) -> int:
    """Check so many streams of up to three requests, most of them damaged."""
    random = Random(seed)
    taken = 0
    for _ in range(inputs):
        data = b"".join(request(random) for _ in range(random.randrange(1, 4)))
        if random.random() < 0.9:
            data = damaged(random, data)
        taken += check(random, data)
    return taken


@given(st.integers(0, 2**63))
@settings(max_examples=60)
def test_no_cut_and_no_damage_gives_a_request_the_body_of_another(seed: int) -> None:
    assert search(seed, INPUTS_AN_EXAMPLE) > 0


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@given(st.integers(0, 2**63))
@settings(max_examples=4_000, phases=[Phase.generate])  # A smaller seed is no simpler.
def test_a_million_streams_are_read_as_another_parser_reads_them(seed: int) -> None:
    assert search(seed, 256) > 0


@given(st.binary(max_size=200), st.integers(0, 2**63))
@settings(max_examples=500)
def test_any_bytes_are_read_alike_however_they_are_cut(data: bytes, seed: int) -> None:
    check(Random(seed), data)
    check(Random(seed), POST + data)
    check(Random(seed), CHUNKED + data)


@pytest.mark.parametrize(
    "rest",
    [
        b"\r\n",
        b"Content-Length: 3\r\n\r\nabc",
        b"Content-Length:\t3  \r\n\r\nabc",
        b"content-length: 003\r\nConnection: Keep-Alive\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n00a\r\n0123456789\r\n0\r\n\r\n",
        b"Connection: close\r\n\r\n",
    ],
)
def test_what_is_plain_is_taken(rest: bytes) -> None:
    found = read([POST + rest + b"GET / HTTP/1.1\r\n"])
    assert len(found.asked) == 1
    assert found.verdict is Verdict.OTHER
    assert found.left == b"GET / HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/ingest HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01",
        b"\r\nPOST",
        b"POSTS",
        b"POST /v1/ingest HTTP/1.0\r\n",
        b"POST /v1/ingest/ HTTP/1.1\r\n",
        b"POST /v1/%69ngest HTTP/1.1\r\n",
        b"POST http://x/v1/ingest HTTP/1.1\r\n",
        b"POST  /v1/ingest HTTP/1.1\r\n",
        b"POST /v1/ingest HTTP/1.1\r\n\r\n",
        POST + b"Host: x\r\n\r\n",
        POST + b"X : y\r\n\r\n",
        POST + b"X: \0\r\n\r\n",
        POST + b"Upgrade: h2c\r\n\r\n",
        POST + b"Connection: upgrade\r\n\r\n",
        POST + b"Expect: cake\r\n\r\n",
        POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST + b"Content-Length: x\r\n\r\n",
        POST + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1),
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        POST + b"Transfer-Encoding: Chunked\r\n\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        POST + b"Authorization: a\r\nAuthorization: b\r\n\r\n",
        POST + b"X: " + b"a" * HEAD_LIMIT,
        CHUNKED + b"x\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b" 1\r\na\r\n",
        CHUNKED + b"1;x=y\r\na\r\n",
        CHUNKED + b"1\na\r\n",
        CHUNKED + b"1\r\nab\r\n",
        CHUNKED + b"0\r\nTrailer: x\r\n\r\n",
        CHUNKED + b"%x\r\n" % (BODY_LIMIT + 1),
        CHUNKED + b"1\r\na\r\n" * (RAW_LIMIT // 6 + 1),
    ],
)
def test_what_is_unusual_is_handed_on_as_it_came(data: bytes) -> None:
    found = read([POST + b"\r\n" + data])
    assert len(found.asked) == 1
    assert found.verdict is Verdict.OTHER
    assert found.left == data


@pytest.mark.parametrize(
    "data",
    [
        POST.replace(b"\r\n", b"\n") + b"\n",
        POST + b"X: y\n\r\n",
        POST + b"X: y\n\n",
        POST + b"X: y\rZ: a\r\n\r\n",
        POST + b"X: y\r\n folded\r\n\r\n",
        POST + b"X: y\r\n\tfolded",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        POST + b"Content-Length: 3, 3\r\n\r\nabc",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(data: bytes) -> None:
    found = read([POST + b"\r\n" + data])
    assert len(found.asked) == 1
    assert found.verdict is Verdict.REFUSED


@pytest.mark.parametrize("data", [b"P", b"POST /v1/ing", POST, POST + b"X: y\r", POST + b"\r"])
def test_what_may_become_plain_is_waited_for(data: bytes) -> None:
    assert read([data]).verdict is Verdict.MORE


def test_a_client_that_waits_is_told_once() -> None:
    head = POST + b"Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n"
    found = read([head, b"ab", b"c" + head, b"d"])
    assert [asked.body for asked in found.asked] == [b"abc"]
    assert found.told == 2
