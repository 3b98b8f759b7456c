"""`statflow import`: a dump, a folder or our own file into the server, or from another server.

Law: the server reads, this only brings and watches; whoever leaves does not break off the import.
"""

import argparse
import os
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import msgspec
import trio

from api.cli.client import Client, Target, open_client
from api.cli.errors import DONE, FAILED, CommandError, UsageError
from api.cli.options import server_arguments, server_of
from api.cli.progress import progress

HELP: Final = """\
Bring in what was counted elsewhere. A repeat changes nothing, and all of it can be undone:

  statflow import stathat-export/ --dry-run        what would come in
  statflow import dump.zip                         a zip or folder of stathat-export, saved JSON,
                                                   or a whole export of StatFlow
  statflow import views.csv --stat page.views --type counter
  statflow import --from https://stats.example --token TOKEN
  statflow import --undo im_VbeSETt

With --from, any server that answers /x/TOKEN is asked.
"""

LOOK_EVERY_S: Final = 0.5
READ_BYTES: Final = 256 * 1024
SHOWN_MAX: Final = 20
"""Errors that are named; the rest is counted."""

PATH: Final = "/v1/import/stathat"
ANY_FILE: Final = "application/octet-stream"


class Reader(Protocol):
    """A file that is open."""

    async def read(self, size: int, /) -> bytes:
        """The next bytes, none at the end."""


class Told(msgspec.Struct, frozen=True):
    """What could not be imported."""

    what: str
    message: str


class Tally(msgspec.Struct, frozen=True):
    """What came in."""

    stats: int
    stats_new: int
    buckets_new: int
    buckets_same: int
    alerts_new: int
    faults: int
    # A server of an earlier release does not tell.
    annotations_new: int = 0
    dashboards_new: int = 0
    histograms_new: int = 0
    silences_new: int = 0


class Import(msgspec.Struct, frozen=True):
    """How an import stands."""

    id: str
    state: str
    dry_run: bool
    percent: float
    tally: Tally
    errors: list[Told]
    reason: str | None = None


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("source", nargs="?", metavar="FILE|DIR", help="what to bring in")
    parser.add_argument("--from", dest="url", metavar="URL", help="another server, instead of FILE")
    parser.add_argument("--token", metavar="TOKEN", help="its access token")
    parser.add_argument("--undo", metavar="ID", help="forget what an import brought")
    parser.add_argument("--dry-run", action="store_true", help="only say what would come in")
    parser.add_argument("--stat", metavar="NAME", help="the stat of a CSV that does not say it")
    parser.add_argument("--type", choices=("counter", "value"), help="what that stat is")
    server_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Bring it in, and wait until it is in; 1 when anything could not be imported."""
    if sum(map(bool, (options.source, options.url, options.undo))) != 1:
        raise UsageError("name a FILE or DIR, or --from a server, or what to --undo")
    if options.url and not options.token:
        raise UsageError("--from needs the --token that the other server knows")
    with _file(options.source) as file:
        ended = trio.run(_work, server_of(options), options, file)
    return report(ended)


async def bring(client: Client, options: argparse.Namespace, file: Path | None) -> Import:
    """Begin what the options say, and wait for its end."""
    if options.undo:
        begun = await client.delete(f"{PATH}/{options.undo}")
    elif file is not None:
        async with await trio.open_file(file, "rb") as opened:
            begun = await client.post(PATH, _params(options), _parts(opened), ANY_FILE)
    else:
        asked = {"token": options.token, "url": options.url, "dry_run": options.dry_run}
        begun = await client.post(PATH, {}, msgspec.json.encode(asked), "application/json")
    return await _followed(client, msgspec.json.decode(begun, type=Import))


def report(ended: Import) -> int:
    """Say how it ended; returns the exit code."""
    for one in ended.errors[:SHOWN_MAX]:
        print(f"{one.what}: {one.message}", file=sys.stderr)
    tally = ended.tally
    if tally.faults > SHOWN_MAX:
        print(f"and {tally.faults - SHOWN_MAX} more", file=sys.stderr)
    if ended.state == "failed":
        raise CommandError(ended.reason or "the import failed")
    if ended.state == "undone":
        print(f"{ended.id} is undone")
        return DONE
    said = "would bring" if ended.dry_run else "brought"
    others = (
        ("histograms", tally.histograms_new),
        ("annotations", tally.annotations_new),
        ("dashboards", tally.dashboards_new),
        ("silences", tally.silences_new),
    )
    more = "".join(f", {amount} {what}" for what, amount in others if amount)
    print(
        f"{ended.id} {said} {tally.buckets_new} buckets of {tally.stats} stats"
        f" ({tally.stats_new} new) and {tally.alerts_new} alerts{more};"
        f" {tally.buckets_same} buckets were there"
    )
    return FAILED if tally.faults else DONE


async def _work(target: Target, options: argparse.Namespace, file: Path | None) -> Import:
    async with open_client(target) as client:
        return await bring(client, options, file)


async def _followed(client: Client, begun: Import) -> Import:
    shown = 0.0
    with progress("importing", 100.0) as step:
        while begun.state in ("waiting", "running", "undoing"):
            await trio.sleep(LOOK_EVERY_S)
            found = await client.get(f"{PATH}/status", {"id": begun.id})
            begun = msgspec.json.decode(found, type=Import)
            step(max(0.0, begun.percent - shown))
            shown = max(shown, begun.percent)
    return begun


def _params(options: argparse.Namespace) -> dict[str, str]:
    given = {"stat": options.stat, "type": options.type, "name": Path(options.source).name}
    params = {name: value for name, value in given.items() if value}
    return params | ({"dry_run": "true"} if options.dry_run else {})


async def _parts(file: Reader) -> AsyncIterator[bytes]:
    while part := await file.read(READ_BYTES):
        yield part


@contextmanager
def _file(source: str | None) -> Generator[Path | None]:
    """The file to send: of a folder a zip, which is gone afterwards."""
    if source is None:
        yield None
        return
    path = Path(source)
    if not path.exists():
        raise CommandError(f"{path} is not there")
    if not path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "dump.zip"
        try:
            pack(path, packed)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}") from error
        yield packed


def pack(folder: Path, packed: Path) -> None:
    """Make a zip of the files in a folder; CommandError where one is a link."""
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for home, folders, files in os.walk(folder):
            for name in sorted((*folders, *files)):
                path = Path(home) / name
                if path.is_symlink():
                    raise CommandError(f"{path} is a link: copy the file that is meant")
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
