"""Content types and compression, within limits."""

import gzip
import random
import zlib

import pytest

from api.http.bodies import BATCH_CODECS, BODY_LIMIT, UNPACKED_LIMIT, codec_of, gunzip, unpacked
from api.http.codecs import JSON, LINES, MESSAGE_PACK, Codec
from api.http.messages import RawRequest
from api.http.problems import Problem


def request(body: bytes = b"", **headers: str) -> RawRequest:
    """A request with these headers; `_` stands for `-`."""
    pairs = tuple((name.replace("_", "-").encode(), v.encode()) for name, v in headers.items())
    return RawRequest("POST", "/v1/ingest/batch", b"", pairs, body, "r1")


@pytest.mark.parametrize(
    ("media", "codec"),
    [
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ('application/json;charset="UTF-8"', JSON),
        ("application/x-ndjson", LINES),
        ("application/msgpack", MESSAGE_PACK),
        ("application/vnd.msgpack", MESSAGE_PACK),
    ],
)
def test_content_types(media: str, codec: Codec) -> None:
    assert codec_of(request(content_type=media), BATCH_CODECS) is codec


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_other_content_types(media: str) -> None:
    with pytest.raises(Problem) as raised:
        codec_of(request(content_type=media), BATCH_CODECS)
    assert raised.value.code == "unsupported_media_type"
    assert "application/json" in raised.value.detail


def test_other_alphabets() -> None:
    with pytest.raises(Problem) as raised:
        codec_of(request(content_type="application/json; charset=utf-16"), BATCH_CODECS)
    assert raised.value.code == "invalid_encoding"


def test_gzip_is_unpacked() -> None:
    data = bytes(random.Random(7).choices(b"abcdefgh", k=2_000_000))
    assert unpacked(request(gzip.compress(data), content_encoding="gzip")) == data
    assert gunzip(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0") == b"ab"
    assert gunzip(b"") == b""
    assert unpacked(request(b"x", content_encoding="identity")) == b"x"


def test_what_repeats_itself_may_grow_as_large_as_a_plain_body() -> None:
    data = b"a" * BODY_LIMIT
    assert gunzip(gzip.compress(data)) == data


@pytest.mark.parametrize("size", [BODY_LIMIT + 65_537, UNPACKED_LIMIT + 1, 2**30])
def test_a_bomb_is_not_unpacked(size: int) -> None:
    squeeze = zlib.compressobj(9, wbits=31)
    packed = b"".join(squeeze.compress(b"\0" * 2**20) for _ in range(size // 2**20))
    packed += squeeze.compress(b"\0" * (size % 2**20)) + squeeze.flush()
    with pytest.raises(Problem) as raised:
        gunzip(packed)
    assert raised.value.code == "body_too_large"


def test_too_much_is_too_much_however_it_was_packed() -> None:
    data = bytes(random.Random(7).choices(b"abcd", k=UNPACKED_LIMIT + 1))
    with pytest.raises(Problem) as raised:
        gunzip(gzip.compress(data))
    assert raised.value.code == "body_too_large"


@pytest.mark.parametrize(
    "packed",
    [b"plain", gzip.compress(b"abc")[:-4], gzip.compress(b"a") + b"x"],
    # A compressed text begins with the time: as a name it would change with every second.
    ids=["plain", "cut off", "followed by more"],
)
def test_what_is_no_gzip(packed: bytes) -> None:
    with pytest.raises(Problem) as raised:
        gunzip(packed)
    assert raised.value.code == "invalid_gzip"


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_encodings(encoding: str) -> None:
    with pytest.raises(Problem) as raised:
        unpacked(request(b"x", content_encoding=encoding))
    assert raised.value.code == "unsupported_encoding"
