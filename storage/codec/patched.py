"""Columns of mixed stats as bytes: most rows in short words, the others patched in.

One stat counts orders and the next one measures milliseconds to three decimals, so that the widest
row must not decide for all. After Zukowski and others 2006, "Super-scalar RAM-CPU cache
compression" (PFOR); decimals after Afroozeh and others 2023, "ALP: adaptive lossless
floating-point compression".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.rollup import EXACT_INTEGER, Flags, Floats, Ints
from storage.codec.columns import DOUBLES, WORDS, exactly, same_bits, unpack_ints

DECIMALS_MAX = 9
"""More decimals than this are not looked for."""

POWERS = np.array([10.0**decimals for decimals in range(DECIMALS_MAX + 1)])

SAMPLE = 32
"""Rows that are looked at for how many decimals most of them have."""

REST_BITS = 16
"""Binary digits below the last one of a sum in which its rest is told."""

_TOTALS = (2.0**-900, 2.0**900)

_PATCH = 8


def pack_patched(column: Floats) -> list[Any]:
    """Any numbers, to the last bit: [decimals, width, low, words, flags of patches, patches]."""
    decimals = _usual_decimals(column)
    whole, fits = scaled(column, decimals)
    return [decimals, *_patched(column, whole, fits)]


def unpack_patched(packed: Sequence[Any], rows: int) -> Floats:
    """What `pack_patched` packed."""
    column = unpack_ints(packed[1:4], rows) / POWERS[packed[0]]
    return _patch(column, packed[4], packed[5])


def pack_rests(rest: Floats, total: Floats) -> list[Any]:
    """The rests of sums `total`, in units far below the last digit of each sum."""
    whole, fits = in_units(rest, total, REST_BITS)
    return _patched(rest, whole, fits)


def unpack_rests(packed: Sequence[Any], total: Floats) -> Floats:
    """What `pack_rests` packed, given the same sums."""
    column = from_units(unpack_ints(packed[:3], len(total)), total, REST_BITS)
    return _patch(column, packed[3], packed[4])


def pack_table(columns: Sequence[Floats]) -> list[Any]:
    """Several columns; one that equals an earlier one is the number of that."""
    packed: list[Any] = []
    for column in columns:
        earlier = (i for i in range(len(packed)) if same_bits(columns[i], column))
        same = next(earlier, None)
        packed.append(pack_patched(column) if same is None else same)
    return packed


def unpack_table(packed: Sequence[Any], rows: int) -> list[Floats]:
    """What `pack_table` packed."""
    columns: list[Floats] = []
    for one in packed:
        columns.append(columns[one] if isinstance(one, int) else unpack_patched(one, rows))
    return columns


def scaled(column: Floats, decimals: int | Ints) -> tuple[Floats, Flags]:
    """Whole numbers that give the column when divided by 10**decimals, and where they do."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Adding zero makes zero of minus zero, which is then seen not to come back.
        whole = np.rint(column * POWERS[decimals]) + 0.0
        fits = (whole / POWERS[decimals]).view(np.int64) == column.view(np.int64)
        fits &= np.abs(whole) < EXACT_INTEGER
    return whole, fits


def in_units(rest: Floats, total: Floats, bits: int) -> tuple[Floats, Flags]:
    """The rests as multiples of 2**-bits times the last digit of each sum, and where they are."""
    unit = _unit(total, bits)
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(rest / unit) + 0.0
        fits = (whole * unit).view(np.int64) == rest.view(np.int64)
        fits &= np.abs(whole) < EXACT_INTEGER
    return whole, fits


def from_units(whole: Ints, total: Floats, bits: int) -> Floats:
    """The rests that `in_units` told."""
    return whole * _unit(total, bits)


def decimals_of(value: float) -> int:
    """How many decimals the shortest text has that means this number."""
    mantissa, _, power = repr(value).partition("e")
    fraction = mantissa.partition(".")[2]
    digits = 0 if fraction == "0" else len(fraction)
    return max(0, digits - int(power)) if power else digits


def _unit(total: Floats, bits: int) -> Floats:
    # Within these limits the unit is a number that may be multiplied, also of a sum that is zero.
    unit: Floats = np.spacing(np.clip(np.abs(total), *_TOTALS))
    unit *= 2.0**-bits
    return unit


def _usual_decimals(column: Floats) -> int:
    """The decimals that nine of ten rows get by with, of those that have few at all."""
    sample = column[:: len(column) // SAMPLE + 1].tolist()
    found = sorted(few for few in map(decimals_of, sample) if few <= DECIMALS_MAX)
    return found[len(found) * 9 // 10] if found else 0


def _patched(column: Floats, whole: Floats, fits: Flags) -> list[Any]:
    """The rows that fit as words above the lowest, the others as doubles."""
    if not fits.any():
        return [0, 0, b"", np.packbits(~fits).tobytes(), _doubles(column)]
    every = bool(fits.all())
    above = (whole if every else np.where(fits, whole, whole[fits][0])).astype(np.int64)
    low = int(above.min())
    above -= low
    width, over = _best_width(above)
    patched = ~fits
    if over:
        patched |= above >> 8 * width > 0
    words = b""
    if width:
        if over:
            above[patched] = 0
        words = above.astype(WORDS[width]).tobytes()
    if every and not over:
        return [width, low, words, b"", b""]
    return [width, low, words, np.packbits(patched).tobytes(), _doubles(column[patched])]


def _best_width(above: Ints) -> tuple[int, int]:
    """The bytes a word that take the least room, and how many rows need more than that."""
    span = int(above.max())
    choices = [(len(above) * width, width, 0) for width in (0, *WORDS) if span < 1 << 8 * width][:1]
    for width in (0, *WORDS):
        if width < choices[0][1]:
            over = int(np.count_nonzero(above >> 8 * width))
            room = len(above) * width + len(above) // 8 + over * _PATCH
            choices.append((room, width, over))
    _, width, over = min(choices)
    return width, over


def _patch(column: Floats, flags: bytes, patches: bytes) -> Floats:
    if flags:
        bits = np.unpackbits(np.frombuffer(flags, np.uint8))[: len(column)]
        where = exactly(len(column), bits).astype(np.bool_)
        column[where] = exactly(int(where.sum()), np.frombuffer(patches, DOUBLES))
    return column


def _doubles(column: Floats) -> bytes:
    return column.astype(DOUBLES, copy=False).tobytes()
