"""What a stat may be called. Pure.

Names are text for people: any script, but nothing that hides, turns round or breaks a line. Two
spellings of one text are one stat, so names are kept in Unicode's composed form (NFC), trimmed.
"""

import unicodedata
from typing import Final

LENGTH_LIMIT: Final = 255
"""Characters of a stat name, after trimming."""

# Control characters, lone surrogates, line and paragraph separators.
UNSHOWN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

# Turn the text around them round, so that a reader sees another name than the program.
TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


# Ends of a name that nobody sees: every space of Unicode, but no control character.
SPACES: Final = "".join(
    map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
)


def canonical(name: str) -> str:
    """The one spelling under which a name is kept."""
    name = name.strip(SPACES)
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def name_problem(name: str) -> str | None:
    """The problem code of a canonical name, or None when it may be used."""
    if not 0 < len(name) <= LENGTH_LIMIT:
        return "stat_name_length"
    if name.isascii():
        return None if name.isprintable() else "stat_name_chars"
    if any(char in TURNING or unicodedata.category(char) in UNSHOWN for char in name):
        return "stat_name_chars"
    return None
