"""`statflow backup`: a copy of the data directory that is one state of it, also while it is used.

Law: every point that was acknowledged before the command began is in the copy. Nothing is asked of
the server that could hold it up, and what is being written meanwhile is copied up to a moment; the
tail that this cuts was never promised to the backup.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import redis

from api.cli.archive import FILES, Contents, Entry, copy, write_list
from api.cli.drawing import in_bytes
from api.cli.errors import DONE, CommandError, UsageError
from api.cli.options import STORE, settings_arguments, settings_of
from api.cli.progress import progress
from api.cli.store import has_data, socket_url, told
from api.settings import Settings
from storage.server.append_only import opened, wait_written

HELP: Final = """\
Copy the data directory into DIR, which must be new or empty, also while the server runs:

  statflow backup /backups/$(date +%F)

Every point that was acknowledged before the command began is in it; `statflow restore` checks every
byte by its checksum. The copy holds all that the server knows, digests of API keys included: keep
it where others cannot read it.
"""

LEFT_OUT: Final = frozenset({"store", "statflow.lock", "lost+found"})
"""Of the data directory: the store is copied file by file, and a lock means nothing elsewhere."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("folder", metavar="DIR", help="new or empty")
    settings_arguments(parser, *STORE)


def run(options: argparse.Namespace) -> int:
    """Make the backup."""
    settings = settings_of(options)
    if settings.redis_url is not None:
        raise UsageError(
            "the data is in a store server of your own: back up its append-only files there"
        )
    if not has_data(settings):
        raise UsageError(
            f"there is no data in {settings.data}: name the directory by --data or STATFLOW_DATA"
        )
    folder = Path(options.folder).absolute()
    with told():
        contents = back_up(settings, folder)
    print(f"{folder}: {len(contents.files)} files, {in_bytes(contents.size)}")
    return DONE


def back_up(settings: Settings, folder: Path) -> Contents:
    """Copy everything into an empty folder; CommandError, and nothing left there, if that fails."""
    data = Path(settings.data).absolute()
    if folder.is_relative_to(data):
        raise UsageError(f"{folder} lies in the data directory: choose a place outside")
    made = not folder.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty: choose another directory")
    except OSError as error:
        raise CommandError(f"{folder} cannot be used: {error.strerror or error}") from error
    try:
        return _fill(settings, data, folder)
    except OSError as error:
        _clear(folder, made=made)
        where = error.filename or folder
        raise CommandError(
            f"{where}: {error.strerror or error}; make room or choose another directory"
        ) from error
    except BaseException:
        _clear(folder, made=made)
        raise


def _clear(folder: Path, *, made: bool) -> None:
    """Leave nothing of a backup that failed."""
    shutil.rmtree(folder if made else folder / FILES, ignore_errors=True)


def _fill(settings: Settings, data: Path, folder: Path) -> Contents:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if settings.durability == "relaxed":
        _wait_written(data)
    entries: list[Entry] = []
    with ExitStack() as stack:
        parts = stack.enter_context(opened(data / "store"))
        if not parts:
            raise CommandError(f"the store in {data} has no data yet: there is nothing to copy")
        others = list(_others(data))
        total = sum(part.size for part in parts) + sum(path.stat().st_size for path in others)
        step = stack.enter_context(progress("copying", total, in_bytes=True))
        for part in parts:
            target = folder / FILES / "store" / part.name
            entries.append(
                _named(f"store/{part.name}", copy(part.content, part.size, target, step))
            )
        for path in others:
            name = path.relative_to(data).as_posix()
            with path.open("rb") as file:
                size = path.stat().st_size
                entries.append(_named(name, copy(file, size, folder / FILES / name, step)))
    contents = Contents(created=created, version=version("statflow"), files=entries)
    write_list(folder, contents)
    return contents


def _others(data: Path) -> Iterator[Path]:
    """The files of the data directory beside the store's."""
    for place in sorted(data.iterdir()):
        if place.name in LEFT_OUT or place.is_symlink():
            continue
        if place.is_file():
            yield place
        elif place.is_dir():
            yield from (path for path in sorted(place.rglob("*")) if path.is_file())


def _wait_written(data: Path) -> None:
    """A server that acknowledges early writes soon after; without a server all is written."""
    with socket_url(data) as url:
        client = redis.Redis.from_url(url, socket_timeout=5.0)
        try:
            wait_written(client)
        except redis.RedisError:
            return
        finally:
            client.close()


def _named(name: str, entry: Entry) -> Entry:
    return Entry(name, entry.size, entry.sha256)
