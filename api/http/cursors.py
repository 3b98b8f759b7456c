"""A cursor says up to where a client knows the log: `p3:1795308000345-0,p5:…`. Pure.

Clients hand it back unchanged. A partition that is missing is one of which nothing is known.
"""

import re
from collections.abc import Mapping
from typing import Final

from api.http.problems import FieldError, Problem, wrong_field
from engine.position import Position

CURSOR_LIMIT: Final = 8 * 1024
"""Characters of a cursor."""

PART: Final = re.compile(r"p([0-9]{1,5}):([0-9]{1,15})-([0-9]{1,10})")


NOTE: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,10}")


def check_note(cursor: str | None) -> None:
    """Problem unless this is None or the id of a note in a journal, where an earlier page ended."""
    if cursor is not None and not NOTE.fullmatch(cursor):
        raise wrong_field(
            "cursor", "hand back what an earlier page had as its next", "cursor_invalid"
        )


def format_cursor(positions: Mapping[int, Position]) -> str:
    """The cursor of these positions by partition."""
    return ",".join(f"p{partition}:{positions[partition]}" for partition in sorted(positions))


def parse_cursor(text: str) -> dict[int, Position]:
    """The positions of a cursor; Problem when it is none of ours."""
    positions: dict[int, Position] = {}
    for part in text.split(",") if 0 < len(text) <= CURSOR_LIMIT else ["none"]:
        found = PART.fullmatch(part)
        if found is None:
            detail = "cursor: hand back what an earlier answer or event had as its cursor."
            raise Problem("cursor_invalid", detail, [FieldError("cursor_invalid", detail)])
        positions[int(found[1])] = Position(int(found[2]), int(found[3]))
    return positions
