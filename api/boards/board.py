"""What a dashboard is: panels on a grid, variables, a range. Pure.

Law: a board is data and nothing else; its texts are shown, never run. `schema` counts the forms
that boards have had: an older one is brought up to date when it is read, a newer one is refused.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

COLUMNS: Final = 24
"""Columns of the grid."""

PANELS_MAX: Final = 60
VARIABLES_MAX: Final = 10
PATTERNS_MAX: Final = 20
"""Names or patterns of one panel."""

BOARD_BYTES_MAX: Final = 192 * 1024
"""Bytes of a board as it is kept."""

Kind = Literal[
    "line", "area", "bars", "number", "gauge", "table", "heat", "distribution", "text", "alerts"
]
Aggregate = Literal[
    "value", "sum", "count", "avg", "min", "max", "rate", "stddev", "p50", "p90", "p95", "p99"
]
Span = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,5}[smhdwy]$")]
Text = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Figure = Annotated[float, Meta(ge=-1e100, le=1e100)]


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a panel stands: columns and rows of the grid from its corner."""

    x: Annotated[int, Meta(ge=0, lt=COLUMNS)]
    y: Annotated[int, Meta(ge=0, lt=10_000)]
    w: Annotated[int, Meta(ge=1, le=COLUMNS)]
    h: Annotated[int, Meta(ge=1, le=40)]


class Panel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One panel. `stats` are names or patterns, `$variable` in them is replaced; a, b, c in `expr`.

    `low` and `high` are the ends of a gauge, `thresholds` lines across a chart.
    """

    id: Id
    kind: Kind
    place: Place
    title: Text = ""
    stats: Annotated[tuple[Name, ...], Meta(max_length=PATTERNS_MAX)] = ()
    agg: Aggregate = "value"
    group: Literal["sum", "avg", "min", "max", "topk:5", "topk:10"] | None = None
    expr: Annotated[str, Meta(max_length=500)] | None = None
    unit: Annotated[str, Meta(max_length=32)] | None = None
    low: Figure | None = None
    high: Figure | None = None
    thresholds: Annotated[tuple[Figure, ...], Meta(max_length=8)] = ()
    stacked: bool = False
    logarithmic: bool = False
    text: Annotated[str, Meta(max_length=10_000)] = ""


class Variable(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of stat names that a viewer chooses: what `*` stands for in names that fit `match`."""

    name: Word
    match: Name
    value: Annotated[str, Meta(max_length=255)] = "*"


class Board(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole dashboard; `range` is how far back it looks, `refresh_s` how often it asks again."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    panels: Annotated[tuple[Panel, ...], Meta(max_length=PANELS_MAX)] = ()
    variables: Annotated[tuple[Variable, ...], Meta(max_length=VARIABLES_MAX)] = ()
    range: Span = "6h"
    refresh_s: Annotated[int, Meta(ge=1, le=3_600)] = 10
    description: Annotated[str, Meta(max_length=2_000)] = ""
    schema: Literal[1] = 1


def renamed(board: Board, before: str, after: str) -> Board | None:
    """The board with a stat under its new name; None when it does not name it, or has no room.

    Patterns stay as they are: they mean whatever fits them.
    """
    if not any(before in panel.stats for panel in board.panels):
        return None
    panels = tuple(
        msgspec.structs.replace(
            panel, stats=tuple(after if name == before else name for name in panel.stats)
        )
        for panel in board.panels
    )
    found = msgspec.structs.replace(board, panels=panels)
    return found if len(msgspec.json.encode(found)) <= BOARD_BYTES_MAX else None


def faults(board: Board) -> Iterator[tuple[str, str]]:
    """What no single field shows: the field, and what is wrong with it."""
    ids = [panel.id for panel in board.panels]
    for index, panel in enumerate(board.panels):
        if panel.place.x + panel.place.w > COLUMNS:
            yield f"panels[{index}].place", f"x and w together are at most {COLUMNS}"
        if ids.index(panel.id) != index:
            yield f"panels[{index}].id", "another panel has it"
    names = [variable.name for variable in board.variables]
    for index, variable in enumerate(board.variables):
        if variable.match.count("*") != 1:
            yield f"variables[{index}].match", "has one *, which the variable stands for"
        if names.index(variable.name) != index:
            yield f"variables[{index}].name", "another variable has it"
    if len(msgspec.json.encode(board)) > BOARD_BYTES_MAX:
        yield "panels", f"the whole board has at most {BOARD_BYTES_MAX} bytes"


def patterns(board: Board, panel: Panel, chosen: Mapping[str, str]) -> list[str]:
    """The names or patterns of a panel once its variables are replaced."""
    values = {one.name: chosen.get(one.name, one.value) for one in board.variables}
    # The longest first: $host must not be taken for $h.
    names = sorted(values, key=len, reverse=True)
    found = []
    for text in panel.stats:
        filled = text
        for name in names:
            filled = filled.replace(f"${name}", values[name])
        found.append(filled)
    return found
