"""Short columns of whole numbers as bytes: what little they differ by, plane of bytes by plane.

Made for chunks of some hundred rows, where every byte is kept for years and a call into numpy costs
more than the rows do. So the columns of many chunks are packed at once: a line of the matrix is a
column, a segment of every line is a chunk. The highest bytes of the numbers of one column are much
alike, so that they are worth compressing; the lower ones are mostly noise.
"""

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.rollup import Flags, Ints
from storage.codec.frame import BadFrame
from storage.codec.segments import Segments

SQUEEZE_MIN = 64
"""Fewer bytes than this are not worth the time that compressing takes."""

Places = NDArray[np.intp]

_LEVEL = 1
_RAW_DEFLATE = -15
_LITTLE = np.dtype("<i8")


def pack_planes(
    matrix: Ints, segments: Segments, used: Flags, *, all_alike: bool = False
) -> Iterator[list[Any]]:
    """Of each segment, the used columns as [lowest, bytes each, squeezed, highest bytes, others].

    `used` has a line a column and a column a segment. `all_alike` says that all bytes are worth
    compressing, not the highest ones alone.
    """
    lows = np.minimum.reduceat(matrix, segments.first, axis=1)
    # A span that needs 64 bits wraps around here, and back when it is read.
    above = (matrix - segments.spread(lows)).astype(_LITTLE, copy=False)
    spans = np.maximum.reduceat(above.view("<u8"), segments.first, axis=1)
    heights = np.where(used, _bytes_needed(spans), 0).astype(np.uint8)
    cube = above.view(np.uint8).reshape(*matrix.shape, 8)
    told = zip(
        segments.size.tolist(), used.T.tolist(), lows.T.tolist(), heights.T.tolist(), strict=True
    )
    for at, (rows, which, low, height) in enumerate(told):
        column, place, tops = _planes(bytes(height))
        planes = cube[column, segments.slice(at), place].tobytes()
        cut = len(planes) if all_alike else tops * rows
        squeezed, head = _squeeze(planes[:cut])
        kept = bytes(compress(height, which))
        yield [list(compress(low, which)), kept, squeezed, head, planes[cut:]]


def unpack_planes(packed: Sequence[Any], rows: int) -> Ints:
    """The used columns of one segment, as a matrix of one line a column."""
    lows, heights, squeezed, head, tail = packed
    if max(heights, default=0) > 8 or len(heights) != len(lows):
        raise BadFrame("chunk: the columns are not told right")
    if squeezed:
        head = zlib.decompress(head, _RAW_DEFLATE)
    column, place, _ = _planes(heights)
    planes = np.frombuffer(head + tail, np.uint8).reshape(len(column), rows)
    matrix = np.zeros((len(heights), rows, 8), np.uint8)
    matrix[column, :, place] = planes
    numbers: Ints = matrix.view(_LITTLE).reshape(len(heights), rows).astype(np.int64, copy=False)
    numbers += np.array(lows, np.int64)[:, None]
    return numbers


def _bytes_needed(spans: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bytes hold each number; none for zero."""
    needed = np.zeros(spans.shape, np.uint8)
    for height in range(8):
        needed += spans >> np.uint64(8 * height) != 0
    return needed


def _squeeze(data: bytes) -> tuple[bool, bytes]:
    """Whether compressing made it smaller, and the smaller one."""
    if len(data) >= SQUEEZE_MIN:
        small = zlib.compress(data, _LEVEL, _RAW_DEFLATE)
        if len(small) < len(data):
            return True, small
    return False, data


@lru_cache(4096)
def _planes(heights: bytes) -> tuple[Places, Places, int]:
    """Column and byte place of each plane in stored order, and how many of them are highest bytes.

    Those come first.
    """
    places = [(column, height - 1) for column, height in enumerate(heights) if height]
    tops = len(places)
    for column, height in enumerate(heights):
        places.extend((column, place) for place in range(height - 1))
    table = np.array(places, np.intp).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy(), tops
