"""What a stat is: its record, its public id, what it may be called and where it lives. Pure.

A name is text for people: any script, but nothing that hides, turns round or breaks a line. Two
spellings of one text are one stat, so a name is kept trimmed and in Unicode's composed form (NFC).
"""

import unicodedata
from enum import StrEnum
from typing import Final, Literal, NamedTuple
from zlib import crc32

from engine.base62 import base62, from_base62

NAME_LENGTH_MAX: Final = 255
"""Characters of a stat name, after trimming."""

STAT_ID_MAX: Final = 2**63 - 1

State = Literal["live", "trash"]
NameFault = Literal["stat_name_length", "stat_name_chars"]


class Kind(StrEnum):
    """What the points of a stat mean: counters are added up, values are averaged."""

    COUNTER = "counter"
    VALUE = "value"


class Stat(NamedTuple):
    """The record of one stat; a change makes a new record with the next `revision`.

    Times are epoch milliseconds. A stat in the trash keeps its name and takes no points.
    """

    id: int
    account: int
    partition: int
    name: str
    kind: Kind
    unit: str | None
    created_ms: int
    state: State = "live"
    trashed_ms: int | None = None
    percentiles: bool = True
    revision: int = 1


class NoSuchStat(LookupError):
    """There is no such stat, or it belongs to somebody else: the answer is the same."""

    code = "not_found"


def public_id(stat: int) -> str:
    """The id of a stat as the world sees it: `st_7Gk`."""
    return f"st_{base62(stat)}"


def stat_id(public: str) -> int:
    """The stat with this public id; NoSuchStat unless it is spelled exactly as we spell it."""
    digits = public.removeprefix("st_")
    try:
        number = from_base62(digits[:12])
    except ValueError:
        raise NoSuchStat(public) from None
    if not 0 < number <= STAT_ID_MAX or public_id(number) != public:
        raise NoSuchStat(public)
    return number


def partition_of(account: int, stat: int, spread: int, partitions: int) -> int:
    """Where a stat lives: the stats of an account share `spread` neighbouring partitions."""
    step = crc32(stat.to_bytes(8, "big")) % spread
    return (crc32(account.to_bytes(8, "big")) + step) % partitions


def canonical_name(name: str) -> str:
    """The one spelling under which a name is kept; it may still have a fault."""
    name = name.strip(_SPACES)
    if name.isascii() or len(name) > _LENGTH_WORTH_COMPOSING:
        return name
    return unicodedata.normalize("NFC", name)


def name_fault(name: str) -> NameFault | None:
    """The problem code of a canonical name, or None when a stat may be called so."""
    if not 0 < len(name) <= NAME_LENGTH_MAX:
        return "stat_name_length"
    if name.isascii():
        return None if name.isprintable() else "stat_name_chars"
    if any(char in _REFUSED or unicodedata.category(char) in _UNSHOWN for char in name):
        return "stat_name_chars"
    return "stat_name_chars" if not name.strip(_JOINING) else None


# Every space of Unicode, but no tab and no line break: those are faults, not accidents.
_SPACES: Final = "".join(
    map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
)

# Composing never takes more than four characters into one, and takes quadratic time over a long
# run of accents: beyond this the name is too long anyway.
_LENGTH_WORTH_COMPOSING: Final = 4 * NAME_LENGTH_MAX

# Control characters, lone surrogates, line and paragraph separators.
_UNSHOWN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

# They turn the text around them round, so that a reader sees another name than the program.
_TURNING: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

# Nobody sees them: two names would look the same. Soft hyphen, fillers, zero-width space, word
# joiner, invisible operators, byte order mark, tags.
_HIDING: Final = "".join(
    map(
        chr,
        (
            *(0xAD, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B),
            *(*range(0x2060, 0x2066), *range(0x206A, 0x2070), 0x3164, 0xFEFF, 0xFFA0),
            *range(0xE0000, 0xE0080),
        ),
    )
)

_REFUSED: Final = frozenset(_TURNING + _HIDING)

# What joins letters and picks the form of a sign, without which many scripts cannot be written;
# alone they show nothing.
_JOINING: Final = "\u200c\u200d" + "".join(map(chr, range(0xFE00, 0xFE10)))
