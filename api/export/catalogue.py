"""The catalogue of an export: what there is, and what stands in which file.

Law: whatever names a stat names it as people do, so that it means the same where the export is
imported. Nothing that opens anything is in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from api.boards.board import Board
from api.boards.kept import Boards
from api.export.layout import FORMAT, file_of
from api.export.silences import SilenceEntry, silence_entries
from api.http.context import Context
from api.http.dates import date_text
from api.notify.annotation import Annotation
from api.notify.annotations import Sought
from api.notify.rule_stats import told_form
from engine.rules import Rule
from engine.stats import Stat, public_id
from storage.directory import Directory
from storage.documents import DOCUMENTS_MAX

STATS_A_PART: Final = 1_000
"""Stats that are written at a time."""

FOREVER_MS: Final = 2**53


class StatEntry(Struct, frozen=True):
    """A stat, and the file of its buckets."""

    id: str
    name: str
    type: str
    unit: str | None
    created_at: str
    percentiles: bool
    file: str


class ChannelEntry(Struct, frozen=True):
    """A channel, as much of it as tells which one is meant."""

    id: str
    type: str
    name: str


class AlertEntry(Struct, frozen=True):
    """An alert as it would be made."""

    id: str
    created_at: str
    alert: dict[str, Any]


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An annotation as it would be made; times in epoch seconds."""

    title: str
    text: str = ""
    tags: tuple[str, ...] = ()
    at: float
    until: float | UnsetType = UNSET
    stats: tuple[str, ...] = ()
    link: str = ""


class NoteEntry(Struct, frozen=True):
    """An annotation."""

    id: str
    created_at: str
    annotation: Note


class BoardEntry(Struct, frozen=True):
    """A dashboard as it would be made."""

    id: str
    created_at: str
    board: Board


class Others(Struct, frozen=True):
    """All of an account but its stats."""

    channels: list[ChannelEntry]
    alerts: list[AlertEntry]
    annotations: list[NoteEntry]
    dashboards: list[BoardEntry]
    silences: list[SilenceEntry]


async def others_of(context: Context, account: int) -> Others:
    """What an account has besides stats."""
    office, now_ms = context.office, context.clock.now_ms()
    notes = await office.annotations.find(account, Sought(0, FOREVER_MS), DOCUMENTS_MAX, 0)
    return Others(
        [ChannelEntry(one.id, one.type, one.name) for one in await office.channels.all(account)],
        [_alert(context, rule) for rule in office.rulebook.of(account)],
        [_note(context.directory, one) for one in reversed(notes)],
        [
            BoardEntry(one.id, date_text(one.record.created_ms), one.record.board)
            for one in await Boards(context.documents).all(account, now_ms)
        ],
        await silence_entries(context, account, now_ms),
    )


def catalogue_parts(at_ms: int, stats: Sequence[Stat], others: Others) -> Iterator[bytes]:
    """The catalogue as JSON, some stats at a time."""
    head = msgspec.json.encode({"format": FORMAT, "exported_at": date_text(at_ms)})
    yield head[:-1] + b',\n"stats":['
    for low in range(0, len(stats), STATS_A_PART):
        part = b",".join(_lines(map(_stat, stats[low : low + STATS_A_PART])))
        yield b"," + part if low else part
    for name in Others.__struct_fields__:
        entries = b",".join(_lines(getattr(others, name)))
        yield b'\n],\n"%s":[%s' % (name.encode(), entries)
    yield b"\n]}\n"


def _lines(entries: Iterable[Struct]) -> Iterator[bytes]:
    return (b"\n" + msgspec.json.encode(entry) for entry in entries)


def _stat(stat: Stat) -> StatEntry:
    return StatEntry(
        public_id(stat.id), stat.name, stat.kind.value, stat.unit, date_text(stat.created_ms),
        stat.percentiles, file_of(stat.id),
    )  # fmt: skip


def _alert(context: Context, rule: Rule) -> AlertEntry:
    """The form that made the rule; its stats by name."""
    watched = (stat for stat, _ in context.office.rulebook.instances(rule))
    told = told_form(context.directory, rule, watched).fields
    form = {name: value for name, value in told.items() if value is not None}
    return AlertEntry(rule.id, date_text(int(rule.extra["created_ms"])), form)


def _note(directory: Directory, one: Annotation) -> NoteEntry:
    found = (directory.get(stat) for stat in one.stats)
    note = Note(
        title=one.title, text=one.text, tags=one.tags, at=one.at_ms / 1000,
        until=one.until_ms / 1000 if one.until_ms else UNSET,
        stats=tuple(stat.name for stat in found if stat is not None), link=one.link,
    )  # fmt: skip
    return NoteEntry(one.id, date_text(one.created_ms), note)
