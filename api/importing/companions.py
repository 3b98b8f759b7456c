"""The annotations and dashboards of an own export come along.

Law: what says the same as one that is here is not made again, whoever made it; what an import made
is known by its name, and goes when it is undone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import trio

from api.boards.board import Board
from api.boards.board import faults as board_faults
from api.boards.kept import Boards
from api.importing.brought import Brought
from api.importing.faults import Fault
from api.importing.found import FoundNote
from api.notify.annotation import Annotation
from api.notify.annotation import faults as note_faults
from api.notify.annotations import Annotations, Sought
from api.notify.ids import new_id
from api.plans.allowances import Allowance, PlanLimit
from engine.stats import Stat
from storage.documents import DOCUMENTS_MAX, TooManyDocuments

FOREVER_MS: Final = 2**53


class CompanionFault(Exception):
    """An annotation or a dashboard cannot be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class Companions:
    """Makes them for one account and the import that is called `by`; a dry run makes none."""

    annotations: Annotations
    boards: Boards
    account: int
    by: str
    dry_run: bool

    async def bring_notes(
        self, found: Sequence[Mapping[str, Any]], names: Mapping[str, Stat], now_ms: int
    ) -> Brought:
        """Make the annotations that are not there; `names` are the stats that there are."""
        brought = Brought()
        there = await self.annotations.find(self.account, Sought(0, FOREVER_MS), DOCUMENTS_MAX, 0)
        known = {_told(one): one.by for one in there}
        for form in found:
            await trio.lowlevel.checkpoint()
            try:
                note = self._note(form, names, now_ms)
                if _told(note) not in known:
                    if not self.dry_run:
                        await self.annotations.put(note)
                    known[_told(note)] = self.by
                brought.count(new=known[_told(note)] == self.by)
            except (CompanionFault, TooManyDocuments) as fault:
                brought.faults.append(_fault("annotation", form, fault))
        return brought

    async def bring_boards(
        self, found: Sequence[Mapping[str, Any]], allowance: Allowance, now_ms: int
    ) -> Brought:
        """Make the dashboards that are not there, as many as the plan allows."""
        brought = Brought()
        kept = await self.boards.all(self.account, now_ms)
        known = {one.record.board: one.record.by for one in kept}
        amount = len(kept)
        for form in found:
            await trio.lowlevel.checkpoint()
            try:
                board = _board(form)
                if board not in known:
                    allowance.check("dashboards", amount)
                    if not self.dry_run:
                        await self.boards.create(self.account, board, now_ms, self.by)
                    amount += 1
                    known[board] = self.by
                brought.count(new=known[board] == self.by)
            except (CompanionFault, PlanLimit, TooManyDocuments) as fault:
                brought.faults.append(_fault("dashboard", form, fault))
        return brought

    async def forget(self, now_ms: int) -> None:
        """Remove all that were made, also those that were changed since."""
        notes = await self.annotations.find(self.account, Sought(0, FOREVER_MS), DOCUMENTS_MAX, 0)
        for note in notes:
            if note.by == self.by:
                await self.annotations.remove(note)
        for board in await self.boards.all(self.account, now_ms):
            if board.record.by == self.by:
                await self.boards.forget(board, None, now_ms)

    def _note(self, form: Mapping[str, Any], names: Mapping[str, Stat], now_ms: int) -> Annotation:
        try:
            found = msgspec.convert(form, FoundNote)
        except msgspec.ValidationError as error:
            raise CompanionFault(f"it is no annotation that is known here: {error}") from None
        missing = [name for name in found.stats if name not in names]
        if missing and not self.dry_run:
            raise CompanionFault(f"there is no stat {missing[0]}")
        note = Annotation(
            id=new_id("an"), account=self.account, at_ms=round(found.at * 1000), title=found.title,
            created_ms=now_ms, until_ms=round(found.until * 1000), text=found.text,
            tags=found.tags, stats=tuple(names[name].id for name in found.stats if name in names),
            link=found.link, by=self.by,
        )  # fmt: skip
        _check(note_faults(note))
        return note


def _board(form: Mapping[str, Any]) -> Board:
    try:
        board = msgspec.convert(form, Board)
    except msgspec.ValidationError as error:
        raise CompanionFault(f"it is no dashboard that is known here: {error}") from None
    _check(board_faults(board))
    return board


def _check(faults: Iterator[tuple[str, str]]) -> None:
    for field, text in faults:
        raise CompanionFault(f"{field}: {text}")


def _told(one: Annotation) -> tuple[object, ...]:
    """What an annotation says, whoever said it and when."""
    return (
        one.at_ms,
        one.until_ms,
        one.title,
        one.text,
        one.tags,
        tuple(sorted(one.stats)),
        one.link,
    )


def _fault(what: str, form: Mapping[str, Any], error: Exception) -> Fault:
    return Fault(f"{what} {form.get('title', '')}"[:200], f"{error}")
