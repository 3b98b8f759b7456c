"""Chunks of imports as commands of the log, and as members of their sorted sets. Pure.

The number of the import, tier and start of the chunk in 8 bytes each, the highest byte first, then
the chunk as `storage.codec` writes it: so a store can keep it in its place without reading it.
"""

from collections.abc import Sequence
from itertools import pairwise
from struct import Struct
from typing import Final

import numpy as np

from engine.histogram import Histograms
from engine.imported import PUT
from engine.points import Command
from engine.ports import Chunk, Damaged
from engine.position import START
from engine.rollup import Rollups
from engine.tiers import Tier
from storage.codec import BadFrame, decode_chunk, encode_chunks

HEAD: Final = Struct(">QQQ")


def chunks_of(tier: Tier, rows: Rollups | Histograms) -> list[Chunk]:
    """The rows of stats, sorted, as chunks of a tier."""
    if not len(rows):
        return []
    start = rows.start - rows.start % tier.chunk_s
    new = (np.diff(rows.stat, prepend=-1) != 0) | (np.diff(start, prepend=-1) != 0)
    edges = [*np.flatnonzero(new).tolist(), len(rows)]
    return [
        Chunk(int(rows.stat[low]), tier, int(start[low]), START, rows.take(slice(low, high)))
        for low, high in pairwise(edges)
    ]


def put_commands(number: int, chunks: Sequence[Chunk]) -> list[Command]:
    """The commands that put chunks of an import."""
    return [
        Command(PUT, chunk.stat, HEAD.pack(number, chunk.tier.number, chunk.start) + frame)
        for chunk, frame in zip(chunks, encode_chunks(chunks), strict=True)
    ]


def place_of(body: bytes) -> tuple[int, int, int]:
    """Number of the import, number of the tier and start of the chunk that a command puts."""
    number, tier, start = HEAD.unpack_from(body)
    return number, tier, start


def imported_chunk(stat: int, body: bytes) -> Chunk:
    """The chunk that a command has put; Damaged when it cannot be read."""
    try:
        return decode_chunk(stat, body[HEAD.size :])
    except BadFrame as error:
        raise Damaged(f"stat {stat}: an imported chunk is damaged: {error}") from error
