"""Chunks as bytes: the closed buckets of one stat, tier and span, kept for months or for ever.

Rollups come back to the last bit, but for `squares`, of which 24 binary digits are kept.
"""

from collections.abc import Sequence

from engine.histogram import Histograms
from engine.ports import Chunk
from engine.position import Position
from engine.tiers import BY_NUMBER, HISTOGRAMS
from storage.codec.bins import pack_bins, unpack_bins
from storage.codec.frame import BadFrame, Form, opened, seal
from storage.codec.rollups import pack_rollups, unpack_rollups


def encode_chunk(chunk: Chunk) -> bytes:
    """The bytes of one chunk; for several, `encode_chunks` is several times as fast."""
    return encode_chunks([chunk])[0]


def encode_chunks(chunks: Sequence[Chunk]) -> list[bytes]:
    """The bytes of each chunk; they begin with version, tier, start and position."""
    rollups, bins = [], []
    for chunk in chunks:
        if isinstance(chunk.content, Histograms):
            bins.append((chunk.content, chunk.start))
        else:
            rollups.append((chunk.content, chunk.start, chunk.tier.width_s))
    packed_bins, packed_rollups = pack_bins(bins), pack_rollups(rollups)
    sealed = []
    for chunk in chunks:
        place = (chunk.tier.number, chunk.start, *chunk.position)
        packed = packed_bins if isinstance(chunk.content, Histograms) else packed_rollups
        sealed.append(seal(Form.CHUNK, (*place, *next(packed))))
    return sealed


def decode_chunk(stat: int, data: bytes) -> Chunk:
    """The chunk of `stat` that was encoded; raises BadFrame."""
    with opened(Form.CHUNK, data) as fields:
        number, start, ms, seq, *packed = fields
        if number not in BY_NUMBER:
            raise BadFrame(f"chunk: there is no tier {number!r}")
        tier = BY_NUMBER[number]
        content = (
            unpack_bins(packed, stat, start)
            if tier in HISTOGRAMS
            else unpack_rollups(packed, stat, start, tier.width_s)
        )
        return Chunk(stat, tier, start, Position(ms, seq), content)
