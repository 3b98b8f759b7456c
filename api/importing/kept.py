"""Where imports are kept: records as documents, uploads and what was pulled as files.

Law: a file has its name only once it is whole. The folder of an import is gone when nobody will
read it again.
"""

import os
import shutil
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import trio

from api.importing.archive import UPLOAD_BYTES_MAX
from api.importing.record import ImportRecord
from storage.documents import Documents, Write

KIND: Final = "import"

UPLOAD: Final = "upload"
PULLED: Final = "pulled"
MADE: Final = "made"


class TooLarge(Exception):
    """The upload is larger than any may be."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The imports of every account; `folder` holds a folder for each that is under way."""

    documents: Documents
    folder: Path

    async def write(self, record: ImportRecord, now_ms: int) -> None:
        """Keep a record as it is now."""
        body = msgspec.json.encode(record)
        await self.documents.write([Write(KIND, record.account, record.id, body)], now_ms)

    async def get(self, account: int, name: str, now_ms: int) -> ImportRecord | None:
        """One import, or None."""
        found = await self.documents.get(KIND, account, name, now_ms)
        return None if found is None else msgspec.json.decode(found.body, type=ImportRecord)

    async def all(self, account: int, now_ms: int) -> list[ImportRecord]:
        """The imports of an account, the newest first."""
        found = await self.documents.all(KIND, account, now_ms)
        records = [msgspec.json.decode(one.body, type=ImportRecord) for one in found]
        return sorted(records, key=lambda one: -one.number)

    def home(self, record: ImportRecord) -> Path:
        """The folder of an import."""
        return self.folder / record.id

    def source(self, record: ImportRecord) -> Path:
        """The file or folder that is read."""
        return self.home(record) / (UPLOAD if record.pull is None else PULLED)

    async def receive(self, record: ImportRecord, parts: AsyncIterator[bytes]) -> None:
        """Take an upload to disk, durably; TooLarge, or OSError when the disk takes no more."""
        home = self.home(record)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft, size = home / f"{UPLOAD}.part", 0
        async with await trio.open_file(draft, "wb") as file:
            async for part in parts:
                size += len(part)
                if size > UPLOAD_BYTES_MAX:
                    raise TooLarge
                await file.write(part)
            await file.flush()
            await trio.to_thread.run_sync(os.fsync, file.fileno())
        draft.rename(home / UPLOAD)

    async def forget_files(self, record: ImportRecord, but: str | None = None) -> None:
        """Remove the folder of an import, all of it or all but one file."""
        await trio.to_thread.run_sync(_remove, self.home(record), but)

    async def sweep(self, under_way: Collection[str]) -> None:
        """Remove what uploads left that never became imports, or whose imports have ended."""
        # Listed at once: a folder that is made meanwhile is none of these.
        found = [one for one in _folders(self.folder) if one.name not in under_way]
        for home in found:
            await trio.to_thread.run_sync(_remove, home, MADE)

    def note_made(self, record: ImportRecord, names: Iterable[str]) -> None:
        """Note the stats that are about to be made; before they are, so that undo finds all."""
        home = self.home(record)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (home / MADE).open("ab") as file:
            file.writelines(msgspec.json.encode(name) + b"\n" for name in names)
            file.flush()
            os.fsync(file.fileno())

    def made(self, record: ImportRecord) -> list[str]:
        """The stats that an import has made."""
        try:
            lines = (self.home(record) / MADE).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return list(dict.fromkeys(_read_lines(lines)))


def _read_lines(lines: Iterable[bytes]) -> Iterable[str]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=str)
        except msgspec.DecodeError:
            return  # The last line, cut off by a kill before its stat was made.


def _folders(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def _remove(home: Path, but: str | None) -> None:
    if but is None or not (home / but).exists():
        shutil.rmtree(home, ignore_errors=True)
        return
    for path in home.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != but:
            path.unlink(missing_ok=True)
