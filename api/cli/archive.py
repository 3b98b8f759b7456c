"""What a backup is: a folder of files and a list of them with checksums, written last.

    DIR/statflow-backup.json      made when, by which version; every file's size and SHA-256
    DIR/files/...                 the data directory as it was

Law: a folder without its list is no backup, and a file that is not exactly as listed is no part of
one.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import msgspec

from api.cli.errors import CommandError

LIST: Final = "statflow-backup.json"
FILES: Final = "files"
FORMAT: Final = 1

_BLOCK_BYTES: Final = 1024 * 1024

Step = Callable[[float], None]


class Entry(msgspec.Struct, frozen=True):
    """One file: its path from the data directory, its length in bytes, its digest in hex."""

    path: str
    size: int
    sha256: str


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The list of a backup; `created` is ISO 8601, `version` that of the program that made it."""

    format: int = FORMAT
    created: str
    version: str
    files: list[Entry]

    @property
    def size(self) -> int:
        """All of it in bytes."""
        return sum(entry.size for entry in self.files)


def copy(source: BinaryIO, size: int, target: Path, step: Step) -> Entry:
    """Copy `size` bytes into a new file that only its owner may read, and on to the disk.

    CommandError when there are fewer. The entry's path is empty.
    """
    digest = hashlib.sha256()
    left = size
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    with open(target, "xb", opener=_private) as file:
        while left and (block := source.read(min(left, _BLOCK_BYTES))):
            file.write(block)
            digest.update(block)
            left -= len(block)
            step(len(block))
        file.flush()
        os.fsync(file.fileno())
    if left:
        raise CommandError(f"{target.name}: {left} bytes are missing at its end")
    return Entry("", size, digest.hexdigest())


def write_list(folder: Path, contents: Contents) -> None:
    """Make the folder a backup."""
    said = msgspec.json.format(msgspec.json.encode(contents), indent=1)
    with open(folder / LIST, "xb", opener=_private) as file:
        file.write(said + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folders([folder, *(path for path in (folder / FILES).rglob("*") if path.is_dir())])


def read_list(folder: Path) -> Contents:
    """The list of a backup; CommandError when the folder is none."""
    path = folder / LIST
    try:
        contents = msgspec.json.decode(path.read_bytes(), type=Contents)
    except FileNotFoundError:
        raise CommandError(
            f"{folder} is no backup: it has no {LIST}; perhaps making it was interrupted"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise CommandError(f"{path} cannot be read ({error}); take another backup") from error
    if contents.format != FORMAT:
        raise CommandError(f"{path} has format {contents.format}; this version reads {FORMAT}")
    for entry in contents.files:
        parts = PurePosixPath(entry.path).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise CommandError(f"{path} is damaged: it names {entry.path!r}; take another backup")
    return contents


def sync_folders(folders: Iterable[Path]) -> None:
    """Bring the names in these folders to the disk."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
