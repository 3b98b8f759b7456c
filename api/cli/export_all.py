"""`statflow export --all`: a whole account as a zip, or unpacked into a folder.

Law: what stands under its name is whole and checked; what broke off is not there.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import BadZipFile, ZipFile

import msgspec
import trio

from api.cli.archive import sync_folders
from api.cli.client import Target, Unreached, open_client
from api.cli.errors import DONE, CommandError, UsageError
from api.cli.progress import progress
from api.export.layout import CATALOGUE, FORMAT, STAT_FILE

SUFFIX: Final = ".zip"

COPIED_BYTES: Final = 1024 * 1024
"""Bytes of a file that are unpacked at a time."""


class _Entry(msgspec.Struct, frozen=True):
    file: str


class _Catalogue(msgspec.Struct, frozen=True):
    format: str
    stats: list[_Entry]


def export_all(target: Target, path: Path, *, force: bool = False) -> int:
    """Write everything; a folder must be new or empty."""
    zip_wanted = path.suffix.lower() == SUFFIX
    if zip_wanted and path.exists() and not force:
        raise CommandError(f"{path} exists: name another file, or replace it by --force")
    if not zip_wanted:
        _check_folder(path)
    packed = path.with_name(f"{path.name}{'' if zip_wanted else SUFFIX}.part")
    try:
        with packed.open("wb") as file:
            trio.run(_fetch, target, file)
            file.flush()
            os.fsync(file.fileno())
        files = checked(packed)
        if zip_wanted:
            packed.replace(path)
        else:
            unpack(packed, files, path)
        sync_folders([path.absolute().parent])
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        packed.unlink(missing_ok=True)
    print(f"{len(files) - 1} stats in {path}", file=sys.stderr)
    return DONE


def _check_folder(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is neither a folder nor named {path.name}{SUFFIX}")
    if path.exists() and any(path.iterdir()):
        raise CommandError(f"{path} is not empty: name another folder")


async def _fetch(target: Target, file: BinaryIO) -> None:
    """Write the zip as it comes."""
    with progress("exporting", None, in_bytes=True) as step:
        async with (
            open_client(target) as client,
            client.stream("/v1/export", {}, method="POST") as answer,
        ):
            async for part in answer.aiter_bytes():
                file.write(part)
                step(len(part))


def checked(packed: Path) -> list[str]:
    """The files of a zip that is whole: every byte is what it was, and nothing else is in it."""
    try:
        with ZipFile(packed) as archive:
            names = archive.namelist()
            broken = archive.testzip()
            catalogue = msgspec.json.decode(archive.read(CATALOGUE), type=_Catalogue)
    except (BadZipFile, EOFError, KeyError, msgspec.DecodeError) as error:
        raise Unreached(f"the export is not whole ({error}): try again") from error
    wanted = [CATALOGUE, *(entry.file for entry in catalogue.stats)]
    if broken is not None or sorted(names) != sorted(wanted):
        raise Unreached(f"the export is not whole ({broken or 'files are missing'}): try again")
    strange = next((name for name in wanted[1:] if not STAT_FILE.fullmatch(name)), None)
    if catalogue.format != FORMAT or strange is not None:
        raise CommandError(
            f"the server sent {strange or catalogue.format}; this version knows {FORMAT}"
        )
    return wanted


def unpack(packed: Path, files: list[str], folder: Path) -> None:
    """Unpack beside the folder, and name it when all is on the disk."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        (part / "data").mkdir(parents=True)
        with ZipFile(packed) as archive:
            for name in files:
                with archive.open(name) as source, (part / name).open("xb") as file:
                    shutil.copyfileobj(source, file, COPIED_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
        sync_folders([part / "data", part])
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
