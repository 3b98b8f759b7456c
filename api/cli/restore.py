"""`statflow restore`: a data directory made from a backup.

Law: nothing is put in its place before every byte was checked and the store server has read it all.
What is there already is never touched.
"""

import argparse
import os
import shutil
from pathlib import Path
from typing import Final

import trio

from api.cli.archive import FILES, Contents, copy, read_list, sync_folders
from api.cli.drawing import in_bytes
from api.cli.errors import DONE, CommandError, UsageError
from api.cli.options import settings_arguments, settings_of
from api.cli.progress import progress
from api.cli.store import server_settings, told
from api.settings import Settings
from storage.server import ServerSettings, open_server

HELP: Final = """\
Make a data directory from a backup:

  statflow restore /backups/2026-11-20 --data /var/lib/statflow

The directory must be new or empty, and no server may run on it. Every file is compared with its
checksum, and the store server reads all of it once, before anything is put in its place.
"""

STAGING: Final = "restoring"
"""In the data directory, so that what was checked is put in place by renaming."""

HARMLESS: Final = frozenset({"lost+found", "statflow.lock"})
"""May lie in a directory that is empty otherwise."""

LITTER: Final = ("statflow.lock", "store/server.log", "store/server.pid", "store/server.lock")
"""What the trial leaves behind."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("folder", metavar="DIR", help="a backup that `statflow backup` made")
    settings_arguments(parser, "data")


def run(options: argparse.Namespace) -> int:
    """Restore."""
    settings = settings_of(options)
    folder, data = Path(options.folder).absolute(), Path(settings.data).absolute()
    contents = read_list(folder)
    staging = _claim(data)
    try:
        _copy(folder, contents, staging)
        with told():
            trio.run(_try, settings, staging)
        _put_in_place(staging, data)
    except OSError as error:
        raise CommandError(
            f"{error.filename or data}: {error.strerror or error}; make room or choose"
            " another --data"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    what = f"{len(contents.files)} files, {in_bytes(contents.size)}"
    print(f"{data}: {what}, as of {contents.created}; checked and read once")
    return DONE


def _claim(data: Path) -> Path:
    """The folder for the trial, in a data directory that is empty and nobody's."""
    staging = data / STAGING
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {place.name for place in data.iterdir()} - HARMLESS - {STAGING}
        if found:
            raise UsageError(f"{data} is not empty: choose another --data, or move it away first")
        staging.mkdir(mode=0o700)
    except FileExistsError:
        raise UsageError(f"a restore was interrupted, or runs: remove {staging} first") from None
    except OSError as error:
        raise CommandError(f"{data} cannot be used: {error.strerror or error}") from error
    return staging


def _copy(folder: Path, contents: Contents, staging: Path) -> None:
    with progress("checking", contents.size, in_bytes=True) as step:
        for entry in contents.files:
            source = folder / FILES / entry.path
            try:
                if source.stat().st_size != entry.size:
                    raise CommandError(f"{source} has another length than it had: {_OTHER}")
                with source.open("rb") as file:
                    found = copy(file, entry.size, staging / entry.path, step)
            except FileNotFoundError:
                raise CommandError(f"{source} is missing: {_OTHER}") from None
            if found.sha256 != entry.sha256:
                raise CommandError(f"{source} is damaged: {_OTHER}")


async def _try(settings: Settings, staging: Path) -> None:
    """Let a server read all of it; ServerError when it cannot."""
    usual = server_settings(settings)
    trial = ServerSettings(staging, maxmemory_bytes=usual.maxmemory_bytes)
    with progress("reading", None):
        async with open_server(trial):
            pass


def _put_in_place(staging: Path, data: Path) -> None:
    for name in LITTER:
        (staging / name).unlink(missing_ok=True)
    for place in sorted(staging.iterdir()):
        os.rename(place, data / place.name)
    staging.rmdir()
    sync_folders([data])


_OTHER: Final = "take another backup"
