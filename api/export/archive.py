"""Every account as a zip in a directory, each day or so, for whoever copies it elsewhere.

    DIR/account-1/statflow-20261126T021500Z.zip

Law: a file has its name when it is whole and on the disk. The newest ones are kept, so many of each
account; nothing that is not named so is touched. What failed is said until it succeeds.
"""

import logging
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import trio

from api.export.account import AccountZip, wanted_of
from api.export.blocks import BrokenOff
from api.http.context import Context
from engine.ports import StoreError

log = logging.getLogger("statflow.export")

LOOK_EVERY_S: Final = 60.0
AGAIN_S: Final = 600.0
"""What failed is tried again after this time."""

NAME: Final = "statflow-%Y%m%dT%H%M%SZ.zip"
NAMED: Final = re.compile(r"statflow-\d{8}T\d{6}Z\.zip", re.ASCII)
PART: Final = ".part"

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

Accounts = Callable[[], Awaitable[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where archives go, how often (in seconds) they are made, and how many of each are kept."""

    folder: Path
    every_s: int
    keep: int


@dataclass(eq=False, slots=True)
class Archive:
    """Makes archives while `run` runs; without a shelf there are none."""

    shelf: Shelf | None
    _failed: dict[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Archive {self.shelf!r}, {len(self._failed)} failed>"

    def warnings(self) -> list[str]:
        """What an operator should know."""
        return [
            f"the archive is not written: account {account}: {why}"
            for account, why in self._failed.items()
        ]

    async def run(self, context: Context, accounts: Accounts) -> None:
        """Make archives when they are due, for ever."""
        if self.shelf is None:
            return
        await context.node.wait_ready()
        while True:
            try:
                await self.look(context, await accounts())
            except StoreError as error:
                log.info("archives are made later: %s", error)
            await trio.sleep(AGAIN_S if self._failed else LOOK_EVERY_S)

    async def look(self, context: Context, accounts: Sequence[int]) -> None:
        """Make the archives that are due now."""
        for account in accounts:
            if self.shelf is not None and context.directory.names(account):
                await self._look(context, self.shelf, account)

    async def _look(self, context: Context, shelf: Shelf, account: int) -> None:
        """Make the archive of an account if it is due."""
        folder = shelf.folder / f"account-{account}"
        now_ms = context.clock.now_ms()
        try:
            if await trio.to_thread.run_sync(is_due, folder, shelf.every_s, now_ms):
                await write_archive(context, account, folder, now_ms)
                await trio.to_thread.run_sync(forget_oldest, folder, shelf.keep)
        except (OSError, StoreError, BrokenOff) as error:
            self._failed[account] = _reason(error)
            log.warning("the archive of account %d is not written: %s", account, _reason(error))
        else:
            self._failed.pop(account, None)


async def write_archive(context: Context, account: int, folder: Path, now_ms: int) -> Path:
    """Write all of an account into a new file; OSError when the disk does not take it."""
    name = datetime.fromtimestamp(now_ms // 1000, UTC).strftime(NAME)
    whole, part = folder / name, folder / f"{name}{PART}"
    wanted = await wanted_of(context, account)
    await trio.to_thread.run_sync(_make_folder, folder)
    file = await trio.to_thread.run_sync(_open, part)
    try:
        with closing(AccountZip(context, wanted)) as export:
            async for piece in export:
                await trio.to_thread.run_sync(file.write, piece)
        await trio.to_thread.run_sync(_finish, file, part, whole)
    finally:
        file.close()
        part.unlink(missing_ok=True)
    return whole


def is_due(folder: Path, every_s: int, now_ms: int) -> bool:
    """Whether the newest archive is that old, or there is none."""
    newest = max(_archives(folder), default=None)
    if newest is None:
        return True
    made = datetime.strptime(newest.name, NAME).replace(tzinfo=UTC)
    return now_ms / 1000 >= made.timestamp() + every_s


def forget_oldest(folder: Path, keep: int) -> None:
    """Remove all archives but the newest ones."""
    for path in sorted(_archives(folder))[:-keep]:
        path.unlink(missing_ok=True)


def _archives(folder: Path) -> list[Path]:
    """The archives in a folder, whose names sort like their times."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if NAMED.fullmatch(path.name)]


def _make_folder(folder: Path) -> None:
    """Make it, and forget what a process that was killed had begun."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for path in folder.glob(f"statflow-*{PART}"):
        path.unlink(missing_ok=True)


def _open(path: Path) -> BinaryIO:
    return open(path, "xb", opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _finish(file: BinaryIO, part: Path, whole: Path) -> None:
    """Bring the bytes to the disk, then the name."""
    file.flush()
    os.fsync(file.fileno())
    part.replace(whole)
    folder = os.open(whole.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the disk'}: {error.strerror or error}"
    return str(error)
