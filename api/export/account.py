"""The zip of a whole account, made while it is sent.

Law: what was written is taken away at once, so nothing of it stays but the directory that stands at
the end of a zip; without that it is none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Final, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from api.accounts.keys import Identity
from api.export.blocks import OLDEST_S, Block, History
from api.export.catalogue import Others, catalogue_parts, others_of
from api.export.layout import CATALOGUE, file_of
from api.export.rows import HEADER
from api.http.context import Context
from engine.stats import Stat

COMPRESSION: Final = 4
"""Level of deflate; a block takes about 2 ms."""

FILE_MODE: Final = 0o600
"""As which the files are unpacked."""


class Sink:
    """A file that nobody can go back in; `take` empties it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Keep some bytes until they are taken."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        """Whoever takes what was written knows when it is all."""

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported: the stats by name and all else of an account, as of `at_ms`."""

    stats: Sequence[Stat]
    others: Others
    at_ms: int
    since_s: int


async def wanted_of(context: Context, account: int, caller: Identity | None = None) -> Wanted:
    """All of an account that its plan shows, and the caller may touch."""
    # What is known to whoever asks by now is in it: the moment comes first.
    at_ms = context.clock.now_ms()
    names = context.directory.names(account)
    stats = [names[name] for name in sorted(names) if caller is None or caller.may_touch(name)]
    oldest_ms = context.allowances.of(account).oldest_ms(at_ms)
    return Wanted(
        [stat for stat in stats if stat.state == "live"],
        await others_of(context, account),
        at_ms,
        max(OLDEST_S, oldest_ms // 1000),
    )


class AccountZip:
    """The bytes of an export, part by part; `close` it in the end."""

    def __init__(self, context: Context, wanted: Wanted) -> None:
        self._context = context
        self._wanted = wanted
        self._sink = Sink()
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED, compresslevel=COMPRESSION)
        self._stats = iter(wanted.stats)
        self._catalogue: Iterator[bytes] | None = catalogue_parts(
            wanted.at_ms, wanted.stats, wanted.others
        )
        self._history: History | None = None
        self._blocks: Iterator[Block] = iter(())
        self._file: IO[bytes] = self._open(CATALOGUE)
        self.files = 1

    def __repr__(self) -> str:
        return f"<AccountZip {self.files} of {len(self._wanted.stats) + 1} files>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not (packed := self._sink.take()):
            if self._file.closed:
                raise StopAsyncIteration
            await self._step()
        return packed

    def close(self) -> None:
        """Leave it, whole or not; nothing more comes."""
        self._file.close()
        self._zip.close()
        self._sink.take()

    async def _step(self) -> None:
        """Write one part: of the catalogue, then block by block of each stat."""
        if self._catalogue is not None:
            part = next(self._catalogue, None)
            if part is not None:
                self._file.write(part)
                return
            self._catalogue = None
        block = next(self._blocks, None)
        if block is not None and self._history is not None:
            self._file.write(await self._history.read(block))
            return
        self._file.close()
        stat = next(self._stats, None)
        if stat is None:
            self._zip.close()
            return
        now_s = self._context.clock.now_ms() // 1000
        self._history = History(self._context.node, stat, now_s, self._wanted.since_s)
        self._blocks = self._history.blocks(await self._history.days())
        self._file = self._open(file_of(stat.id))
        self._file.write(HEADER + await self._history.imported())
        self.files += 1

    def _open(self, name: str) -> IO[bytes]:
        """Begin a file of the zip."""
        at = datetime.fromtimestamp(self._wanted.at_ms // 1000, UTC)
        entry = ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
        entry.compress_type = ZIP_DEFLATED
        entry.external_attr = FILE_MODE << 16
        return self._zip.open(entry, "w", force_zip64=True)
