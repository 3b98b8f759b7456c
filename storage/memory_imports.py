"""What the store in memory keeps of imports: the chunks that commands put, by stat and import."""

from collections.abc import Sequence
from typing import TypeAlias

from engine.imported import PUT, UNDO
from engine.points import Command
from engine.ports import Chunk, Span
from storage.imports import imported_chunk, place_of

Imported: TypeAlias = dict[int, dict[int, dict[tuple[int, int], bytes]]]
"""By stat and number of the import: bodies of commands by tier number and start."""


def keep_imports(imported: Imported, commands: Sequence[Command]) -> None:
    """Put the chunks of imports, then undo those that are undone."""
    for command in commands:
        if command.kind == PUT:
            number, tier, start = place_of(command.body)
            kept = imported.setdefault(command.stat, {}).setdefault(number, {})
            kept[tier, start] = command.body
    for command in commands:
        if command.kind == UNDO:
            imports = imported.get(command.stat, {})
            imports.pop(int(command.body), None)
            if not imports:
                imported.pop(command.stat, None)


def copied(imported: Imported) -> Imported:
    """As it is now."""
    return {
        stat: {number: kept.copy() for number, kept in imports.items()}
        for stat, imports in imported.items()
    }


def numbers_by_stat(imported: Imported) -> dict[int, tuple[int, ...]]:
    """The imports of each stat, in order."""
    return {stat: tuple(sorted(imports)) for stat, imports in imported.items()}


def found_in(imported: Imported, number: int, span: Span) -> list[Chunk]:
    """The chunks that an import has in a span, oldest first."""
    kept = imported.get(span.stat, {}).get(number, {})
    return [
        imported_chunk(span.stat, body)
        for (tier, start), body in sorted(kept.items())
        if tier == span.tier.number and span.start <= start < span.end
    ]
