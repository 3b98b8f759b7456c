"""Documents in memory, for tests and for a server that is to leave nothing behind."""

from collections.abc import Sequence
from itertools import count

from engine.ports import StoreError
from storage.documents import (
    DOCUMENTS_MAX,
    JOURNAL_MAX,
    WRITES_MAX,
    Conflict,
    Document,
    Note,
    Taken,
    TooManyDocuments,
    Write,
)

Place = tuple[str, int, str]


class MemoryDocuments:
    """Documents that end with the process; while `failure` is set, every step raises it."""

    failure: StoreError | None = None

    def __init__(self) -> None:
        self._kept: dict[Place, tuple[Document, tuple[str, ...]]] = {}
        self._journals: dict[tuple[str, int], list[Note]] = {}
        self._serial = count(1)

    def __repr__(self) -> str:
        return f"<MemoryDocuments {len(self._kept)}>"

    async def write(self, writes: Sequence[Write], now_ms: int) -> list[int]:
        self._fail()
        assert len(writes) <= WRITES_MAX, "BUG: too many documents in one step"
        assert len({_place(write) for write in writes}) == len(writes), "BUG: one document twice"
        self._check(writes, now_ms)
        return [self._apply(write, now_ms) for write in writes]

    async def get(self, kind: str, account: int, document_id: str, now_ms: int) -> Document | None:
        self._fail()
        return self._living((kind, account, document_id), now_ms)

    async def find(self, kind: str, claim: str, now_ms: int) -> Document | None:
        self._fail()
        holders = [place for place, (_, claims) in self._kept.items() if claim in claims]
        found = (self._living(place, now_ms) for place in holders if place[0] == kind)
        return next((document for document in found if document is not None), None)

    async def all(self, kind: str, account: int, now_ms: int) -> list[Document]:
        self._fail()
        mine = sorted(place for place in self._kept if place[:2] == (kind, account))
        living = (self._living(place, now_ms) for place in mine)
        return [document for document in living if document is not None]

    async def sweep(self, now_ms: int, limit: int) -> int:
        self._fail()
        expired = [place for place in self._kept if self._living(place, now_ms) is None][:limit]
        for place in expired:
            del self._kept[place]
        return len(expired)

    async def note(self, journal: str, account: int, body: bytes, at_ms: int) -> None:
        self._fail()
        notes = self._journals.setdefault((journal, account), [])
        notes.append(Note(f"{at_ms}-{next(self._serial)}", at_ms, body))
        del notes[:-JOURNAL_MAX]

    async def notes(self, journal: str, account: int, before: str | None, limit: int) -> list[Note]:
        self._fail()
        notes = self._journals.get((journal, account), [])
        ids = [note.id for note in notes]
        end = ids.index(before) if before in ids else len(notes)
        return notes[:end][::-1][:limit]

    def _check(self, writes: Sequence[Write], now_ms: int) -> None:
        rewritten = {_place(write) for write in writes}
        held = {
            (place[0], claim)
            for place, (_, claims) in self._kept.items()
            if place not in rewritten and self._living(place, now_ms) is not None
            for claim in claims
        }
        for write in writes:
            found = self._living(_place(write), now_ms)
            version = 0 if found is None else found.version
            if write.expected not in {None, version}:
                raise Conflict(write, f"it has version {version}, not {write.expected}")
            if write.body is None:
                continue
            for claim in write.claims:
                if (write.kind, claim) in held:
                    raise Taken(write, claim)
                held.add((write.kind, claim))
            siblings = sum(place[:2] == _place(write)[:2] for place in self._kept)
            if found is None and write.account and siblings >= DOCUMENTS_MAX:
                raise TooManyDocuments(write, f"an account has at most {DOCUMENTS_MAX}")

    def _apply(self, write: Write, now_ms: int) -> int:
        place = _place(write)
        found = self._living(place, now_ms)
        if write.body is None:
            self._kept.pop(place, None)
            return 0
        version = 1 if found is None else found.version + 1
        document = Document(*place, write.body, version, write.expires_ms)
        self._kept[place] = document, write.claims
        return version

    def _living(self, place: Place, now_ms: int) -> Document | None:
        document, _ = self._kept.get(place, (None, ()))
        if document is None or (document.expires_ms is not None and document.expires_ms <= now_ms):
            return None
        return document

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def _place(write: Write) -> Place:
    return write.kind, write.account, write.id
