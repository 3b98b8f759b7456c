"""What StatHat's clients send, as they really do, to points. Pure.

Law: lenient in spelling, never in meaning. Forms come unencoded, in the query, in the body or in
both, with names of fields that differ by client, and numbers however languages print them; but a
number that is none is named, and never guessed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from api.http.bodies import unpacked
from api.http.item import ITEMS_LIMIT, Parsed
from api.http.messages import RawRequest
from api.http.problems import Problem
from api.http.repeats import Refusal
from api.http.times import Time
from engine.stats import Kind

FIELDS_MAX: Final = 64
"""Fields of a form; clients send five."""

NUMBER_LENGTH_MAX: Final = 64
"""Characters of a number."""

FAN_OUT: Final = "~"
"""`sent~total,female` feeds two stats: `sent total` and `sent female`."""

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it is meant: who sends, and the points, each still a handful of fields."""

    sender: Fields
    points: tuple[Fields, ...]


@dataclass(slots=True)
class Found:
    """Columns of points in the making."""

    names: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    kinds: list[Kind | UnsetType] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    ids: list[str | UnsetType] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read_sent(request: RawRequest) -> Sent:
    """All that a request says; what stands in the body counts more than the query."""
    fields: dict[str, object] = dict(read_form(request.query))
    body = unpacked(request).strip()
    said = (request.header(b"content-type") or b"").lower()
    if body.startswith(b"{") or b"json" in said:
        return _read_json(body, fields)
    fields.update(read_form(body))
    return Sent(fields, (fields,))


def read_form(form: bytes) -> dict[str, str]:
    """The fields of a form, be it encoded or not; of two with one name, the last one counts."""
    fields: dict[str, str] = {}
    name = ""
    parts = form.split(b"&", FIELDS_MAX)
    if len(parts) > FIELDS_MAX:
        raise Problem("too_many_parameters", f"At most {FIELDS_MAX} fields.")
    for part in parts:
        before, equals, value = part.partition(b"=")
        if equals:
            name = _text(before)
            fields[name] = _text(value)
        elif name and part:
            # Nobody encoded the name of the stat, and it has an ampersand.
            fields[name] += "&" + _text(part)
    return fields


def to_parsed(sent: Sent, kind: Kind | None = None) -> Parsed:
    """The points as columns.

    `kind` is that of a stat that is known, whose number may come as `count` or as `value`;
    otherwise the field says what a new stat is.
    """
    found = Found()
    for place, point in enumerate(sent.points):
        _add(found, place, point, kind)
        if len(found.names) > ITEMS_LIMIT:
            raise Problem("batch_too_large", f"At most {ITEMS_LIMIT} points a request.")
    return Parsed(
        found.names,
        np.asarray(found.values, np.float64),
        np.zeros(len(found.names), np.bool_),
        found.kinds,
        found.times if any(time is not UNSET for time in found.times) else None,
        None,
        found.ids if any(one is not UNSET for one in found.ids) else None,
        np.asarray(found.place, np.int64),
        len(sent.points),
        found.refused,
    )


def fanned_out(name: str) -> Iterable[str]:
    """The stats that a name stands for."""
    prefix, fan, rest = name.partition(FAN_OUT)
    if not fan:
        return (name,)
    ends = dict.fromkeys(end.strip() for end in rest.split(","))
    return [f"{prefix.strip()} {end}".strip() for end in ends if end] or (prefix,)


def _add(found: Found, place: int, point: Fields, kind: Kind | None) -> None:
    given = [name for name in ("count", "value") if point.get(name) not in (None, "")]
    number = _number(point[given[0]]) if len(given) == 1 else None
    if number is None:
        codes = ("field_required", "value_type", "duplicate_field")
        found.refused.append(Refusal(place, codes[len(given)], given[-1] if given else "value"))
        return
    said = kind or (Kind.COUNTER if given == ["count"] else Kind.VALUE)
    stat, item_id = point.get("stat", ""), point.get("id")
    stat = stat if isinstance(stat, str) else ""
    for name in fanned_out(stat) if kind is None else (stat,):
        found.names.append(name)
        found.values.append(number)
        found.kinds.append(said)
        found.times.append(_time(point.get("t")))
        found.ids.append(item_id if isinstance(item_id, str) and item_id else UNSET)
        found.place.append(place)


def _number(given: object) -> float | None:
    """A number as any language prints it; None when it is none."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int | float):
        return _float(given)
    if not isinstance(given, str) or len(given) > NUMBER_LENGTH_MAX or "_" in given:
        return None
    # What looks like 1e 06 was 1e+06 before the form was decoded.
    return _float(given.strip().replace("e ", "e+").replace("E ", "E+"))


def _float(given: float | str) -> float | None:
    try:
        return float(given)
    except (ValueError, OverflowError):
        return None


def _time(given: object) -> Time:
    """Epoch seconds, or whatever else is understood as a time; nothing and 0 mean now."""
    if given in (None, "", 0, "0") or isinstance(given, bool):
        return UNSET
    if isinstance(given, int | float):
        return given
    if not isinstance(given, str):
        return "not a time"
    text = given.strip()
    if text.isascii() and text.isdigit() and len(text) < NUMBER_LENGTH_MAX:
        return int(text)
    number = _number(text)
    return text if number is None else number


def _read_json(body: bytes, fields: Mapping[str, object]) -> Sent:
    try:
        given: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("invalid_json", f"{error}.") from None
    if not isinstance(given, dict):
        raise Problem("field_type", 'The body is an object: {"ezkey":"…","data":[…]}.')
    sender = {**fields, **given}
    points = given.get("data", [sender])
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise Problem("field_type", "data: a list of objects with stat, and count or value.")
    if not points:
        raise Problem("batch_empty", "data: at least one point is needed.")
    if len(points) > ITEMS_LIMIT:
        raise Problem("batch_too_large", f"data: at most {ITEMS_LIMIT} points.")
    return Sent(sender, tuple(points))


def _text(raw: bytes) -> str:
    """Without percent signs and pluses; a text that is no UTF-8 is that of old programs."""
    plain = unquote_to_bytes(raw.replace(b"+", b" "))
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return plain.decode("latin1")
