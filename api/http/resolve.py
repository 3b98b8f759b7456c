"""From names to stats: every item of a request finds its stat, or a reason why it may not.

A name that is known is one lookup. Unknown names are checked and registered together, in one step
that is durable before their first point; the type of a stat is what its first point said.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np
from msgspec import UNSET

from api.accounts.keys import Identity
from api.http.decode import Columns
from api.http.repeats import Refusal
from engine.stats import Kind, Stat, canonical_name, name_fault
from storage.directory import Directory
from storage.directory_batches import NamedStats

FIRST_TYPE: Final = Kind.COUNTER
"""The type of a new stat whose first point does not say one."""

NO_STATS: Final = NamedStats.of([], trash=False)


async def resolve(
    directory: Directory,
    caller: Identity,
    columns: Columns,
    more: Callable[[int], int | None] = lambda _: None,
    *,
    atomic: bool = False,
) -> tuple[NamedStats, Columns]:
    """The stat of every usable item, and the columns without the others.

    New names are registered, durably; of an `atomic` request none if it is refused for any item.
    `more` tells how many stats an account that has so many may still make.
    Raises what the store raises when that is impossible.
    """
    found = directory.find(caller.account, columns.names)
    if found is not None and caller.prefix is None and _plain(found, columns):
        return found, columns
    known = directory.names(caller.account)
    if found is None:
        wanted = _allowed(_wanted(known, caller, columns), more(len(known)))
        if atomic and (foreseen := _foreseen(known, wanted, caller, columns)).refused:
            return NO_STATS, foreseen.without([], range(len(foreseen)))
        if wanted:
            await directory.register(caller.account, wanted)
            known = directory.names(caller.account)
    stats, columns = _judged(known.get, caller, columns)
    return NamedStats.of(stats, trash=False), columns


def _foreseen(
    known: Mapping[str, Stat], wanted: Mapping[str, Kind], caller: Identity, columns: Columns
) -> Columns:
    """What would be left, and what refused, once all new names were registered."""
    new = {name: Stat(0, caller.account, 0, name, kind, None, 0) for name, kind in wanted.items()}
    return _judged(lambda name: known.get(name) or new.get(name), caller, columns)[1]


def _plain(found: NamedStats, columns: Columns) -> bool:
    """Whether every stat lives and is of the type that its item says, and each item has a value."""
    return found.live and found.kinds == columns.types and not columns.missing.any()


def _wanted(known: Mapping[str, Stat], caller: Identity, columns: Columns) -> dict[str, Kind]:
    """The new names that may be registered, with the type of their first item."""
    wanted: dict[str, Kind] = {}
    for row, given in enumerate(columns.names):
        name = canonical_name(given)
        if name in known or name in wanted or _name_code(name, caller) is not None:
            continue
        said = columns.types[row]
        kind = FIRST_TYPE if said is UNSET else said
        if kind is Kind.VALUE and columns.missing[row]:
            continue
        wanted[name] = kind
    return wanted


def _allowed(wanted: dict[str, Kind], room: int | None) -> dict[str, Kind]:
    """As many of the new names as there is room for, the first ones."""
    return wanted if room is None else dict(islice(wanted.items(), room))


def _judged(
    find: Callable[[str], Stat | None], caller: Identity, columns: Columns
) -> tuple[list[Stat], Columns]:
    """Item by item."""
    stats: list[Stat] = []
    refused: list[Refusal] = []
    rows: list[int] = []
    value = columns.value.copy()
    for row, given in enumerate(columns.names):
        name = canonical_name(given)
        stat = find(name)
        code = _name_code(name, caller) or _stat_code(stat, columns, row)
        if code is not None or stat is None:
            rows.append(row)
            field = "value" if code == "field_required" else "stat"
            field = "type" if code == "stat_type_conflict" else field
            refused.append(Refusal(int(columns.place[row]), code or "plan_limit", field))
            continue
        if columns.missing[row]:
            value[row] = 1.0
        stats.append(stat)
    complete = replace(columns, value=value, missing=np.zeros(len(columns), np.bool_))
    return stats, complete.without(refused, rows)


def _name_code(name: str, caller: Identity) -> str | None:
    code = name_fault(name)
    return code if code is not None or caller.may_touch(name) else "stat_name_prefix"


def _stat_code(stat: Stat | None, columns: Columns, row: int) -> str | None:
    """Why an item cannot be added to its stat; a stat that is missing could not be registered."""
    said = columns.types[row]
    if stat is None:
        lacks_value = bool(columns.missing[row]) and said is Kind.VALUE
        return "field_required" if lacks_value else "plan_limit"
    if stat.state != "live":
        return "stat_in_trash"
    if said is not UNSET and said is not stat.kind:
        return "stat_type_conflict"
    if stat.kind is Kind.VALUE and columns.missing[row]:
        return "field_required"
    return None
