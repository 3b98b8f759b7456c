"""The items of an ingest request as they stand on the wire. Pure data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from api.http.repeats import Refusal
from api.http.times import Time

TypeName = Literal["counter", "value"]

ITEMS_LIMIT: Final = 1000
"""Items in a batch."""


class Item(Struct, gc=False, forbid_unknown_fields=True):
    """One point as `/v1/ingest` takes it; `t` is short for `timestamp`."""

    stat: str
    value: float | UnsetType = UNSET
    type: TypeName | UnsetType = UNSET
    timestamp: Time = UNSET
    t: Time = UNSET
    id: str | UnsetType = UNSET


class CountItem(Item, gc=False, forbid_unknown_fields=True):
    """One point as `/v1/stat` takes it: `count` makes a counter of it, `value` a value."""

    count: float | UnsetType = UNSET


class Batch(Struct, gc=False, forbid_unknown_fields=True):
    """The body of `/v1/ingest/batch`."""

    items: list[Item]


class RawBatch(Struct, gc=False, forbid_unknown_fields=True):
    """A batch whose items are not looked at yet."""

    items: list[Raw]


@dataclass(slots=True)
class Parsed:
    """Well-formed items as columns, the place of each in the batch, and what is wrong with others.

    A column is None when surely no item has that field.
    """

    names: list[str]
    values: list[float | UnsetType]
    types: list[TypeName | UnsetType]
    timestamps: list[Time] | None
    ts: list[Time] | None
    ids: list[str | UnsetType] | None
    places: Sequence[int]
    total: int
    refused: list[Refusal] = field(default_factory=list)


def parsed(
    items: list[Item],
    *,
    timestamps: bool = True,
    ts: bool = True,
    ids: bool = True,
) -> Parsed:
    """A batch whose items are all well-formed; flags say which fields there may be."""
    return Parsed(
        [item.stat for item in items],
        [item.value for item in items],
        [item.type for item in items],
        [item.timestamp for item in items] if timestamps else None,
        [item.t for item in items] if ts else None,
        [item.id for item in items] if ids else None,
        range(len(items)),
        len(items),
    )
