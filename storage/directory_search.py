"""Finding stats by their names, a page at a time. Pure.

A page begins after the last stat of the page before, not after a number of stats: what comes and
goes meanwhile neither repeats nor skips the others. By activity, a stat that becomes active while
somebody turns pages moves to the front, behind their back.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Final, Literal
from unicodedata import normalize

import msgpack
import numpy as np

from engine.rollup import Ints

PAGE_MAX: Final = 1_000
"""Stats on a page."""

QUERY_LENGTH_MAX: Final = 255
"""Characters of a search text or a pattern."""

Sort = Literal["name", "activity"]
Test = Callable[[str], object]


class StatFault(Exception):
    """What was asked of the directory cannot be had.

    `code` names the problem, `field` what was asked for, if it is one thing.
    """

    code = "parameter_invalid"
    field: str | None = None


class CursorInvalid(StatFault):
    """A cursor that no page of this kind has given."""

    code = "cursor_invalid"
    field = "cursor"


class QueryTooLong(StatFault):
    """A search text beyond any stat name."""

    field = "q"


def name_test(query: str) -> Test | None:
    """Whether a name fits a search: a part of it, or with `*` or `?` a pattern for the whole.

    Capitals do not matter, nor how letters are composed. None when every name fits.
    """
    if len(query) > QUERY_LENGTH_MAX:
        raise QueryTooLong(f"at most {QUERY_LENGTH_MAX} characters")
    query = normalize("NFC", query)
    if not query.strip("*"):
        return None
    if "*" in query or "?" in query:
        return glob(query, re.IGNORECASE).fullmatch
    folded = query.casefold()
    return lambda name: folded in name.casefold()


def glob(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Names as a pattern: `*` is any text, `?` any character, all else is itself.

    Takes linear time for any pattern: each part between stars settles where it fits first.
    """
    pattern = normalize("NFC", pattern)  # As names are kept.
    first, *others = [_literal(part) for part in re.split(r"\*+", pattern)]
    if not others:
        return re.compile(first, flags | re.DOTALL)
    *middle, last = others
    settled = "".join(f"(?>.*?{part})" for part in middle)
    return re.compile(f"{first}{settled}.*{last}", flags | re.DOTALL)


def most_active(ids: Ints, active_s: Ints, after: tuple[int, int] | None, enough: int) -> list[int]:
    """Places of the latest active, the latest first and at most `enough`.

    Among equals the one with the lower id comes first. `after` is activity and id of the last one
    of the page before.
    """
    places = np.arange(len(ids))
    if after is not None:
        at_s, stat = after
        places = np.flatnonzero((active_s < at_s) | ((active_s == at_s) & (ids > stat)))
    if len(places) > enough:
        # Sorting all of them would take ten times as long.
        least = np.partition(active_s[places], -enough)[-enough]
        later = places[active_s[places] > least]
        equal = places[active_s[places] == least]
        few = enough - len(later)
        if len(equal) > few:
            equal = equal[np.argpartition(ids[equal], few - 1)[:few]]
        places = np.concatenate([later, equal])
    order = np.lexsort((ids[places], -active_s[places]))
    chosen: list[int] = places[order].tolist()
    return chosen


def name_cursor(name: str) -> str:
    """Where the page after `name` begins."""
    return _cursor(["n", name])


def activity_cursor(active_s: int, stat: int) -> str:
    """Where the page after a stat begins, by activity."""
    return _cursor(["a", active_s, stat])


def read_name_cursor(cursor: str) -> str:
    """The last name of the page before."""
    match _read(cursor):
        case ["n", str(name)]:
            return name
    raise CursorInvalid("the cursor belongs to another listing")


def read_activity_cursor(cursor: str) -> tuple[int, int]:
    """Activity and id of the last stat of the page before."""
    match _read(cursor):
        case ["a", int(active_s), int(stat)]:
            return active_s, stat
    raise CursorInvalid("the cursor belongs to another listing")


def _literal(part: str) -> str:
    return re.escape(part).replace(r"\?", ".")


def _cursor(fields: Iterable[object]) -> str:
    return urlsafe_b64encode(msgpack.packb(list(fields))).decode().rstrip("=")


def _read(cursor: str) -> object:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgpack.unpackb(urlsafe_b64decode(padded.encode("ascii")))
    except ValueError:
        raise CursorInvalid("not a cursor of ours") from None
