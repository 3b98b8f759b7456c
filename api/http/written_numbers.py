"""Numbers as they are written in a body, read many at a time. Pure.

Eight digits are one word of the machine: three multiplications make a number of it, as in Daniel
Lemire's `parse_eight_digits`. A decimal fraction of at most 15 digits is a whole number divided by
a power of ten, both of which a double holds exactly: so the quotient is the double nearest to it
(Clinger, "How to Read Floating Point Numbers Accurately", 1990).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.rollup import Floats, Ints

Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
Words = np.ndarray[tuple[int], np.dtype[np.uint64]]
Runs = np.ndarray[tuple[int, int], np.dtype[np.uint64]]
"""Some bytes a row, as words."""

DIGITS_MAX: Final = 15
"""Longer numbers are left to a decoder."""

RUN_BYTES_MAX: Final = 32
_WORD: Final = 8
_DOT, _MINUS, _ZERO = b".-0"

IN_NUMBER: Final = np.zeros(256, np.bool_)
"""Which bytes may stand in a number of JSON."""

IN_NUMBER[list(b"0123456789+-.eE")] = True

_POWERS: Final = 10 ** np.arange(DIGITS_MAX + 1)

_ALL = np.uint64(2**64 - 1)
_BITS = np.uint64(8)
_ZEROS = np.uint64(0x3030_3030_3030_3030)
_TO_HIGH_BIT = np.uint64(0x7676_7676_7676_7676)  # Of a byte above nine.
_HIGH_BITS = np.uint64(0x8080_8080_8080_8080)
_PAIRS = np.uint64(0x0000_00FF_0000_00FF)
_HUNDRED_MILLION: Final = np.uint64(10**8)


@dataclass(frozen=True, slots=True)
class Text:
    """A body as bytes, and as the word of eight of them at each place, between two paddings."""

    padded: bytes
    octets: Bytes
    words: Words
    begin: int
    end: int

    @classmethod
    def of(cls, body: bytes) -> "Text":
        """A body; what stands before it lets numbers be read from the 16 bytes before their end."""
        padded = bytes(2 * _WORD) + body + bytes(RUN_BYTES_MAX)
        begin, end = 2 * _WORD, 2 * _WORD + len(body)
        # A word begins at every byte, so they lie over one another.
        words: Words = np.ndarray((end,), "<u8", padded, 0, (1,))
        return cls(padded, np.frombuffer(padded, np.uint8), words, begin, end)

    def places(self, byte: int) -> Ints:
        """Where a byte stands."""
        places: Ints = (self.octets == byte).nonzero()[0]
        return places

    def runs(self, size: int, places: Ints) -> Runs:
        """What stands at some places: `size` bytes of each, a multiple of 8, at most 32."""
        runs = np.ndarray((self.end,), f"V{size}", self.padded, 0, (1,))[places]
        return runs.view(np.uint64).reshape(len(places), size // _WORD)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where numbers begin in a text, and how wide they are."""

    begin: Ints
    width: Ints

    @property
    def end(self) -> Ints:
        """Where they end."""
        return self.begin + self.width

    def take(self, which: Ints) -> "Numbers":
        """Some of them."""
        return Numbers(self.begin[which], self.width[which])


def values_of(text: Text, numbers: Numbers) -> Floats | None:
    """Numbers without an exponent; None when one of them is something else, or too long."""
    first = text.octets[numbers.begin]
    if first.min() > _ZERO:  # Most are like this: no sign, no zero to be careful with.
        whole = _digits(text, numbers)
        return _fractions(text, numbers) if whole is None else whole.astype(np.float64)
    negative = first == _MINUS
    positive = Numbers(numbers.begin + negative, numbers.width - negative)
    whole = whole_of(text, positive)
    values = _fractions(text, positive) if whole is None else whole.astype(np.float64)
    return None if values is None else np.where(negative, -values, values)


def whole_of(text: Text, numbers: Numbers) -> Ints | None:
    """Whole numbers of at most 15 digits; None when one of them is something else."""
    zero = text.octets[numbers.begin] == _ZERO
    # JSON knows no 007.
    if numbers.width.min() < 1 or (zero & (numbers.width > 1)).any():
        return None
    return _digits(text, numbers)


def only_one(text: Text, numbers: Numbers) -> int | None:
    """The whole number of 8 to 15 digits that all of them are; None when they are not."""
    begin, width = int(numbers.begin[0]), int(numbers.width[0])
    written = text.padded[begin : begin + width]
    if not _WORD <= width <= DIGITS_MAX or not written.isdigit() or written[0] == _ZERO:
        return None
    for place in (0, width - _WORD):
        words = text.words[numbers.begin + place]
        if (words != words[0]).any():
            return None
    return None if (numbers.width != width).any() else int(written)


def _fractions(text: Text, numbers: Numbers) -> Floats | None:
    dots = np.append(text.places(_DOT), text.end)
    dot = np.minimum(dots[np.searchsorted(dots, numbers.begin)], numbers.end)
    before = Numbers(numbers.begin, dot - numbers.begin)
    behind = Numbers(dot + 1, np.maximum(numbers.end - dot - 1, 0))
    ends_with_dot = (dot < numbers.end) & (behind.width == 0)
    too_long = before.width + behind.width > DIGITS_MAX
    if (ends_with_dot | too_long).any():
        return None
    whole, part = whole_of(text, before), _digits(text, behind)
    if whole is None or part is None:
        return None
    power = _POWERS[behind.width]
    return (whole * power + part) / power


def _digits(text: Text, numbers: Numbers) -> Ints | None:
    """Numbers that have nothing but digits, 0 where they have none."""
    widest = int(numbers.width.max())
    if widest > DIGITS_MAX:
        return None
    end = numbers.end
    if widest <= _WORD:
        short = _eight(text.words[end - _WORD], numbers.width)
        return None if short is None else short.view(np.int64)
    low = _eight(text.words[end - _WORD], np.minimum(numbers.width, _WORD))
    if low is None:
        return None
    high = _eight(text.words[end - 2 * _WORD], np.maximum(numbers.width - _WORD, 0))
    return None if high is None else (high * _HUNDRED_MILLION + low).view(np.int64)


def _eight(words: Words, width: Ints) -> Words | None:
    """Words of which the last bytes, `width` of them, are digits; None when one is not."""
    unused = ((_WORD - width) << 3).view(np.uint64)
    digits = words ^ _ZEROS
    digits &= _ALL << unused
    if ((digits + _TO_HIGH_BIT | digits) & _HIGH_BITS).any():
        return None
    pairs = digits * np.uint64(10) + (digits >> _BITS)
    left = (pairs & _PAIRS) * np.uint64(100 + (10**6 << 32))
    right = (pairs >> np.uint64(16) & _PAIRS) * np.uint64(1 + (10**4 << 32))
    return (left + right) >> np.uint64(32)
