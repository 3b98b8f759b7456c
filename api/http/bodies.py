"""What the body of a request is written in, and how it is unpacked within limits. Pure."""

import zlib
from collections.abc import Sequence
from typing import Final

from api.http.codecs import JSON, LINES, MESSAGE_PACK, Codec
from api.http.messages import RawRequest
from api.http.problems import Problem

BODY_LIMIT: Final = 2**20
"""Bytes of a body as it is sent."""

UNPACKED_LIMIT: Final = 4 * 2**20
"""Bytes of a body after decompression."""

RATIO_LIMIT: Final = 50
"""A body may grow by this factor, once it is larger than one that is sent plain."""

STEP: Final = 64 * 1024
"""Bytes that are decompressed at a time."""


def codec_of(request: RawRequest, codecs: Sequence[Codec]) -> Codec:
    """The codec that the Content-Type names, of those that the route takes."""
    given = request.header(b"content-type")
    media, _, params = (given or b"").partition(b";")
    charset = params.strip().lower()
    if charset.startswith(b"charset=") and charset[8:].strip(b'"') not in {b"utf-8", b"us-ascii"}:
        raise Problem("invalid_encoding", "The text of a body must be UTF-8.")
    for codec in codecs:
        if media.strip().lower() in codec.media:
            return codec
    offered = ", ".join(codec.media[0].decode() for codec in codecs)
    said = f"not {given.decode('latin1')[:100]}" if given else "and none was said"
    raise Problem("unsupported_media_type", f"Content-Type must be one of {offered}, {said}.")


def unpacked(request: RawRequest) -> bytes:
    """The body without its Content-Encoding; never holds more than the limit."""
    given = b",".join(request.all(b"content-encoding")).strip().lower()
    if given in {b"", b"identity"}:
        return request.body
    if given not in {b"gzip", b"x-gzip"}:
        raise Problem("unsupported_encoding", "Content-Encoding: only gzip is understood.")
    return gunzip(request.body)


def gunzip(packed: bytes) -> bytes:
    """The members of a gzip file, put together; Problem when it is none or grows too large."""
    parts: list[bytes] = []
    size = 0
    rest = packed
    try:
        while rest:
            engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
            while rest and not engine.eof:
                parts.append(engine.decompress(rest, STEP))
                size += len(parts[-1])
                _check_growth(size, len(packed))
                rest = engine.unconsumed_tail
            if not engine.eof:
                raise Problem("invalid_gzip", "The body ends in the middle of the data.")
            rest = engine.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise Problem("invalid_gzip", f"{error}.") from None
    return b"".join(parts)


def _check_growth(size: int, packed: int) -> None:
    if size > UNPACKED_LIMIT:
        raise Problem("body_too_large", f"At most {UNPACKED_LIMIT} bytes after decompression.")
    if size > BODY_LIMIT and size > RATIO_LIMIT * packed:
        raise Problem("body_too_large", f"The body grows more than {RATIO_LIMIT} times.")


INGEST_CODECS: Final[tuple[Codec, ...]] = (JSON, MESSAGE_PACK)
BATCH_CODECS: Final[tuple[Codec, ...]] = (JSON, LINES, MESSAGE_PACK)
CONTROL_CODECS: Final[tuple[Codec, ...]] = (JSON,)
