"""`statflow export`: the history of stats as one CSV file, or all of an account.

Law: a file is whole or is not there under its name; what goes to stdout ends with an exit code that
tells.
"""

import argparse
import csv
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import trio

from api.cli.client import Client, StatInfo, Target, Unreached, lines_of, open_client
from api.cli.errors import DONE, CommandError, UsageError
from api.cli.export_all import export_all
from api.cli.options import server_arguments, server_of, zone_argument
from api.cli.progress import Step, progress
from api.cli.query import range_arguments, range_of
from api.query.csvout import STAT_COLUMN, safe_text

HELP: Final = """\
Write stats into a CSV file (RFC 4180), to stdout, or a whole account into a folder or zip:

  statflow export page.views -o views.csv          all there is, as finely as is kept of all of it
  statflow export 'http.*' --last 7d --resolution 1h -o http.csv
  statflow export orders --from 2026-01-01 --agg sum | head
  statflow export --all account.zip                everything, as docs/export.md describes it
  statflow export --all DIR                        the same, unpacked

One stat gives time,timestamp,value,…; several stats get a column `stat` before it.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("stats", nargs="*", metavar="STAT", help="name, id or pattern")
    parser.add_argument("--all", metavar="DIR|FILE.zip", help="the whole account, and where to")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to; stdout when left out")
    parser.add_argument("-f", "--force", action="store_true", help="replace FILE")
    range_arguments(parser)
    zone_argument(parser)
    server_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    if options.all is not None:
        return _run_all(options)
    if not options.stats:
        raise UsageError("say which stats: STAT …, or --all DIR for the whole account")
    target, params = server_of(options), range_of(options)
    if options.output in (None, "-"):
        trio.run(_fetch, target, options.stats, params, sys.stdout.buffer)
        return DONE
    path = Path(options.output)
    if path.exists() and not options.force:
        raise CommandError(f"{path} exists: name another file, or replace it by --force")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            rows = trio.run(_fetch, target, options.stats, params, file)
        part.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    print(f"{rows} rows in {path}", file=sys.stderr)
    return DONE


def _run_all(options: argparse.Namespace) -> int:
    if options.stats or options.output is not None or range_of(options).keys() != {"tz"}:
        raise UsageError("--all writes the whole account: name no stats, no range and no --output")
    return export_all(server_of(options), Path(options.all), force=options.force)


async def write(
    client: Client, words: Sequence[str], params: dict[str, str], file: BinaryIO
) -> int:
    """Write the stats that the words mean; returns how many rows there were."""
    stats = await client.find(words)
    several = len(stats) > 1 or any("*" in word or "?" in word for word in words)
    rows = 0
    with progress("exporting", len(stats)) as step:
        for number, stat in enumerate(stats):
            label = stat.name if several else None
            rows += await _write_one(client, stat, params, file, label, number == 0, step)
    return rows


async def _fetch(
    target: Target, words: Sequence[str], params: dict[str, str], file: BinaryIO
) -> int:
    async with open_client(target) as client:
        return await write(client, words, params, file)


async def _write_one(
    client: Client,
    stat: StatInfo,
    params: dict[str, str],
    file: BinaryIO,
    label: str | None,
    first: bool,
    step: Step,
) -> int:
    """Write one stat, its header only if it is the first; `label` goes before every row."""
    prefix = b"" if label is None else _cell(label) + b","
    share = Share(step, time.time())
    rows = -1
    async with client.stream(f"/v1/stats/{stat.id}/export", params | {"format": "csv"}) as answer:
        async for line in lines_of(answer):
            rows += 1
            if rows:
                file.write(prefix + line)
                share.at(line)
            elif first:
                file.write((b"" if label is None else STAT_COLUMN.encode() + b",") + line)
    if rows < 0:
        raise Unreached(f"the export of {stat.name} broke off: try again")
    share.done()
    return rows


class Share:
    """How much of one stat is written, by the times of its rows: a stat is one step in all."""

    def __init__(self, step: Step, now_s: float) -> None:
        self._step = step
        self._told = 0.0
        self._first: float | None = None
        self._now = now_s

    def at(self, line: bytes) -> None:
        """A row was written; its second column is its time, in epoch seconds."""
        at_s = float(line.split(b",", 2)[1])
        if self._first is None:
            self._first = at_s
        share = (at_s - self._first) / max(1.0, self._now - self._first)
        if share - self._told >= 0.01:
            self._tell(min(1.0, share))

    def done(self) -> None:
        """All rows were written."""
        self._tell(1.0)

    def _tell(self, share: float) -> None:
        self._step(share - self._told)
        self._told = share


def _cell(text: str) -> bytes:
    """A text as one cell of CSV, safe for spreadsheets."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([safe_text(text)])
    return written.getvalue().encode()
