"""From the body of an ingest request to columns, with a reason for every item that stays behind.

Pure. A whole batch is decoded at once into typed structs and then into columns. Only when that
fails is the batch taken apart item by item, so that each bad item is named and its neighbours are
kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
import numpy as np
from msgspec import UNSET, Raw, UnsetType

from api.http.codecs import SYNTAX_ERRORS, Codec
from api.http.item import (
    ITEM_ID_LIMIT,
    ITEMS_LIMIT,
    CountItem,
    Item,
    Parsed,
    add_times_and_ids,
    parsed,
)
from api.http.problems import Problem
from api.http.repeats import Refusal
from api.http.times import OLDEST_MS, time_fault, time_ms, times_ms
from engine.points import VALUE_LIMIT
from engine.rollup import Flags, Floats, Ints
from engine.stats import Kind

FIRST: Final[Ints] = np.zeros(1, np.int64)
PRESENT: Final[Flags] = np.zeros(1, np.bool_)
for _shared in (FIRST, PRESENT):
    _shared.setflags(write=False)

PlainItem = tuple[str, Kind | UnsetType, float, int]
"""Name, type, value and time in epoch milliseconds."""


@dataclass(slots=True)
class Columns:
    """The usable items of a request; all columns but `refused` have one entry an item.

    `place` is that in the batch; a type is UNSET when the sender did not say it; where `missing`
    is set there was no value; `ids` is None when no item has one.
    """

    place: Ints
    names: list[str]
    types: list[Kind | UnsetType]
    value: Floats
    missing: Flags
    at_ms: Ints
    ids: list[str | UnsetType] | None
    total: int
    refused: list[Refusal]

    def __len__(self) -> int:
        return len(self.names)

    def without(self, refused: Sequence[Refusal], rows: Sequence[int]) -> "Columns":
        """The columns less some rows, whose refusals are added."""
        if not rows:
            return self
        keep = np.ones(len(self), np.bool_)
        keep[list(rows)] = False
        kept = np.flatnonzero(keep).tolist()
        return Columns(
            self.place[keep],
            [self.names[row] for row in kept],
            [self.types[row] for row in kept],
            self.value[keep],
            self.missing[keep],
            self.at_ms[keep],
            None if self.ids is None else [self.ids[row] for row in kept],
            self.total,
            [*self.refused, *refused],
        )


def decode_one(
    body: bytes, codec: Codec, now_ms: int, oldest_ms: int = OLDEST_MS, *, counts: bool = False
) -> Columns:
    """The item of a single request; a body that is no document raises Problem.

    `counts` allows the field `count`, as `/v1/stat` does. Nothing before `oldest_ms` is taken.
    """
    item, refused = _parse_item(body, codec, CountItem if counts else Item)
    if item is not None and (plain := _plain(item, now_ms, oldest_ms)) is not None:
        return plain
    if refused is not None:
        codec.check(body)
    found = _parsed([item] if item is not None else [])
    found.total = 1
    found.refused = [refused] if refused is not None else []
    return to_columns(found, now_ms, oldest_ms)


def decode_plain(body: bytes, now_ms: int, oldest_ms: int = OLDEST_MS) -> PlainItem | None:
    """The JSON item of a single request, if it has a usable value and time, and no id."""
    try:
        item = _json_item(body)
    except SYNTAX_ERRORS:
        return None
    value, at_ms = _plain_value(item), _plain_ms(item, now_ms)
    if value is None or at_ms is None or time_fault(at_ms, now_ms, oldest_ms) is not None:
        return None
    timed = item.t is not UNSET or item.timestamp is not UNSET
    # With more colons a key may stand twice, or a text has one.
    if body.count(b":") != 2 + (item.type is not UNSET) + timed:
        return None
    return item.stat, item.type, value, at_ms


_json_item: Final[Callable[[bytes], Item]] = msgspec.json.Decoder(Item).decode


def _plain_value(item: Item) -> float | None:
    if item.id is not UNSET or item.value is UNSET or not abs(item.value) <= VALUE_LIMIT:
        return None
    # -0.0 becomes 0.0.
    return item.value + 0.0


def _plain_ms(item: Item, now_ms: int) -> int | None:
    if item.t is UNSET:
        return now_ms if item.timestamp is UNSET else time_ms(item.timestamp)
    return time_ms(item.t) if item.timestamp is UNSET else None


def _plain(item: Item, now_ms: int, oldest_ms: int) -> Columns | None:
    """The columns of a point with a usable value and time: a third of the work."""
    value, at_ms = _plain_value(item), _plain_ms(item, now_ms)
    if value is None or at_ms is None or time_fault(at_ms, now_ms, oldest_ms) is not None:
        return None
    values, times = np.array([value]), np.array([at_ms], np.int64)
    return Columns(FIRST, [item.stat], [item.type], values, PRESENT, times, None, 1, [])


def decode_batch(body: bytes, codec: Codec, now_ms: int, oldest_ms: int = OLDEST_MS) -> Columns:
    """The items of a batch; a body that is no document, empty or too long raises Problem."""
    found = codec.parse_all(body)
    if found is None:
        found = _parse_each(codec.split(body), codec)
    if not found.total:
        raise Problem("batch_empty", "items: at least one point is needed.")
    _check_length(found.total)
    return to_columns(found, now_ms, oldest_ms)


def to_columns(found: Parsed, now_ms: int, oldest_ms: int = OLDEST_MS) -> Columns:
    """Columns of the items whose value, time and id can be used."""
    at_ms, bad = _times(found, now_ms, oldest_ms)
    # Not >, because a NaN, which MessagePack can say, is not large.
    if not np.abs(found.value).max(initial=0.0) <= VALUE_LIMIT:
        large = np.flatnonzero(~(np.abs(found.value) <= VALUE_LIMIT))
        bad += [(row, "value_out_of_range", "value") for row in large.tolist()]
    if found.ids is not None:
        ids = enumerate(found.ids)
        bad += [(row, "id_invalid", "id") for row, name in ids if not _usable_id(name)]
    columns = Columns(
        found.place,
        found.names,
        found.types,
        # -0.0 becomes 0.0.
        found.value + 0.0,
        found.missing,
        at_ms,
        found.ids,
        found.total,
        found.refused,
    )
    if not bad:
        return columns
    place = found.place.tolist()
    first = {row: Refusal(place[row], code, field) for row, code, field in reversed(bad)}
    return columns.without(list(first.values()), list(first))


def _check_length(items: int) -> None:
    if items > ITEMS_LIMIT:
        raise Problem(
            "batch_too_large",
            f"items: {items} points; at most {ITEMS_LIMIT} per request, send the rest in another.",
        )


Bad = list[tuple[int, str, str]]


def _times(found: Parsed, now_ms: int, oldest_ms: int) -> tuple[Ints, Bad]:
    if found.at is not None:
        at_ms, refused = times_ms(found.at, now_ms, oldest_ms)
        return at_ms, [(row, code, "timestamp") for row, code in refused]
    if found.timestamps is None and found.ts is None:
        return np.full(len(found.names), now_ms, np.int64), []
    bad: Bad = []
    given = found.timestamps or found.ts or []
    if found.timestamps and found.ts:
        pairs = list(zip(found.timestamps, found.ts, strict=True))
        given = [short if long is UNSET else long for long, short in pairs]
        twice = [UNSET not in pair for pair in pairs]
        bad = [(row, "duplicate_field", "t") for row, both in enumerate(twice) if both]
    at_ms, refused = times_ms(given, now_ms, oldest_ms)
    return at_ms, bad + [(row, code, "timestamp") for row, code in refused]


def _usable_id(name: str | UnsetType) -> bool:
    return not isinstance(name, str) or (0 < len(name) <= ITEM_ID_LIMIT and name.isprintable())


def _parse_each(raw: Sequence[bytes], codec: Codec) -> Parsed:
    """Items one by one, after the whole could not be decoded."""
    _check_length(len(raw))
    items: list[Item] = []
    place: list[int] = []
    refused: list[Refusal] = []
    for at, body in enumerate(raw):
        item, refusal = _parse_item(body, codec, Item)
        if item is not None:
            items.append(item)
            place.append(at)
        elif refusal is not None:
            refused.append(refusal._replace(item=at))
    found = _parsed(items)
    found.place, found.total, found.refused = np.asarray(place, np.int64), len(raw), refused
    return found


def _parsed(items: list[Item]) -> Parsed:
    found = parsed(items)
    add_times_and_ids(found, items)
    return found


Shape = type[Item] | type[CountItem]


def _parse_item(body: bytes, codec: Codec, shape: Shape) -> tuple[Item | None, Refusal | None]:
    """The item, or what is wrong with it."""
    try:
        item = codec.decode(body, shape)
    except SYNTAX_ERRORS:
        return None, _explain(body, codec, shape)
    if name := codec.key_twice(body, item):
        return None, Refusal(0, "duplicate_field", name)
    if isinstance(item, CountItem):
        return _without_count(item)
    return item, None


def _without_count(item: CountItem) -> tuple[Item | None, Refusal | None]:
    """The same point without `count`; which field was used says the type, unless it is said."""
    if item.count is not UNSET and item.value is not UNSET:
        return None, Refusal(0, "duplicate_field", "count")
    kind = Kind.COUNTER if item.value is UNSET else Kind.VALUE
    value = item.count if item.value is UNSET else item.value
    said = kind if item.type is UNSET else item.type
    return Item(item.stat, value, said, item.timestamp, item.t, item.id), None


def _shape(union: object) -> type[Any]:
    """A union as msgspec takes it; to the type checker it is no type."""
    return cast("type[Any]", union)


# Each field: the type it must have, and the code when it has not.
FIELDS: Final[dict[str, tuple[type[Any], str]]] = {
    "stat": (str, "field_type"),
    "value": (float, "value_type"),
    "count": (float, "value_type"),
    "type": (Kind, "stat_type"),
    "timestamp": (_shape(int | float | str), "timestamp_invalid"),
    "t": (_shape(int | float | str), "timestamp_invalid"),
    "id": (str, "id_invalid"),
}


def _explain(body: bytes, codec: Codec, shape: Shape) -> Refusal:
    """The first thing that is wrong with an item that could not be decoded."""
    try:
        fields = codec.decode(body, dict[str, Raw])
    except msgspec.ValidationError:
        return Refusal(0, "item_type")
    except SYNTAX_ERRORS as error:
        return Refusal(0, codec.syntax_code(body, error))
    for name in fields:
        if name not in shape.__struct_fields__:
            return Refusal(0, "unknown_field", name)
    if "stat" not in fields:
        return Refusal(0, "field_required", "stat")
    for name, raw in fields.items():
        if code := _field_code(bytes(raw), codec, *FIELDS[name]):
            return Refusal(0, code, name)
    raise AssertionError("BUG: an item that could not be decoded has nothing wrong with it")


def _field_code(raw: bytes, codec: Codec, shape: type[Any], code: str) -> str | None:
    try:
        codec.decode(raw, shape)
    except msgspec.ValidationError as error:
        too_large = code == "value_type" and "out of range" in str(error)
        return "value_out_of_range" if too_large else code
    except SYNTAX_ERRORS as error:
        return codec.syntax_code(raw, error)
    return None
