"""The items of an ingest request as they stand on the wire. Pure data."""

from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar, cast

import numpy as np
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from api.http.repeats import Refusal
from api.http.times import Time, whole_numbers
from engine.points import VALUE_LIMIT
from engine.rollup import Flags, Floats, Ints
from engine.stats import NAME_LENGTH_MAX, Kind

ITEMS_LIMIT: Final = 1000
"""Items in a batch."""

ITEM_ID_LIMIT: Final = 255
"""Characters of an item's own id."""


# Told, not checked: what is beyond a limit must be named with the item's place in the batch.
Name = Annotated[
    str,
    Meta(
        description="Trimmed; any script, but nothing that hides or turns text round.",
        examples=["page.views"],
        extra_json_schema={
            "minLength": 1,
            "maxLength": NAME_LENGTH_MAX,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e]+$",
        },
    ),
]
Amount = Annotated[float, Meta(extra_json_schema={"minimum": -VALUE_LIMIT, "maximum": VALUE_LIMIT})]
ItemId = Annotated[
    str,
    Meta(
        description="Of the sender's making: the same id counts once for a stat within the hour.",
        extra_json_schema={
            "minLength": 1,
            "maxLength": ITEM_ID_LIMIT,
            "pattern": "^[^\\u0000-\\u001f\\u007f]+$",
        },
    ),
]
SentTime = Annotated[
    Time,
    Meta(
        description="Epoch seconds to nanoseconds, told apart by size, or ISO 8601 with a zone;"
        " without one it is the server's time.",
        examples=[1795302000, "2026-11-22T03:00:00Z"],
    ),
]


class Item(Struct, gc=False, forbid_unknown_fields=True):
    """One point as `/v1/ingest` takes it; `t` is short for `timestamp`.

    A counter without `value` counts 1. The first point of a stat fixes its type.
    """

    stat: Name
    value: Amount | UnsetType = UNSET
    type: Kind | UnsetType = UNSET
    timestamp: SentTime = UNSET
    t: SentTime = UNSET
    id: ItemId | UnsetType = UNSET


class CountItem(Item, gc=False, forbid_unknown_fields=True):
    """One point as `/v1/stat` takes it: `count` makes a counter of it, `value` a value."""

    count: Amount | UnsetType = UNSET


class Batch(Struct, gc=False, forbid_unknown_fields=True):
    """The body of `/v1/ingest/batch`."""

    items: Annotated[list[Item], Meta(extra_json_schema={"minItems": 1, "maxItems": ITEMS_LIMIT})]


class RawBatch(Struct, gc=False, forbid_unknown_fields=True):
    """A batch whose items are not looked at yet."""

    items: list[Raw]


@dataclass(slots=True)
class Parsed:
    """Well-formed items as columns, the place of each in the batch, and what is wrong with others.

    Where `missing` is set there was no value. A column is None when no item has that field; `at`
    stands for the only column of times where that has nothing but whole numbers.
    """

    names: list[str]
    value: Floats
    missing: Flags
    types: list[Kind | UnsetType]
    timestamps: list[Time] | None
    ts: list[Time] | None
    ids: list[str | UnsetType] | None
    place: Ints
    total: int
    refused: list[Refusal] = field(default_factory=list)
    at: Ints | None = None


def parsed(items: list[Item]) -> Parsed:
    """A batch whose items are all well-formed, without times and ids."""
    given = [item.value for item in items]
    missing = np.zeros(len(items), np.bool_)
    try:
        value = np.fromiter(given, np.float64, len(given))
    except TypeError:
        missing[:] = [one is UNSET for one in given]
        value = np.asarray([0.0 if one is UNSET else one for one in given], np.float64)
    return Parsed(
        [item.stat for item in items],
        value,
        missing,
        [item.type for item in items],
        None,
        None,
        None,
        np.arange(len(items)),
        len(items),
    )


def add_short_times(found: Parsed, items: list[Item]) -> None:
    """Put in the column of `t`."""
    column = [item.t for item in items]
    found.at = whole_numbers(column)
    found.ts = None if found.at is not None else _used(column)


def add_times_and_ids(found: Parsed, items: list[Item]) -> None:
    """Put in the columns that few senders use."""
    add_short_times(found, items)
    short, column = found.at, [item.timestamp for item in items]
    if short is None and found.ts is None:
        found.at = whole_numbers(column)
    if short is not None or found.at is None:
        found.timestamps = _used(column)
    if short is not None and found.timestamps is not None:
        found.ts, found.at = short.tolist(), None
    found.ids = _used([item.id for item in items])


T = TypeVar("T")


def _used(column: list[T]) -> list[T] | None:
    return None if column.count(cast("T", UNSET)) == len(column) else column
