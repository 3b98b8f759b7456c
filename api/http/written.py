"""Answers as bytes, in each format that is offered.

What can be long is written series by series, with a pause between them, so that one big answer does
not hold up everybody else's.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import trio
from msgspec import UNSET, Struct

from api.http.asked import Asked
from api.http.messages import JSON, Header, RawRequest, Reply, reply
from api.query.csvout import csv_header, csv_rows, file_name
from api.query.reply import Columns, Point, columns_of, points_of
from api.query.series import Series

CSV: Final = b"text/csv; charset=utf-8; header=present"
NDJSON: Final = b"application/x-ndjson"
MSGPACK: Final = b"application/msgpack"

MEDIA: Final = {
    "json": JSON, "columns": JSON, "msgpack": MSGPACK, "csv": CSV, "ndjson": NDJSON,
}  # fmt: skip

TABLE_MEDIA: Final = ("text/csv", "application/x-ndjson", "application/msgpack")
"""What questions may be answered in, besides JSON."""

SPOKEN: Final = (b"vary", b"accept")

_ENCODERS: Final[dict[str, Callable[[Any], bytes]]] = {
    "json": msgspec.json.encode,
    "columns": msgspec.json.encode,
    "msgpack": msgspec.msgpack.encode,
}


class Drawn(Struct):
    """The buckets of one series, either way; the other is left out."""

    points: list[Point] | msgspec.UnsetType = UNSET
    columns: Columns | msgspec.UnsetType = UNSET


def drawn(series: Series, asked: Asked) -> Drawn:
    """A series as points or as columns, as asked."""
    times = asked.times(series.start)
    if asked.format == "columns":
        return Drawn(columns=columns_of(series, times))
    return Drawn(points=points_of(series, times))


def encoded(body: Struct, asked: Asked) -> bytes:
    """A model in the format asked for, one of those that are models."""
    return _ENCODERS[asked.format](body)


def answer(request: RawRequest, asked: Asked, body: bytes, name: str | None = None) -> Reply:
    """The reply in the format asked for; `name` is what a download is called."""
    headers: list[Header] = [SPOKEN]
    if name is not None:
        headers.append(attachment(name))
    return reply(request.id, 200, MEDIA[asked.format], body, headers)


def attachment(name: str) -> Header:
    """Makes a browser keep the reply as a file; `name` is plain already."""
    return b"content-disposition", f'attachment; filename="{name}"'.encode()


def download_name(name: str, asked: Asked, resolution: str, suffix: str) -> str:
    """What the file of an answer is called."""
    span = asked.range
    return file_name(name, span.from_ms // 1000, span.to_ms // 1000, resolution, suffix)


def table(series: Series, asked: Asked) -> bytes:
    """One series as CSV or NDJSON."""
    if asked.format == "csv":
        return csv_header(list(series.columns)) + csv_rows(series, asked.zone)
    return lines(series, asked)


def lines(series: Series, asked: Asked) -> bytes:
    """One bucket a line, as NDJSON."""
    points = points_of(series, asked.times(series.start))
    return _JSON.encode_lines(points)


def named_lines(name: str, stat: str | None, series: Series, asked: Asked) -> bytes:
    """One bucket a line, each with the name of its series."""
    points = points_of(series, asked.times(series.start))
    label = _JSON.encode({"name": name} | ({"stat": stat} if stat else {}))[:-1] + b","
    return b"".join(label + _JSON.encode(point)[1:] + b"\n" for point in points)


async def long_table(named: Sequence[tuple[str, Series]], asked: Asked) -> bytes:
    """Several series as CSV under each other, with a column for their names."""
    columns = list(named[0][1].columns) if named else ["value"]
    parts = [csv_header(columns, with_stat=True)]
    for name, series in named:
        parts.append(csv_rows(series, asked.zone, name))
        await trio.lowlevel.checkpoint()
    return b"".join(parts)


_JSON: Final = msgspec.json.Encoder()
