"""All that is stored, as bytes; the formats are described in FORMATS.md."""

from storage.codec.chunk import decode_chunk, encode_chunk, encode_chunks
from storage.codec.frame import BadFrame
from storage.codec.log import decode_log, decode_skip, encode_log, encode_skip
from storage.codec.partials import decode_partials, encode_partials

__all__ = [
    "BadFrame",
    "decode_chunk",
    "decode_log",
    "decode_partials",
    "decode_skip",
    "encode_chunk",
    "encode_chunks",
    "encode_log",
    "encode_partials",
    "encode_skip",
]
