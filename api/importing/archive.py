"""The files of an upload, one file or a zip, or of a folder of ours: read one at a time.

Law: nothing is written to disk, so no path of an archive can lead anywhere; one that tries is
refused all the same, with everything else that is not what it says. Sizes are limited before
anything is read, and nothing is read beyond the size that was promised.
"""

import stat
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from api.importing.faults import DumpFault, FileFault

UPLOAD_BYTES_MAX: Final = 2**30
"""Bytes of an upload."""

FILES_MAX: Final = 250_000
"""Files in an archive."""

FILE_BYTES_MAX: Final = 128 * 2**20
"""Bytes of one file: it is in memory while it is read."""

UNPACKED_BYTES_MAX: Final = 8 * 2**30
"""Bytes of all files together."""

RATIO_MAX: Final = 200
RATIO_BYTES: Final = 2**20
"""No file that is larger than this may be packed more tightly: numbers are not."""

ARCHIVES: Final = (
    ".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst", ".jar",
)  # fmt: skip

ARCHIVE_MAGIC: Final = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")

ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")

PASSED_OVER: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")
"""What file managers leave behind."""


class Archive:
    """The files of one upload by name; close it, or use it in a `with`."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            self.sizes = {one.name: one.stat().st_size for one in path.iterdir() if one.is_file()}
            return
        with path.open("rb") as file:
            magic = file.read(6)
        if magic.startswith(ZIP_MAGIC):
            self._zip = _opened(path)
            self.sizes = _sizes(self._zip, path.stat().st_size)
        elif magic.startswith(ARCHIVE_MAGIC):
            raise DumpFault("of archives only zip is read: unpack it, and zip the folder")
        else:
            self.sizes = {name: path.stat().st_size}

    def __repr__(self) -> str:
        return f"<Archive of {len(self.sizes)} files>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._zip is not None:
            self._zip.close()

    @property
    def names(self) -> list[str]:
        """The files, in order."""
        return sorted(self.sizes)

    def read(self, name: str, limit: int = FILE_BYTES_MAX) -> bytes:
        """The beginning of a file, all of it if it is no longer than `limit`; FileFault."""
        if limit >= FILE_BYTES_MAX and self.sizes[name] > FILE_BYTES_MAX:
            raise FileFault(f"it is larger than {FILE_BYTES_MAX // 2**20} MiB")
        with _translated():
            if self._zip is None:
                plain = self._path / name if self._path.is_dir() else self._path
                with plain.open("rb") as file:
                    return file.read(limit)
            with self._zip.open(name) as packed:
                found = packed.read(limit)
        if found.startswith(ARCHIVE_MAGIC):
            raise FileFault("it is an archive itself: unpack it")
        return found


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError) as error:
        raise DumpFault(f"the zip is damaged or did not come whole: {error}") from error


def _sizes(archive: zipfile.ZipFile, size: int) -> dict[str, int]:
    """The size of each file; DumpFault when the archive is not what an export is."""
    infos = archive.infolist()
    if len(infos) > FILES_MAX:
        raise DumpFault(f"the zip has more than {FILES_MAX:,} files")
    if sum(info.compress_size for info in infos) > size:
        raise DumpFault("the files of the zip lie over one another: it is no export")
    if sum(info.file_size for info in infos) > UNPACKED_BYTES_MAX:
        raise DumpFault(f"the zip holds more than {UNPACKED_BYTES_MAX // 2**30} GiB")
    found: dict[str, int] = {}
    for info in infos:
        _check(info)
        if info.is_dir() or any(part in info.filename for part in PASSED_OVER):
            continue
        if info.filename in found:
            raise DumpFault(f"{info.filename} is twice in the zip")
        found[info.filename] = info.file_size
    return found


def _check(info: zipfile.ZipInfo) -> None:
    name = info.filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]:
        raise DumpFault(f"{name[:200]!r} leads out of the folder")
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DumpFault(f"{name[:200]!r} is a link or a device, no file")
    if info.flag_bits & 1:
        raise DumpFault(f"{name[:200]!r} is locked by a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DumpFault(f"{name[:200]!r} is packed in a way that is not understood: deflate it")
    if info.file_size > RATIO_BYTES and info.file_size > RATIO_MAX * max(1, info.compress_size):
        raise DumpFault(f"{name[:200]!r} would unpack to {info.file_size:,} bytes: it is no export")
    if name.lower().endswith(ARCHIVES):
        raise DumpFault(f"{name[:200]!r} is an archive inside of the archive: unpack it")


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise FileFault(f"it is damaged: {error}") from error


_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError,
)  # fmt: skip
