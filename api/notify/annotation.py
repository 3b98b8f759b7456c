"""An annotation: what happened when, for charts and for whoever looks back. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

KIND: Final = "annotation"
"""The kind of the documents."""

TITLE_LENGTH_MAX: Final = 200
TEXT_LENGTH_MAX: Final = 4_000
TAGS_MAX: Final = 20
TAG_LENGTH_MAX: Final = 50
STATS_MAX: Final = 100
LINK_LENGTH_MAX: Final = 2_048
HOLD_S_MAX: Final = 86_400
SPAN_MS_MAX: Final = 366 * 86_400_000


class Annotation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept; times are epoch milliseconds. Without `stats` it concerns all of them.

    `until_ms` is the end of what lasted a while. `hold` is the silence that holds delta rules back,
    `by` whoever made it: a key, a session or an import.
    """

    id: str
    account: int
    at_ms: int
    title: str
    created_ms: int
    until_ms: int = 0
    text: str = ""
    tags: tuple[str, ...] = ()
    stats: tuple[int, ...] = ()
    link: str = ""
    hold: str = ""
    by: str = ""
    revision: int = 1

    @property
    def ends_ms(self) -> int:
        """When it was over; for a moment, that moment."""
        return max(self.at_ms, self.until_ms)


def faults(annotation: Annotation) -> Iterator[tuple[str, str]]:
    """What no single field shows: the field, and how it should be."""
    if not annotation.title.strip() or not annotation.title.isprintable():
        yield "title", f"1 to {TITLE_LENGTH_MAX} printable characters"
    if annotation.until_ms and annotation.until_ms < annotation.at_ms:
        yield "until", "not before it begins"
    if annotation.until_ms - annotation.at_ms > SPAN_MS_MAX:
        yield "until", "at most a year after it begins"
    link = annotation.link
    if link and not (link.startswith(("https://", "http://")) and link.isprintable()):
        yield "link", "a link that begins with https:// or http://"


def pack_annotation(annotation: Annotation) -> bytes:
    """The annotation as it is kept."""
    return msgspec.msgpack.encode(annotation)


def unpack_annotation(record: bytes) -> Annotation:
    """The annotation of a record."""
    return msgspec.msgpack.decode(record, type=Annotation)
