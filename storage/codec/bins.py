"""The content of histogram chunks: per bucket its bins as steps, and how much is in each."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine.histogram import SCALES, Histograms
from storage.codec.columns import checked_rows
from storage.codec.frame import BadFrame
from storage.codec.planes import pack_planes, unpack_planes
from storage.codec.segments import Segments


def pack_bins(chunks: Sequence[tuple[Histograms, int]]) -> Iterator[list[Any]]:
    """Of each (content, start of chunk) [scale, rows, buckets, planes a bucket, planes a bin]."""
    filled = [chunk for chunk in chunks if len(chunk[0])]
    packed = _pack_filled(filled) if filled else iter(())
    for content, _ in chunks:
        yield [content.scale, len(content), *(next(packed) if len(content) else ())]


def _pack_filled(chunks: Sequence[tuple[Histograms, int]]) -> Iterator[Sequence[Any]]:
    contents = [content for content, _ in chunks]
    start = np.concatenate([content.start for content in contents])
    bins = np.concatenate([content.bin for content in contents])
    count = np.concatenate([content.count for content in contents])
    chunk = Segments.of([len(content) for content in contents])
    new = np.diff(start, prepend=0) != 0
    new[chunk.first] = True
    bucket = np.flatnonzero(new)
    buckets = np.add.reduceat(new, chunk.first, dtype=np.int64).tolist()
    steps = np.diff(bins, prepend=0)
    steps[bucket] = 0
    offset = start - chunk.spread(np.array([chunk_start for _, chunk_start in chunks]))
    size = np.diff(bucket, append=len(bins))
    used = np.ones((3, len(chunks)), np.bool_)
    by_bucket = pack_planes(
        np.array([offset[bucket], size, bins[bucket]]), Segments.of(buckets), used
    )
    by_bin = pack_planes(np.array([steps, count]), chunk, used[:2], all_alike=True)
    return zip(buckets, by_bucket, by_bin, strict=True)


def unpack_bins(packed: Sequence[Any], stat: int, chunk_start: int) -> Histograms:
    """What was packed of one chunk."""
    scale, rows, *parts = packed
    if scale not in SCALES:
        raise BadFrame(f"chunk: histograms of scale {scale!r}")
    if not rows:
        return Histograms.empty(scale)
    buckets, by_bucket, by_bin = parts
    offset, size, first_bin = unpack_planes(by_bucket, checked_rows(buckets))
    steps, count = unpack_planes(by_bin, checked_rows(rows))
    if min(size) < 1 or size.sum() != rows:
        raise BadFrame("chunk: the buckets do not have the rows")
    reached = np.cumsum(steps)
    before = first_bin - reached[np.cumsum(size) - size]
    return Histograms(
        scale,
        np.full(rows, stat, np.int64),
        np.repeat(offset + chunk_start, size),
        reached + np.repeat(before, size),
        count,
    )
